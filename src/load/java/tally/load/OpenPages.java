package tally.load;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/**
 * So many pages that are open and live, held by one thread: {@code OpenPages PORT PAGES SECONDS} opens them, then
 * reports how many heard of a visit and how long that took, and holds them until the time is over.
 */
final class OpenPages {

    private static final byte[] EVENTS =
            "GET /api/events HTTP/1.1\r\nHost: a\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] VISIT =
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".getBytes(StandardCharsets.US_ASCII);

    private final Selector selector = Selector.open();
    private final InetSocketAddress address;
    private final ByteBuffer buffer = ByteBuffer.allocate(4096);

    private OpenPages(int port) throws IOException {
        address = new InetSocketAddress("127.0.0.1", port);
    }

    static void main(String[] arguments) throws IOException {
        var pages = new OpenPages(Integer.parseInt(arguments[0]));
        int count = Integer.parseInt(arguments[1]);
        for (int i = 0; i < count; i++) {
            pages.open();
        }
        int open = pages.heard("retry:", count, Duration.ofSeconds(60));
        System.out.printf("%d of %d pages are open%n", open, count);
        // What was told at the start has been read; only the visit is news.
        pages.heard("nothing", count, Duration.ofSeconds(2));
        long start = System.nanoTime();
        pages.visit();
        int heard = pages.heard("event: visit", count, Duration.ofSeconds(10));
        System.out.printf(
                "%d heard of a visit, the last after %d ms%n", heard, (System.nanoTime() - start) / 1_000_000);
        pages.heard("nothing", count, Duration.ofSeconds(Long.parseLong(arguments[2])));
        System.exit(open == count && heard == count ? 0 : 1);
    }

    private void open() throws IOException {
        var channel = SocketChannel.open();
        channel.setOption(StandardSocketOptions.SO_RCVBUF, 4096);
        channel.connect(address);
        channel.write(ByteBuffer.wrap(EVENTS));
        channel.configureBlocking(false);
        channel.register(selector, SelectionKey.OP_READ);
    }

    private void visit() throws IOException {
        try (var channel = SocketChannel.open(address)) {
            channel.write(ByteBuffer.wrap(VISIT));
            channel.read(buffer.clear());
        }
    }

    /** How many pages hear the text, once so many have or the time is over. */
    private int heard(String text, int most, Duration time) throws IOException {
        int heard = 0;
        long end = System.nanoTime() + time.toNanos();
        while (heard < most && System.nanoTime() < end) {
            selector.select(100);
            for (var key : selector.selectedKeys()) {
                buffer.clear();
                if (((SocketChannel) key.channel()).read(buffer) < 0) {
                    key.cancel();
                } else if (new String(buffer.array(), 0, buffer.position(), StandardCharsets.US_ASCII).contains(text)) {
                    heard++;
                }
            }
            selector.selectedKeys().clear();
        }
        return heard;
    }
}
