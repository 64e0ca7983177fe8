package tally.web;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import tally.frame.http.Answer;

/**
 * A small SVG image, for a README or a page: a label, and a message on a colour. Or the same as shields.io reads it.
 *
 * <p>Sharp at any size, with a title for screen readers. The message is black or white, whichever reads better on its
 * colour. There is no style sheet in it: opened alone, the page's policy would forbid it, and the image would look
 * different.
 */
record Badge(String label, String message, String color, Style style) {

    /** {@code room} is at each side of a text, {@code spacing} beside each letter, both in pixels. */
    enum Style {
        FLAT(20, 4, 14, "font-size=\"11\"", 6, 0),
        FLAT_SQUARE(20, 0, 14, "font-size=\"11\"", 6, 0),
        FOR_THE_BADGE(28, 0, 18, "font-size=\"10\" font-weight=\"bold\"", 10, 1.2),
        /** Nothing to see, for whoever only counts. */
        PIXEL(1, 0, 0, "", 0, 0);

        private final int height;
        private final int corner;
        private final int baseline;
        private final String font;
        private final int room;
        private final double spacing;

        Style(int height, int corner, int baseline, String font, int room, double spacing) {
            this.height = height;
            this.corner = corner;
            this.baseline = baseline;
            this.font = font;
            this.room = room;
            this.spacing = spacing;
        }

        String shown(String text) {
            return this == FOR_THE_BADGE ? text.toUpperCase(Locale.ROOT) : text;
        }
    }

    /** The schema of shields.io's endpoint badge; what is null is left out. */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    private record Endpoint(
            int schemaVersion,
            String label,
            String message,
            String color,
            @Nullable String style,
            @Nullable Boolean isError) {}

    String svg() {
        return svg(label + ": " + message);
    }

    /** With another title than label and message. */
    String svg(String title) {
        if (style == Style.PIXEL) {
            return "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"1\" height=\"1\"/>\n";
        }
        var left = style.shown(label);
        var right = style.shown(message);
        int labelWidth = width(left);
        int messageWidth = width(right);
        int whole = labelWidth + messageWidth;
        return """
                <svg xmlns="http://www.w3.org/2000/svg" width="%1$d" height="%12$d" viewBox="0 0 %1$d %12$d" \
                role="img" aria-labelledby="t">
                <title id="t">%13$s</title>
                <clipPath id="r"><rect width="%1$d" height="%12$d" rx="%14$d"/></clipPath>
                <g clip-path="url(#r)"><rect width="%2$d" height="%12$d" fill="#3a424c"/>\
                <rect x="%2$d" width="%3$d" height="%12$d" fill="#%6$s"/></g>
                <g font-family="Verdana,DejaVu Sans,Geneva,sans-serif" %15$s text-anchor="middle">
                <text x="%7$s" y="%16$d" fill="#fff" textLength="%9$d">%4$s</text>
                <text x="%8$s" y="%16$d" fill="%11$s" textLength="%10$d">%5$s</text>
                </g>
                </svg>
                """.formatted(
                        whole,
                        labelWidth,
                        messageWidth,
                        escape(left),
                        escape(right),
                        color,
                        half(labelWidth),
                        half(2 * labelWidth + messageWidth),
                        labelWidth - 2 * style.room,
                        messageWidth - 2 * style.room,
                        isLight(color) ? "#111418" : "#fff",
                        style.height,
                        escape(title),
                        style.corner,
                        style.font,
                        style.baseline);
    }

    String json(boolean isError) {
        // shields.io is flat without being told, and knows no pixel.
        var shape = switch (style) {
            case FLAT, PIXEL -> null;
            case FLAT_SQUARE -> "flat-square";
            case FOR_THE_BADGE -> "for-the-badge";
        };
        return Answer.asJson(new Endpoint(1, label, message, color, shape, isError ? true : null));
    }

    private static String half(int twice) {
        return twice % 2 == 0 ? Integer.toString(twice / 2) : twice / 2 + ".5";
    }

    /** About that of the text, with room at each side; textLength makes it exact in any font. */
    private int width(String text) {
        return 2 * style.room
                + (int) Math.ceil(text.codePoints()
                        .mapToDouble(letter -> width(letter) + style.spacing)
                        .sum());
    }

    /** At 11 px, or in bold at 10. */
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
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;")
                .replace("'", "&#39;");
    }
}
