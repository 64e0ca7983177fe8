package tally.web;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.regex.Pattern;
import java.util.zip.Deflater;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.openqa.selenium.By;
import org.openqa.selenium.WindowType;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.logging.LogEntry;
import org.openqa.selenium.logging.LogType;
import tally.support.Browser;
import tally.support.Eventually;
import tally.support.FakeCamo;
import tally.support.FakeNginx;
import tally.support.RealRedis;
import tally.support.StaticSite;
import tally.support.TestTally;

/** The snippets of the README on pages of other origins: in Chromium, from the real service. */
class CountAnywhereIT {

    private static final String YOUR_HOST = "https://your.host";
    private static final int HEAD_AND_FOOT_OF_GZIP = 18;

    private static ChromeDriver browser;
    private static String home;

    private TestTally service;
    private FakeNginx edge;
    private StaticSite site;
    /** Where the counter is for the pages: an origin of its own. */
    private String tally;

    private String blog;

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
        start();
        site = new StaticSite();
        blog = site.at("blog.test");
        site.page("/", snippet("script"))
                .page("/search", snippet("script"))
                .page("/über-uns", snippet("script"))
                .page("/app", snippet("script"));
        browser.switchTo().newWindow(WindowType.WINDOW);
        console();
    }

    private void start(String... flags) throws IOException {
        service = TestTally.start(flags);
        edge = new FakeNginx(service);
        tally = edge.site().replace("127.0.0.1", "tally.test");
    }

    private void stop() {
        edge.close();
        service.close();
    }

    @AfterEach
    void close() {
        browser.getWindowHandles().stream()
                .filter(window -> !window.equals(home))
                .forEach(window -> browser.switchTo().window(window).close());
        browser.switchTo().window(home);
        site.close();
        stop();
    }

    @Test
    void theLineOfTheReadmeCountsEachPageOfASiteByItsAddress() {
        for (var path : List.of("/", "/search?q=tally", "/search?q=other", "/über-uns", "/", "/über-uns/?from=a#b")) {
            site.page("/über-uns/", snippet("script"));
            long before = total();
            browser.get(blog + path);
            counted(before + 1);
        }
        assertThat(visits("/")).isEqualTo(2);
        assertThat(visits("/search")).isEqualTo(2);
        assertThat(visits("/%C3%BCber-uns")).isEqualTo(2);
        assertThat(service.get("/api/visits/" + host()).visits()).isEqualTo(6);
        await("the numbers", () -> shown("page") == 2 && shown("site") == 6);
        // Another site is another.
        browser.get(site.at("other.test") + "/");
        await("the numbers", () -> shown("page") == 1 && shown("site") == 1);
        assertThat(console()).isEmpty();
    }

    @Test
    void theBadgeOfTheReadmeCountsEachShowingThroughGitHubsProxy() throws IOException {
        var image = Pattern.compile("!\\[(.*)]\\((.*)\\)").matcher(snippet("badge"));
        assertThat(image.find()).isTrue();
        try (var camo = new FakeCamo()) {
            site.page(
                    "/you/project",
                    "<img alt=\"%s\" src=\"%s\">".formatted(image.group(1), camo.address(image.group(2))));
            var name = image.group(2).replaceFirst(".*/badge/(.*)\\.svg.*", "$1");
            for (int showing = 1; showing <= 3; showing++) {
                browser.get(site.at("github.test") + "/you/project");
                await("the badge", CountAnywhereIT::imageIsThere);
                assertThat(service.get("/api/visits/" + name).visits()).isEqualTo(showing);
            }
            // Without ?count it may be kept, and counts nobody.
            var still = image.group(2).replace("?count", "");
            site.page("/still", "<img src=\"%s\"><img src=\"%s\">".formatted(camo.address(still), camo.address(still)));
            browser.get(site.at("github.test") + "/still");
            await("the badge", CountAnywhereIT::imageIsThere);
            assertThat(service.get("/api/visits/" + name).visits()).isEqualTo(3);
        }
    }

    @Test
    void withoutScriptTheImageCountsInItsPlace() {
        emulate("Emulation.setScriptExecutionDisabled", Map.of("value", true));
        var image = Pattern.compile("badge/(\\S+)\\.svg").matcher(snippet("script"));
        assertThat(image.find()).isTrue();
        browser.get(blog + "/");
        await("the image", () -> service.get("/api/visits/" + image.group(1)).visits() == 1);
    }

    @Test
    void aSinglePageCountsEachPathThatItGoesTo() {
        browser.get(blog + "/app");
        counted(1);
        browser.executeScript("history.pushState({}, '', '/app/one')");
        counted(2);
        await("its number", () -> shown("page") == 1 && shown("site") == 2);
        // Neither a query nor a fragment is another page, and a path that is left at once was not seen.
        browser.executeScript("history.replaceState({}, '', '/app/one?sorted#down')");
        browser.executeScript("history.pushState({}, '', '/app/login'); history.replaceState({}, '', '/app/two')");
        counted(3);
        browser.navigate().back();
        counted(4);
        assertThat(List.of(visits("/app"), visits("/app/one"), visits("/app/login"), visits("/app/two")))
                .containsExactly(1L, 2L, 0L, 1L);
        assertThat(console()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "<link rel=canonical href=/2024/post?utm=a>, /2024/post",
        "<link rel=canonical href=https://elsewhere.test/2024/post>, /search",
        "<link rel=canonical href='http://[/'>, /search",
        "<base href=/somewhere/>, /search"
    })
    void theCanonicalAddressOfTheSameHostIsThePagesName(String head, String path) {
        site.page("/search", head + line(""));
        browser.get(blog + "/search?q=a");
        counted(1);
        assertThat(visits(path)).isEqualTo(1);
        // It is of this page alone.
        browser.executeScript("history.pushState({}, '', '/next')");
        counted(2);
        assertThat(visits("/next")).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"home", "shop.test/über uns", "shop.test/100%25"})
    void aNameThatThePageSaysIsItsName(String name) {
        site.page("/named", "<link rel=canonical href=/other>" + line("data-name=\"" + name + "\""));
        browser.get(blog + "/named");
        counted(1);
        assertThat(service.get("/api/visits/" + name.replace(" ", "%20").replace("ü", "%C3%BC"))
                        .visits())
                .isEqualTo(1);
    }

    @Test
    void aPageIsCountedOnceItIsSeen() {
        onNewPage("Object.defineProperty(document, 'hidden', { get: () => !window.seen })");
        browser.get(blog + "/");
        notCounted(0);
        browser.executeScript(
                "window.seen = true; document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))");
        counted(1);
        browser.executeScript("document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))");
        notCounted(1);
    }

    @Test
    void aPageThatIsPreparedForAClickIsCountedAfterIt() {
        site.page(
                "/before",
                "<script type=speculationrules>{\"prerender\":[{\"urls\":[\"/\"],\"eagerness\":\"immediate\"}]}"
                        + "</script><a href=/>Next</a>");
        browser.get(blog + "/before");
        await("prepared", () -> site.asked().contains("/ prefetch;prerender"));
        notCounted(0);
        browser.findElement(By.tagName("a")).click();
        await(
                "the other page",
                () -> !browser.findElements(By.cssSelector("[data-tally]")).isEmpty());
        assertThat(browser.executeScript("return performance.getEntriesByType('navigation')[0].activationStart > 0"))
                .isEqualTo(true);
        counted(1);
    }

    @Test
    void comingBackToAPageThatTheBrowserKeptIsAVisit() {
        browser.get(blog + "/");
        counted(1);
        browser.executeScript("window.kept = true");
        browser.get(blog + "/search");
        counted(2);
        browser.navigate().back();
        counted(3);
        assertThat(visits("/")).isEqualTo(2);
    }

    @Test
    void framesAndTheMachineOfTheAuthorAreNotCounted() throws IOException {
        site.page("/frame", "<iframe src=/></iframe>" + line(""));
        browser.get(blog + "/frame");
        counted(1);
        assertThat(visits("/frame")).isEqualTo(1);
        awaitConsole("not counted, frame");
        browser.get(site.at("127.0.0.1") + "/");
        awaitConsole("not counted, localhost");
        var file = Files.createTempFile("page", ".html");
        Files.writeString(file, line(""));
        browser.get(file.toUri().toString());
        awaitConsole("not counted, localhost");
        Files.delete(file);
        notCounted(1);
    }

    @Test
    void anAutomatedBrowserIsNotCounted() {
        onNewPage("Object.defineProperty(navigator, 'webdriver', { get: () => true })");
        browser.get(blog + "/");
        awaitConsole("not counted, webdriver");
        notCounted(0);
    }

    @Test
    void aVisitorMayOptOutAndSeesTheNumbersYet() {
        browser.get(blog + "/");
        counted(1);
        browser.get(blog + "/#tally-off");
        browser.get(blog + "/über-uns");
        awaitConsole("not counted, #tally-off");
        browser.get(blog + "/");
        await("the numbers", () -> shown("page") == 1 && shown("site") == 1);
        notCounted(1);
        browser.get(blog + "/über-uns#tally-on");
        counted(2);
        assertThat(browser.executeScript("return localStorage.length")).isEqualTo(0L);
    }

    @ParameterizedTest
    @CsvSource({"globalPrivacyControl, true, gpc", "doNotTrack, '\"1\"', dnt"})
    void aWishOfTheBrowserIsRespectedWhereThePageSaysSo(String property, String value, String word) {
        onNewPage("Object.defineProperty(navigator, '%s', { get: () => %s })".formatted(property, value));
        browser.get(blog + "/");
        counted(1);
        site.page("/respects", line("data-respect=\"gpc dnt\"")).page("/other", line("data-respect=other"));
        browser.get(blog + "/respects");
        awaitConsole("not counted, " + word);
        browser.get(blog + "/other");
        counted(2);
    }

    @Test
    void itStoresNothingAndSendsNoCookie() {
        site.page("/all", line("data-live") + "<b data-tally=visitors>–</b>");
        browser.get(tally + "/");
        assertThat(browser.manage().getCookieNamed("tally-session")).isNotNull();
        browser.get(blog + "/all");
        await("the numbers", () -> shown("page") == 1 && shown("visitors") == 1);
        assertThat(browser.executeScript("return document.cookie + localStorage.length + sessionStorage.length"))
                .isEqualTo("00");
        assertThat(browser.manage().getCookies()).isEmpty();
    }

    @Test
    void numbersAreKeptLiveWhereThePageSaysSo() {
        site.page("/live", line("data-live") + "<b data-tally=total>–</b>");
        browser.get(blog + "/live");
        await("the numbers", () -> shown("page") == 1);
        service.send("POST", "/api/visits/" + host() + "/live", "");
        await("another visit of the page", () -> shown("page") == 2 && shown("site") == 2 && shown("total") == 2);
        service.send("POST", "/api/visits/" + host() + "/other", "");
        await("a visit of another page", () -> shown("page") == 2 && shown("site") == 3 && shown("total") == 3);
        assertThat(console()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "'window.fetch = () => Promise.reject(new TypeError())'",
        "'window.fetch = () => Promise.reject(new TypeError()); navigator.sendBeacon = () => false'",
        // It was counted, and the answer got lost.
        "'const real = fetch; window.fetch = (...all) => real(...all).then(() => { throw new TypeError(\"lost\"); })'"
    })
    void whatFetchCanNotDoIsDoneOtherwiseAndCountedOnce(String broken) {
        onNewPage(broken);
        browser.get(blog + "/");
        counted(1);
        notCounted(1);
        awaitConsole("TypeError");
        assertThat(visits("/")).isEqualTo(1);
    }

    @Test
    void aPolicyThatAllowsTheHostIsEnough() {
        site.policy("default-src 'none'; script-src %1$s; connect-src %1$s; img-src %1$s data:".formatted(tally));
        browser.get(blog + "/");
        counted(1);
        await("its number", () -> shown("page") == 1);
        assertThat(console()).isEmpty();
        // The image is left, and the console says why there are no numbers.
        site.policy("default-src 'none'; script-src %1$s; img-src %1$s data:".formatted(tally));
        browser.get(blog + "/");
        counted(2);
        awaitConsole("in connect-src");
    }

    @Test
    void whatIsWrongIsSaidInTheConsole() throws IOException {
        stop();
        start("--counting-sites", "other.test");
        site.page("/", line(""));
        browser.get(blog + "/");
        awaitConsole("counting.sites");
        edge.stop();
        browser.get(blog + "/");
        await("a word", () -> console().stream().anyMatch(text -> text.contains("ERR_CONNECTION_REFUSED")));
    }

    @Test
    void itIsSmall() throws IOException {
        var script = service.get("/count.js").body().getBytes(StandardCharsets.UTF_8);
        var best = new Deflater(Deflater.BEST_COMPRESSION, true);
        best.setInput(script);
        best.finish();
        int packed = best.deflate(new byte[script.length]) + HEAD_AND_FOOT_OF_GZIP;
        best.end();
        assertThat(packed).isLessThanOrEqualTo(1536);
    }

    /** The block of the README that follows this mark, for the counter that is here. */
    private String snippet(String mark) {
        try {
            var block = Pattern.compile("<!-- " + mark + " -->\\n```\\w+\\n(.*?)\\n```", Pattern.DOTALL)
                    .matcher(Files.readString(Path.of("README.md")));
            assertThat(block.find()).as(mark).isTrue();
            assertThat(block.group(1)).contains(YOUR_HOST);
            return block.group(1).replace(YOUR_HOST, tally);
        } catch (IOException unreadable) {
            throw new AssertionError(unreadable);
        }
    }

    private String line(String attributes) {
        return "<b data-tally=page>–</b><b data-tally=site>–</b><script defer src=\"%s/count.js\" %s></script>"
                .formatted(tally, attributes);
    }

    private String host() {
        return blog.replace("http://", "");
    }

    private long visits(String path) {
        return service.get("/api/visits/" + host() + path).visits();
    }

    private long total() {
        return service.get("/api/visits").visits();
    }

    private void counted(long total) {
        await("visit " + total, () -> total() == total);
    }

    /** Long enough for what would be counted. */
    private void notCounted(long total) {
        Eventually.pause(500);
        assertThat(total()).isEqualTo(total);
    }

    private long shown(String kind) {
        var text =
                browser.findElement(By.cssSelector("[data-tally=" + kind + "]")).getText();
        return text.equals("–") ? -1 : Long.parseLong(text.replaceAll("\\D", ""));
    }

    private static boolean imageIsThere() {
        return Boolean.TRUE.equals(browser.executeScript("return document.images[0].naturalWidth > 50"));
    }

    private void onNewPage(String script) {
        emulate("Page.addScriptToEvaluateOnNewDocument", Map.of("source", script));
    }

    private void emulate(String command, Map<String, Object> parameters) {
        browser.executeCdpCommand(command, parameters);
    }

    private static void await(String what, BooleanSupplier condition) {
        Eventually.isTrue(what, condition);
    }

    private void awaitConsole(String text) {
        await(text, () -> console().stream().anyMatch(line -> line.contains(text)));
    }

    private List<String> console() {
        return browser.manage().logs().get(LogType.BROWSER).getAll().stream()
                .map(LogEntry::getMessage)
                .toList();
    }
}
