package tally.web;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.JarURLConnection;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.jar.JarEntry;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.openqa.selenium.By;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.WindowType;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.logging.LogEntry;
import org.openqa.selenium.logging.LogType;
import tally.support.Browser;
import tally.support.Eventually;
import tally.support.FakeNginx;
import tally.support.RealRedis;
import tally.support.TestTally;

/** The page as its readers have it: in Chromium, under the policy of nginx.conf, from the real service. */
class BrowserIT {

    private static ChromeDriver browser;
    private static String home;

    private TestTally service;
    private FakeNginx edge;

    @BeforeAll
    static void startBrowser() {
        browser = Browser.start();
        home = browser.getWindowHandle();
    }

    @AfterAll
    static void stopBrowser() {
        Optional.ofNullable(browser).ifPresent(ChromeDriver::quit);
    }

    @BeforeEach
    void open() throws IOException {
        RealRedis.shared().empty();
        service = TestTally.start();
        edge = new FakeNginx(service);
        browser.executeCdpCommand("Network.clearBrowserCookies", Map.of());
        browser.switchTo().newWindow(WindowType.WINDOW);
        console();
    }

    @AfterEach
    void close() {
        browser.getWindowHandles().stream()
                .filter(window -> !window.equals(home))
                .forEach(window -> browser.switchTo().window(window).close());
        browser.switchTo().window(home);
        edge.close();
        service.close();
    }

    @Test
    void openingThePageIsAVisitAndSoIsReloadingIt() {
        service.get("/");
        visitPage();
        assertThat(visits()).isEqualTo(2);
        browser.navigate().refresh();
        awaitLive();
        assertThat(visits()).isEqualTo(3);
        assertThat(service.get("/api/visits").visits()).isEqualTo(3);
    }

    @Test
    void aSecondWindowsVisitAppearsInTheFirstWithoutReload() {
        hearOnlyEvents();
        visitPage();
        browser.executeScript("window.neverReloaded = true");
        var first = browser.getWindowHandle();
        browser.switchTo().newWindow(WindowType.WINDOW);
        visitPage();
        assertThat(visits()).isEqualTo(2);
        browser.switchTo().window(first);
        await("the second visit", () -> visits() == 2);
        assertThat(element("since").getText()).contains("1 visit since");
        assertThat(browser.executeScript("return window.neverReloaded")).isEqualTo(true);
    }

    @Test
    void aSessionLastsThroughAReloadAndEndsWithTheButton() {
        visitPage();
        await("the session", () -> element("session-visits").getText().equals("1"));
        browser.navigate().refresh();
        await(
                "the session's second visit",
                () -> element("session-visits").getText().equals("2"));
        element("forget").click();
        await("forgotten", () -> element("session-message").getText().startsWith("Forgotten."));
        assertThat(element("session-visits").isDisplayed()).isFalse();
        assertThat(browser.manage().getCookieNamed("tally-session")).isNull();
        visitPage();
        await("a new session", () -> element("session-visits").getText().equals("1"));
    }

    @ParameterizedTest
    @CsvSource({"Nginx, ERR_CONNECTION_REFUSED", "the app, status of 502"})
    void aLostConnectionShowsAndHealsByItselfWithWhatWasMissed(String gone, String noted) throws IOException {
        hearOnlyEvents();
        visitPage();
        if (gone.equals("Nginx")) {
            edge.stop();
        } else {
            service.close();
            service = TestTally.start();
        }
        await("lost", () -> "lost".equals(state()));
        await(
                "another try",
                () -> console().stream().anyMatch(line -> line.contains("/api/events") && line.contains(noted)));
        assertThat(element("live").getText()).isEqualTo("Connection lost, trying again…");
        service.get("/");
        assertThat(visits()).isEqualTo(1);
        if (gone.equals("Nginx")) {
            edge.start();
        }
        edge.leadTo(service);
        awaitLive();
        await("what was missed", () -> visits() == 2);
        service.get("/");
        await("the next visit", () -> visits() == 3);
    }

    @Test
    void usingThePageBreaksNoPolicyLeavesNoErrorAndAsksNobodyElse() {
        service.send("POST", "/api/visits/home", "");
        visitPage();
        await("figures", () -> element("page-list").getText().contains("home"));
        browser.findElement(By.tagName("summary")).click();
        option("label").sendKeys("readers");
        await(
                "another badge",
                () -> "badge/total.svg?label=readers".equals(element("badge").getDomAttribute("src")));
        browser.findElements(By.cssSelector("[data-copy]")).forEach(WebElement::click);
        service.get("/");
        await("another visit", () -> visits() == 3);
        element("forget").click();
        await("forgotten", () -> element("session-message").getText().startsWith("Forgotten."));
        assertThat(console()).isEmpty();
        // As a tab that was hidden for a while; the session that is gone now is a 404, which a browser always notes
        // down.
        browser.executeScript("document.dispatchEvent(new Event('visibilitychange'))");
        await("no session", () -> element("session-message").getText().startsWith("There is none"));
        assertThat(console())
                .allMatch(line -> line.contains(
                        "/api/session - Failed to load resource: the server responded with a status of 404"));
        assertThat(asked()).hasSizeGreaterThan(8).allMatch(address -> address.startsWith(edge.site() + "/"));
        // There would have been a line.
        browser.executeScript("document.body.append(Object.assign(new Image(), { src: 'http://elsewhere.example' }))");
        await("a violation", () -> console().stream().anyMatch(line -> line.contains("Content Security Policy")));
    }

    @Test
    void underAPathOfTheSiteEverythingIsAskedForUnderIt() throws IOException {
        try (var below = new FakeNginx(service.address("/"), "/some/tally")) {
            service.send("POST", "/api/visits/home", "");
            browser.get(below.site() + "/?from=elsewhere");
            awaitLive();
            await(
                    "figures",
                    () -> element("page-list").getText().contains("home")
                            && element("forget").isDisplayed());
            await("the badge", () -> Integer.parseInt(element("badge").getDomProperty("naturalWidth")) > 50);
            assertThat(element("as-html").getText()).contains("src=\"" + below.site() + "/badge/total.svg\"");
            assertThat(element("as-markdown").getText()).contains("(" + below.site() + "/badge/total.svg)");
            assertThat(element("as-curl").getText()).endsWith(" " + below.site() + "/api/visits/blog.example/about");
            assertThat(element("as-script").getText()).contains("src=\"" + below.site() + "/count.js\"");
            assertThat(asked()).hasSizeGreaterThan(8).allMatch(address -> address.startsWith(below.site() + "/"));
            var links = browser.findElements(By.tagName("a")).stream()
                    .map(link -> link.getDomProperty("href"))
                    .toList();
            assertThat(links).isNotEmpty().allMatch(address -> address.startsWith(below.site() + "/"));
            assertThat(console()).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"light", "dark"})
    void peopleWithDisabilitiesCanUseThePage(String scheme) throws IOException {
        emulate(
                "Emulation.setEmulatedMedia",
                Map.of(
                        "features",
                        List.of(
                                Map.of("name", "prefers-color-scheme", "value", scheme),
                                Map.of("name", "prefers-reduced-motion", "value", "reduce"))));
        service.send("POST", "/api/visits/home", "");
        visitPage();
        assertThat(browser.findElement(By.tagName("body")).getCssValue("background-color"))
                .isEqualTo(scheme.equals("dark") ? "rgba(15, 23, 19, 1)" : "rgba(242, 246, 240, 1)");
        await(
                "figures",
                () -> element("page-list").getText().contains("home")
                        && element("forget").isDisplayed());
        browser.findElement(By.tagName("summary")).click();
        browser.executeScript(axe());
        assertThat(barriers()).isEmpty();
        edge.stop();
        await("lost", () -> "lost".equals(state()));
        assertThat(barriers()).isEmpty();
    }

    @Test
    void theBuilderWritesABadgeAndALineForThePageThatIsTyped() throws IOException {
        service.send("POST", "/api/visits/blog.example/%C3%BCber-uns", "");
        service.send("POST", "/api/visits/blog.example/other", "");
        visitPage();
        option("name").sendKeys("https://blog.example/über-uns/?from=a#b");
        await("its number", () -> element("name-state").getText().equals("1 visit so far."));
        var badge = edge.site() + "/badge/blog.example/%C3%BCber-uns.svg?count";
        assertThat(element("as-markdown").getText()).isEqualTo("![visits](" + badge + ")");
        assertThat(element("as-html").getText()).isEqualTo("<img src=\"" + badge + "\" alt=\"visits\">");
        assertThat(element("script-preview").getText()).isEqualTo("1 visits");

        option("style").sendKeys("flat-square");
        option("number").sendKeys("of the site");
        option("live").click();
        await("another line", () -> element("as-script").getText().contains("data-live"));
        assertThat(element("as-script").getText())
                .contains("data-tally=\"site\"")
                .contains(badge + "\"");
        assertThat(element("script-preview").getText()).isEqualTo("2 visits");
        assertThat(element("as-markdown").getText()).contains(".svg?count&style=flat-square)");
        // The preview is not counted.
        assertThat(element("badge").getDomAttribute("src"))
                .isEqualTo("badge/blog.example/%C3%BCber-uns.svg?style=flat-square");
        assertThat(service.get("/api/visits").visits()).isEqualTo(3);
        assertThat(console()).isEmpty();

        option("name").clear();
        option("name").sendKeys("total");
        await("what is wrong", () -> element("name-state").getText().contains("A page name is"));
        assertThat(option("name").getDomAttribute("aria-invalid")).isEqualTo("true");
        browser.executeScript(axe());
        assertThat(barriers()).isEmpty();
        option("name").clear();
        option("name").sendKeys("home");
        await("a word", () -> element("as-script").getText().contains("data-name=\"home\""));
        assertThat(option("name").getDomAttribute("aria-invalid")).isEqualTo("false");
    }

    @ParameterizedTest
    @CsvSource({"412, 823", "768, 1024", "1350, 940"})
    void nothingMovesWhileThePageLoads(int width, int height) {
        for (var page = 'a'; page <= 'l'; page++) {
            service.send("POST", "/api/visits/blog.example/" + page, "");
        }
        emulate(
                "Emulation.setDeviceMetricsOverride",
                Map.of("width", width, "height", height, "deviceScaleFactor", 1, "mobile", false));
        emulate("Page.addScriptToEvaluateOnNewDocument", Map.of("source", """
                window.moved = 0;
                new PerformanceObserver(list => list.getEntries().forEach(({ value }) => { moved += value; }))
                    .observe({ type: "layout-shift", buffered: true });
                """));
        visitPage();
        await("the pages", () -> element("page-list").getText().contains("blog.example"));
        await("the session", () -> !element("session-visits").getText().isEmpty());
        assertThat(((Number) Objects.requireNonNull(browser.executeScript("return moved"))).doubleValue())
                .isLessThanOrEqualTo(0.02);
    }

    @Test
    void aSmallScreenNeedsNoScrollingSideways() {
        try (var redis = RealRedis.shared().connect()) {
            redis.set("visit_count", "987654321");
        }
        service.send("POST", "/api/visits/" + "W".repeat(64), "");
        emulate(
                "Emulation.setDeviceMetricsOverride",
                Map.of("width", 320, "height", 640, "deviceScaleFactor", 1, "mobile", false));
        visitPage();
        await("the pages", () -> element("page-list").getText().contains("WWW"));
        browser.findElement(By.tagName("summary")).click();
        assertThat(visits()).isEqualTo(987654323);
        assertThat(browser.executeScript(
                        "return document.documentElement.scrollWidth - document.documentElement.clientWidth"))
                .isEqualTo(0L);
    }

    @Test
    void withoutJavaScriptTheNumberAndTheBadgeAreThere() {
        service.get("/");
        emulate("Emulation.setScriptExecutionDisabled", Map.of("value", true));
        browser.get(edge.site() + "/");
        assertThat(visits()).isEqualTo(2);
        assertThat(element("since").getDomProperty("innerText"))
                .isEqualTo("Yours is the last of them. With JavaScript this page is live.");
        await("the badge", () -> Integer.parseInt(element("badge").getDomProperty("naturalWidth")) > 50);
        assertThat(browser.findElements(By.cssSelector("[data-script]")))
                .isNotEmpty()
                .noneMatch(WebElement::isDisplayed);
    }

    /** The addresses that the page has asked for. */
    private static List<String> asked() {
        var names = (List<?>)
                browser.executeScript("return performance.getEntriesByType('resource').map(({ name }) => name)");
        return Objects.requireNonNull(names).stream().map(Object::toString).toList();
    }

    private void visitPage() {
        browser.get(edge.site() + "/");
        awaitLive();
    }

    private void awaitLive() {
        await("live", () -> "live".equals(state()));
    }

    private static void await(String what, BooleanSupplier condition) {
        Eventually.isTrue(what, condition);
    }

    /** The page also asks every few seconds, which would hide that it hears nothing. */
    private void hearOnlyEvents() {
        emulate("Network.enable", Map.of());
        emulate("Network.setBlockedURLs", Map.of("urls", List.of("*/api/stats")));
    }

    private void emulate(String command, Map<String, Object> parameters) {
        browser.executeCdpCommand(command, parameters);
    }

    /** Of the builder. */
    private WebElement option(String name) {
        return browser.findElement(By.cssSelector("#builder [name=" + name + "]"));
    }

    private WebElement element(String id) {
        return browser.findElement(By.id(id));
    }

    private @Nullable String state() {
        return element("live").getDomAttribute("data-state");
    }

    private long visits() {
        return Long.parseLong(element("visits").getText().replaceAll("\\D", ""));
    }

    /** What the browser noted down since it was last asked: errors, warnings, violations of the policy. */
    private List<String> console() {
        return browser.manage().logs().get(LogType.BROWSER).getAll().stream()
                .map(LogEntry::getMessage)
                .toList();
    }

    /** What axe finds serious or critical. */
    private List<?> barriers() {
        return Objects.requireNonNull((List<?>) browser.executeAsyncScript("""
                const done = arguments[0];
                const isBarrier = ({ impact }) => ["serious", "critical"].includes(impact);
                const inWords = ({ id, nodes }) => `${id}: ${nodes.map(node => node.html).join(", ")}`;
                axe.run().then(({ violations }) => done(violations.filter(isBarrier).map(inWords)), done);
                """));
    }

    private static String axe() throws IOException {
        var jar = (JarURLConnection) BrowserIT.class
                .getResource("/META-INF/resources/webjars/axe-core")
                .openConnection();
        var name = jar.getJarFile().stream()
                .map(JarEntry::getName)
                .filter(file -> file.endsWith("/axe.min.js"))
                .findFirst()
                .orElseThrow();
        try (var script = BrowserIT.class.getResourceAsStream("/" + name)) {
            return new String(script.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
