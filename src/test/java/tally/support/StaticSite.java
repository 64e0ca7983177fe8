package tally.support;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;

/** A site that somebody else has: pages of HTML, and nothing behind them. Any host called *.test leads there. */
public final class StaticSite implements AutoCloseable {

    private final HttpServer server;
    private final Map<String, String> pages = new ConcurrentHashMap<>();
    private final Queue<String> asked = new ConcurrentLinkedQueue<>();
    private volatile String policy = "";

    public StaticSite() throws IOException {
        server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.createContext("/", this::answer);
        server.start();
    }

    /** For Chromium, which is started by {@link Browser}. */
    public String at(String host) {
        return "http://" + host + ":" + server.getAddress().getPort();
    }

    public StaticSite page(String path, String body) {
        pages.put(
                path,
                "<!doctype html><html lang=en><meta charset=utf-8><title>A page</title><link rel=icon href=data:,>"
                        + body);
        return this;
    }

    /** The Content-Security-Policy of its pages. */
    public StaticSite policy(String policy) {
        this.policy = policy;
        return this;
    }

    /** Each path, and what for where the browser says so. */
    public List<String> asked() {
        return List.copyOf(asked);
    }

    @Override
    public void close() {
        server.stop(0);
    }

    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            var purpose = exchange.getRequestHeaders().getOrDefault("Sec-Purpose", List.of());
            asked.add((exchange.getRequestURI().getPath() + " " + String.join("", purpose)).strip());
            var page = pages.get(exchange.getRequestURI().getPath());
            var html = (page == null ? "" : page).getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("Content-Type", "text/html;charset=utf-8");
            if (!policy.isEmpty()) {
                exchange.getResponseHeaders().set("Content-Security-Policy", policy);
            }
            exchange.sendResponseHeaders(page == null ? 404 : 200, html.length == 0 ? -1 : html.length);
            exchange.getResponseBody().write(html);
        }
    }
}
