package tally.web;

import io.javalin.http.BadRequestResponse;
import io.javalin.http.Context;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import tally.counting.PageName;

/** The name that stands in an address between what begins and what ends it, in its one spelling. */
final class AddressedName {

    private AddressedName() {}

    /** A {@link BadRequestResponse} where it is none. */
    static String of(Context context, String before, String after) {
        var path = context.path();
        var encoded = path.substring(before.length(), path.length() - after.length());
        return PageName.canonical(decode(encoded)).orElseThrow(() -> new BadRequestResponse(PageName.RULE));
    }

    /** Strictly: what is no UTF-8 is no name. A letter that came as it is counts as its bytes. */
    private static String decode(String encoded) {
        var bytes = new ByteArrayOutputStream(encoded.length());
        var raw = encoded.getBytes(StandardCharsets.UTF_8);
        try {
            for (int at = 0; at < raw.length; at++) {
                if (raw[at] == '%') {
                    bytes.write(HexFormat.fromHexDigits(encoded(raw, at)));
                    at += 2;
                } else {
                    bytes.write(raw[at]);
                }
            }
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes.toByteArray()))
                    .toString();
        } catch (IllegalArgumentException | IndexOutOfBoundsException | CharacterCodingException malformed) {
            throw new BadRequestResponse(PageName.RULE);
        }
    }

    private static String encoded(byte[] raw, int at) {
        return new String(raw, at + 1, 2, StandardCharsets.US_ASCII);
    }
}
