package tally.frame.http;

import io.javalin.http.Context;
import java.io.IOException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads what a client sends on, whoever wants it: a connection that is closed with bytes unread is reset, and the reset
 * takes the answer with it. Nginx would take that for a dead replica and ask the next one.
 */
public final class RequestBody {

    /** Bytes that are read on and thrown away; a client that sends more is cut off. */
    static final int READ_ON = 1 << 20;

    private static final Logger LOG = LoggerFactory.getLogger("tally");

    private RequestBody() {}

    /** Called before an answer that needs nothing of the body. */
    public static void readOn(Context context) {
        if (context.req().getContentLengthLong() <= 0 && context.header("Transfer-Encoding") == null) {
            return;
        }
        try {
            var in = context.req().getInputStream();
            in.skip(READ_ON);
            if (in.read() >= 0) {
                // The rest would be taken for the next request.
                context.header("Connection", "close");
            }
        } catch (IOException left) {
            LOG.debug("The client left before its answer", left);
        }
    }
}
