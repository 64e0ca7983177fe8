package tally.frame.config;

/**
 * A configuration that can't be used. The message is one line for the person who wrote it: the key, the value, its
 * origin.
 */
public final class InvalidSetting extends RuntimeException {
    private static final long serialVersionUID = 1;

    public InvalidSetting(String message) {
        super(message);
    }
}
