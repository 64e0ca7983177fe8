package tally.web;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BadgeTest {

    @Test
    void itIsDrawnLikeThis() {
        assertThat(new Badge("Ai", "1,234", "ff8800", Badge.Style.FLAT).svg()).isEqualTo("""
                <svg xmlns="http://www.w3.org/2000/svg" width="68" height="20" viewBox="0 0 68 20" \
                role="img" aria-labelledby="t">
                <title id="t">Ai: 1,234</title>
                <clipPath id="r"><rect width="68" height="20" rx="4"/></clipPath>
                <g clip-path="url(#r)"><rect width="24" height="20" fill="#3a424c"/>\
                <rect x="24" width="44" height="20" fill="#ff8800"/></g>
                <g font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="11" text-anchor="middle">
                <text x="12" y="14" fill="#fff" textLength="12">Ai</text>
                <text x="46" y="14" fill="#111418" textLength="32">1,234</text>
                </g>
                </svg>
                """);
        assertThat(flat("a", "1d6b45")).contains("<text x=\"9.5\" ", "<text x=\"28.5\" ");
    }

    /** Ten of each, with six pixels at each side. */
    @ParameterizedTest
    @CsvSource({
        "i, 49",
        "|, 49",
        "f, 58",
        "-, 58",
        "m, 114",
        "@, 114",
        "A, 90",
        "Z, 90",
        "[, 82",
        "a, 82",
        "0, 82",
        "\u2e7f, 82",
        "\u2e80, 122",
        "\u732b, 122"
    })
    void aLabelHasTheRoomThatItsLettersTake(String letter, int width) {
        assertThat(flat(letter.repeat(10), "1d6b45"))
                .contains("<rect width=\"%d\" height=\"20\" fill=\"#3a424c\"/>".formatted(width));
    }

    /**
     * By the contrast of WCAG 2.2 with either: just below and just above where they are the same, and each of the three
     * colours.
     */
    @ParameterizedTest
    @CsvSource({
        "000000, #fff",
        "ffffff, #111418",
        "757575, #fff",
        "767676, #111418",
        "ff0000, #111418",
        "c00000, #fff",
        "00ff00, #111418",
        "008800, #fff",
        "0000ff, #fff",
        "000060, #fff",
        "807800, #111418",
        "707800, #fff",
        "7078ff, #111418",
        "0a7e00, #fff",
        "007e0a, #fff"
    })
    void theNumberIsBlackOrWhiteWhicheverReadsBetter(String color, String text) {
        assertThat(flat("visits", color))
                .containsPattern("y=\"14\" fill=\"%s\" textLength=\"7\">1</text>".formatted(text));
    }

    @Test
    void flatSquareHasNoRoundCorners() {
        var flat = new Badge("a", "1", "1d6b45", Badge.Style.FLAT).svg();
        assertThat(new Badge("a", "1", "1d6b45", Badge.Style.FLAT_SQUARE).svg())
                .isEqualTo(flat.replace("rx=\"4\"", "rx=\"0\""));
    }

    @Test
    void forTheBadgeIsLargeAndInCapitals() {
        assertThat(new Badge("Ai", "1.2k", "ff8800", Badge.Style.FOR_THE_BADGE).svg())
                .isEqualTo("""
                <svg xmlns="http://www.w3.org/2000/svg" width="85" height="28" viewBox="0 0 85 28" \
                role="img" aria-labelledby="t">
                <title id="t">Ai: 1.2k</title>
                <clipPath id="r"><rect width="85" height="28" rx="0"/></clipPath>
                <g clip-path="url(#r)"><rect width="34" height="28" fill="#3a424c"/>\
                <rect x="34" width="51" height="28" fill="#ff8800"/></g>
                <g font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="10" font-weight="bold" \
                text-anchor="middle">
                <text x="17" y="18" fill="#fff" textLength="14">AI</text>
                <text x="59.5" y="18" fill="#111418" textLength="31">1.2K</text>
                </g>
                </svg>
                """);
    }

    @Test
    void aPixelHasNothingToSee() {
        assertThat(new Badge("a", "1", "1d6b45", Badge.Style.PIXEL).svg()).isEqualTo("""
                <svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>
                """);
    }

    /** What Nginx draws where no app answers is this very drawing, with the words that this is so. */
    @Test
    void nginxDrawsItsErrorsLikeThis() throws IOException {
        var conf = Files.readString(Path.of("nginx.conf"));
        var drawn = Pattern.compile("default '(<svg [^']*)'").matcher(conf);
        assertThat(drawn.find()).isTrue();
        var words = "too many requests";
        assertThat(drawn.group(1).replace("$badge_words", words) + "\n")
                .isEqualTo(new Badge("visits", words, "c0342b", Badge.Style.FLAT).svg());
        var pixel =
                new Badge("visits", words, "c0342b", Badge.Style.PIXEL).svg().strip();
        assertThat(conf).contains("'" + pixel + "';");
        assertThat(conf)
                .contains("'" + new Badge("visits", "$badge_words", "c0342b", Badge.Style.FLAT).json(true) + "\\n'");
    }

    private static String flat(String label, String color) {
        return new Badge(label, "1", color, Badge.Style.FLAT).svg();
    }
}
