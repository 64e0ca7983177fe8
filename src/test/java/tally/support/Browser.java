package tally.support;

import java.util.logging.Level;
import java.util.logging.Logger;
import org.junit.jupiter.api.Assumptions;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.logging.LogType;
import org.openqa.selenium.logging.LoggingPreferences;
import tally.dev.LocalRedis;

/** The Chromium of this machine; where there is none, the tests that ask for it are skipped, and say so. */
public final class Browser {

    // It warns that it has no typed DevTools of this Chromium's version; nothing here uses them.
    private static final Logger SELENIUM = Logger.getLogger("org.openqa.selenium");

    private Browser() {}

    public static ChromeDriver start() {
        var program = LocalRedis.onPath("chromium");
        var driver = LocalRedis.onPath("chromedriver");
        if (program.isEmpty() || driver.isEmpty()) {
            System.out.println("SKIPPED: browser tests, since there is no chromium and chromedriver on the PATH");
            Assumptions.abort("no chromium and chromedriver on the PATH");
        }
        SELENIUM.setLevel(Level.SEVERE);
        var logs = new LoggingPreferences();
        logs.enable(LogType.BROWSER, Level.ALL);
        var options = new ChromeOptions();
        options.setBinary(program.get().toFile());
        options.setCapability(ChromeOptions.LOGGING_PREFS, logs);
        // As a person has it: neither its name nor navigator.webdriver says that a program drives it. The last: hosts
        // called
        // *.test are this machine, and whoever else a page might want to speak to is not found.
        options.addArguments(
                "--headless=new",
                "--disable-gpu",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--disable-blink-features=AutomationControlled",
                "--user-agent=Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
                        + "Chrome/150.0.0.0 Safari/537.36",
                "--host-resolver-rules=MAP *.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1");
        if (System.getProperty("user.name").equals("root")) {
            options.addArguments("--no-sandbox");
        }
        // With the driver named, Selenium neither looks for one nor fetches one.
        return new ChromeDriver(
                new ChromeDriverService.Builder()
                        .usingDriverExecutable(driver.get().toFile())
                        .build(),
                options);
    }
}
