package tally.frame.redis;

/** What was asked for can't be done now; it may be asked for again. The message says why, in words for a client. */
public final class Unavailable extends RuntimeException {
    private static final long serialVersionUID = 1;

    public Unavailable(String message) {
        super(message, null, false, false);
    }
}
