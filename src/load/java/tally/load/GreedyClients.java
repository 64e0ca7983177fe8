package tally.load;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import org.jspecify.annotations.Nullable;

/**
 * Clients of Redis that have it hold memory for them and read nothing:
 * {@code GreedyClients ADDRESS OPERATORS_PASSWORD SECONDS}. One watches (MONITOR), four ask on and on, four send a
 * command without an end, three hundred half of a long one. Whoever is cut off comes back. Prints how often that was.
 */
final class GreedyClients {

    private static final String HEALTH = "AUTH health none\r\n";

    private final InetSocketAddress address;
    private int cutOff;

    private GreedyClients(String address) {
        this.address = new InetSocketAddress(address, 6379);
    }

    static void main(String[] arguments) throws InterruptedException {
        var clients = new GreedyClients(arguments[0]);
        var all = new ArrayList<Client>();
        all.add(clients.new Client("AUTH operator " + arguments[1] + "\r\nMONITOR\r\n", ""));
        for (int i = 0; i < 4; i++) {
            all.add(clients.new Client(HEALTH, "INFO everything\r\n".repeat(200)));
            all.add(clients.new Client(HEALTH + "*2\r\n$4\r\nPING\r\n$400000000\r\n", "x".repeat(1_000_000)));
        }
        for (int i = 0; i < 300; i++) {
            all.add(clients.new Client(HEALTH + "*2\r\n$4\r\nPING\r\n$1000000\r\n" + "x".repeat(300_000), ""));
        }
        long end = System.nanoTime()
                + Duration.ofSeconds(Long.parseLong(arguments[2])).toNanos();
        while (System.nanoTime() < end) {
            all.forEach(Client::send);
            Thread.sleep(20);
        }
        System.out.println("cut off " + clients.cutOff + " times");
        System.exit(0);
    }

    /** Says hello when it comes, and then the rest again and again. */
    private final class Client {
        private final byte[] hello;
        private final byte[] rest;
        private @Nullable Socket socket;

        Client(String hello, String rest) {
            this.hello = hello.getBytes(StandardCharsets.US_ASCII);
            this.rest = rest.getBytes(StandardCharsets.US_ASCII);
        }

        void send() {
            try {
                var open = socket;
                if (open == null) {
                    open = new Socket();
                    socket = open;
                    open.setReceiveBufferSize(4096);
                    open.connect(address, 1000);
                    open.getOutputStream().write(hello);
                }
                open.getOutputStream().write(rest);
            } catch (IOException ended) {
                cutOff++;
                socket = null;
            }
        }
    }
}
