package tally.counting;

import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import tally.frame.config.InvalidSetting;
import tally.frame.config.SettingReader;

/** What is counted, and for whom: {@code counting}. No sites are any. Immutable. */
public record CountingSettings(Set<String> sites, int newNames, boolean bots) {

    private static final Pattern SEPARATOR = Pattern.compile("[,\\s]+");

    public static CountingSettings read(SettingReader read) {
        var sites = SEPARATOR
                .splitAsStream(read.text("counting.sites").strip())
                .filter(site -> !site.isEmpty())
                .collect(Collectors.toSet());
        sites.stream().filter(site -> !isSite(site)).forEach(site -> {
            throw new InvalidSetting("counting.sites: '%s' is not a site such as blog.example, in lower case (from %s)"
                    .formatted(site, read.origin("counting.sites")));
        });
        return new CountingSettings(sites, read.whole("counting.new-names", 0, 1_000_000), read.flag("counting.bots"));
    }

    private static boolean isSite(String site) {
        return PageName.siteOf(PageName.canonical(site + "/").orElse("")).equals(site);
    }

    /** Whether this page may be counted here. */
    public boolean allow(String page) {
        var site = PageName.siteOf(page);
        return sites.isEmpty() || sites.contains(site.isEmpty() ? page : site);
    }
}
