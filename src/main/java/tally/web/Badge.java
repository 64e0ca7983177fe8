package tally.web;

import io.javalin.http.BadRequestResponse;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * A count as a small SVG image, for a README or a page: a label, and the number on a colour.
 *
 * <p>Sharp at any size, with a title for screen readers. The number's text is black or white, whichever reads better on its
 * colour. There is no style sheet in it: opened alone, the page's policy would forbid it, and the image would look different.
 */
record Badge(String label, String color) {

    private static final int LABEL_MOST = 40;
    private static final String DEFAULT = "1d6b45";
    private static final Pattern HEX = Pattern.compile("#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})");
    private static final Map<String, String> NAMES = Map.of("blue", "0b62c4", "green", DEFAULT, "red", "c0342b", "orange", "b35309",
            "yellow", "e0b400", "purple", "7442b8", "pink", "c2367f", "teal", "0f766e", "grey", "5b6470", "black", "111418");

    /** From the query's values, each null where there is none; a {@link BadRequestResponse} says what is wrong with one. */
    static Badge of(String label, String color) {
        var shown = label == null ? "visits" : label.strip();
        if (shown.isEmpty() || shown.codePointCount(0, shown.length()) > LABEL_MOST || shown.codePoints().anyMatch(Badge::isNotText)) {
            throw new BadRequestResponse("label must be 1 to " + LABEL_MOST + " printable characters");
        }
        var hex = HEX.matcher(color == null ? DEFAULT : NAMES.getOrDefault(color, color));
        if (!hex.matches()) {
            throw new BadRequestResponse("color must be three or six hexadecimal digits or one of: "
                    + String.join(", ", NAMES.keySet().stream().sorted().toList()));
        }
        return new Badge(shown, hex.group(1).length() == 6 ? hex.group(1) : hex.group(1).replaceAll("(.)", "$1$1"));
    }

    String with(long visits) {
        var number = String.format(Locale.ROOT, "%,d", visits);
        int labelWidth = width(label);
        int numberWidth = width(number);
        int whole = labelWidth + numberWidth;
        return """
                <svg xmlns="http://www.w3.org/2000/svg" width="%1$d" height="20" viewBox="0 0 %1$d 20" role="img" aria-labelledby="t">
                <title id="t">%4$s: %5$s</title>
                <clipPath id="r"><rect width="%1$d" height="20" rx="4"/></clipPath>
                <g clip-path="url(#r)"><rect width="%2$d" height="20" fill="#3a424c"/><rect x="%2$d" width="%3$d" height="20" fill="#%6$s"/></g>
                <g font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="11" text-anchor="middle">
                <text x="%7$s" y="14" fill="#fff" textLength="%9$d">%4$s</text>
                <text x="%8$s" y="14" fill="%11$s" textLength="%10$d">%5$s</text>
                </g>
                </svg>
                """.formatted(whole, labelWidth, numberWidth, escape(label), number, color, half(labelWidth), half(2 * labelWidth + numberWidth),
                labelWidth - 12, numberWidth - 12, isLight(color) ? "#111418" : "#fff");
    }

    private static String half(int twice) {
        return twice % 2 == 0 ? Integer.toString(twice / 2) : twice / 2 + ".5";
    }

    /** About that of the text at 11 px, with 6 px at each side; textLength makes it exact in any font. */
    private static int width(String text) {
        return 12 + (int) Math.ceil(text.codePoints().mapToDouble(Badge::width).sum());
    }

    private static double width(int character) {
        if (character > 0x2e7f) {
            return 11;
        }
        return switch (character) {
            case 'i', 'j', 'l', 'I', '.', ',', ':', ';', '\'', '|', '!' -> 3.7;
            case 'f', 'r', 't', ' ', '(', ')', '/', '-' -> 4.6;
            case 'm', 'w', 'M', 'W', '@', '%' -> 10.2;
            default -> character >= 'A' && character <= 'Z' ? 7.8 : 7;
        };
    }

    private static boolean isNotText(int character) {
        return Character.isISOControl(character) || Character.getType(character) == Character.SURROGATE || character == 0xfffe || character == 0xffff;
    }

    /** By the relative luminance of WCAG 2.2: above it, black reads better than white. */
    private static boolean isLight(String hex) {
        double luminance = 0.2126 * linear(hex, 0) + 0.7152 * linear(hex, 2) + 0.0722 * linear(hex, 4);
        return luminance > 0.179;
    }

    private static double linear(String hex, int at) {
        double channel = Integer.parseInt(hex.substring(at, at + 2), 16) / 255.0;
        return channel <= 0.04045 ? channel / 12.92 : Math.pow((channel + 0.055) / 1.055, 2.4);
    }

    private static String escape(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;").replace("'", "&#39;");
    }
}
