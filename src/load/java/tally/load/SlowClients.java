package tally.load;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;

/**
 * Clients that take their time: {@code SlowClients PORT WRITERS READERS SECONDS} holds so many connections whose
 * request comes a byte a second and never ends, and so many that open the live page and read nothing of it.
 */
final class SlowClients {

    private static final byte[] ENDLESS =
            ("GET / HTTP/1.1\r\nHost: a\r\nX-Slow: " + "a".repeat(500)).getBytes(StandardCharsets.US_ASCII);

    private SlowClients() {}

    static void main(String[] arguments) throws IOException, InterruptedException {
        var address = new InetSocketAddress("127.0.0.1", Integer.parseInt(arguments[0]));
        var writers = new ArrayList<Socket>();
        for (int i = 0; i < Integer.parseInt(arguments[1]); i++) {
            writers.add(connect(address));
        }
        var readers = new ArrayList<Socket>();
        for (int i = 0; i < Integer.parseInt(arguments[2]); i++) {
            var reader = connect(address);
            readers.add(reader);
            var request = "GET /api/events HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 10.0.0." + i + "\r\n\r\n";
            reader.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            var answer = new String(reader.getInputStream().readNBytes(12), StandardCharsets.US_ASCII);
            if (!answer.endsWith("200")) {
                System.out.println("an open page was answered " + answer);
                System.exit(1);
            }
        }
        int refused = 0;
        for (int second = 0; second < Integer.parseInt(arguments[3]); second++) {
            for (var writer : writers) {
                try {
                    writer.getOutputStream().write(ENDLESS, second, 1);
                } catch (IOException closed) {
                    refused++;
                }
            }
            Thread.sleep(Duration.ofSeconds(1));
        }
        System.out.println(writers.size() + " writers, of whose bytes " + refused + " were refused, and "
                + readers.size() + " readers");
        System.exit(0);
    }

    private static Socket connect(InetSocketAddress address) throws IOException {
        var socket = new Socket();
        socket.setReceiveBufferSize(1024);
        socket.connect(address, 5000);
        return socket;
    }
}
