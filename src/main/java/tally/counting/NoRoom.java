package tally.counting;

/** The page is new, and there are {@code visits.max-pages} already. */
public final class NoRoom extends RuntimeException {
    private static final long serialVersionUID = 1;

    NoRoom(String message) {
        super(message, null, false, false);
    }
}
