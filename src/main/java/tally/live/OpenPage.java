package tally.live;

import io.javalin.http.Context;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import org.eclipse.jetty.ee10.servlet.ServletContextRequest;
import org.eclipse.jetty.io.EndPoint;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One open page: what it has yet to be told, and its connection. Thread-safe. */
record OpenPage(BlockingQueue<String> queue, EndPoint connection) {

    /** Is told last: the answer ends. */
    static final String GONE = "";

    private static final Logger LOG = LoggerFactory.getLogger("tally.events");
    private static final int QUEUE = 16;

    static OpenPage of(Context context) {
        var request = ServletContextRequest.getServletContextRequest(context.req());
        return new OpenPage(
                new ArrayBlockingQueue<>(QUEUE),
                request.getConnectionMetaData().getConnection().getEndPoint());
    }

    /** One that does not read keeps the thread that writes to it waiting: only the end of its connection ends that. */
    void tell(String event) {
        if (!queue.offer(event)) {
            connection.close();
        }
    }

    /** Its thread waits for news and reads nothing, so nobody else would see the end of what it sends. */
    void letGoIfItLeft() {
        try {
            if (connection.fill(ByteBuffer.allocate(1).limit(0)) >= 0 && connection.isOpen()) {
                return;
            }
        } catch (IOException broken) {
            LOG.debug("A client left", broken);
        }
        connection.close();
        letGo();
    }

    /** It is told nothing more, and its answer ends in order. */
    void letGo() {
        queue.clear();
        queue.add(GONE);
    }
}
