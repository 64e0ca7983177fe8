package tally.web;

import io.javalin.http.BadRequestResponse;
import io.javalin.http.Context;
import java.util.Locale;
import java.util.Map;
import java.util.function.LongFunction;
import java.util.regex.Pattern;

/** What a badge's address asks for. {@code counts}: this showing is a visit. {@code base} is added to the total. */
record BadgeQuery(
        String label,
        String color,
        Badge.Style style,
        LongFunction<String> format,
        long base,
        Show show,
        boolean counts) {

    enum Show {
        TOTAL,
        TODAY,
        BOTH
    }

    /** A part of the address is not as it must be: {@code words} say so in a badge, the message says the rule. */
    static final class Refused extends BadRequestResponse {
        private static final long serialVersionUID = 1;

        private final String words;

        Refused(String words, String rule) {
            super(rule);
            this.words = words;
        }

        String words() {
            return words;
        }
    }

    static final String LABEL = "visits";
    static final String RED = "c0342b";

    private static final int LABEL_MOST = 40;
    private static final String GREEN = "1d6b45";
    private static final Pattern BROKEN_ESCAPE = Pattern.compile("%(?![0-9a-fA-F]{2})");
    private static final Pattern HEX = Pattern.compile("#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})");
    /** Up to 10^15, so that no sum is beyond what a long holds. */
    private static final Pattern BASE = Pattern.compile("[0-9]{1,15}|10{15}");

    private static final Map<String, String> COLORS = Map.of(
            "blue", "0b62c4", "green", GREEN, "red", RED, "orange", "b35309", "yellow", "e0b400", "purple", "7442b8",
            "pink", "c2367f", "teal", "0f766e", "grey", "5b6470", "black", "111418");
    private static final Map<String, Badge.Style> STYLES = Map.of(
            "flat",
            Badge.Style.FLAT,
            "flat-square",
            Badge.Style.FLAT_SQUARE,
            "for-the-badge",
            Badge.Style.FOR_THE_BADGE,
            "pixel",
            Badge.Style.PIXEL);
    private static final Map<String, LongFunction<String>> FORMATS = Map.of(
            "1.2k",
            BadgeQuery::shortened,
            "1,234",
            number -> String.format(Locale.ROOT, "%,d", number),
            "1234",
            Long::toString);
    private static final Map<String, Show> SHOWS = Map.of("total", Show.TOTAL, "today", Show.TODAY, "both", Show.BOTH);
    private static final Map<String, Boolean> COUNTS =
            Map.of("", true, "1", true, "true", true, "0", false, "false", false);

    static BadgeQuery of(Context context) {
        // Javalin takes what can't be decoded as if it were not there.
        if (context.queryString() != null
                && BROKEN_ESCAPE.matcher(context.queryString()).find()) {
            throw new Refused("malformed address", "A % in an address must be followed by two hexadecimal digits");
        }
        return new BadgeQuery(
                label(context),
                color(context),
                oneOf(context, "style", STYLES, "flat"),
                oneOf(context, "format", FORMATS, "1,234"),
                base(context),
                oneOf(context, "show", SHOWS, "total"),
                oneOf(context, "count", COUNTS, "0"));
    }

    /** {@code today} counts only where it is shown. */
    Badge badge(long total, long today) {
        var sum = format.apply(total + base);
        var message = switch (show) {
            case TOTAL -> sum;
            case TODAY -> format.apply(today);
            case BOTH -> format.apply(today) + " / " + sum;
        };
        return new Badge(label, message, color, style);
    }

    private static String label(Context context) {
        var label = given(context, "label", LABEL).strip();
        if (label.isEmpty()
                || label.codePointCount(0, label.length()) > LABEL_MOST
                || label.codePoints().anyMatch(BadgeQuery::isNotText)) {
            throw new Refused("wrong label", "label must be 1 to " + LABEL_MOST + " printable characters");
        }
        return label;
    }

    private static boolean isNotText(int character) {
        return Character.isISOControl(character) || character == 0xfffe || character == 0xffff;
    }

    private static String color(Context context) {
        var color = given(context, "color", GREEN);
        var hex = HEX.matcher(COLORS.getOrDefault(color, color));
        if (!hex.matches()) {
            throw new Refused(
                    "unknown color", "color must be three or six hexadecimal digits or one of: " + names(COLORS));
        }
        return hex.group(1).length() == 6 ? hex.group(1) : hex.group(1).replaceAll("(.)", "$1$1");
    }

    private static long base(Context context) {
        var base = given(context, "base", "0");
        if (!BASE.matcher(base).matches()) {
            throw new Refused("wrong base", "base must be a whole number from 0 to 1000000000000000");
        }
        return Long.parseLong(base);
    }

    private static <T> T oneOf(Context context, String name, Map<String, T> values, String otherwise) {
        var value = values.get(given(context, name, otherwise));
        if (value == null) {
            throw new Refused("unknown " + name, name + " must be one of: " + names(values));
        }
        return value;
    }

    private static String given(Context context, String name, String otherwise) {
        var value = context.queryParam(name);
        return value == null ? otherwise : value;
    }

    private static String names(Map<String, ?> values) {
        return String.join(
                ", ",
                values.keySet().stream()
                        .filter(name -> !name.isEmpty())
                        .sorted()
                        .toList());
    }

    /** With one decimal, which is left out where it is 0. Rounded down: a badge never says more than there is. */
    private static String shortened(long number) {
        long unit = number < 1_000_000 ? 1000 : number < 1_000_000_000 ? 1_000_000 : 1_000_000_000;
        if (number < unit) {
            return Long.toString(number);
        }
        long tenth = number % unit / (unit / 10);
        return number / unit + (tenth == 0 ? "" : "." + tenth) + (unit == 1000 ? "k" : unit == 1_000_000 ? "M" : "B");
    }
}
