package tally.counting;

/** The page is new, and its caller has asked for {@code counting.new-names} others within the hour. */
public final class TooManyNames extends RuntimeException {
    private static final long serialVersionUID = 1;

    TooManyNames() {
        super("Too many new names came from this address within the hour", null, false, false);
    }
}
