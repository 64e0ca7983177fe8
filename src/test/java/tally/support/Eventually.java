package tally.support;

import java.time.Duration;
import java.util.function.BooleanSupplier;

/** Waits for what has to come true, with a deadline that only a failure reaches. */
public final class Eventually {

    /**
     * Long: on a machine with much to do, a service that has to be compiled first takes more than a quarter of a
     * minute.
     */
    private static final Duration DEADLINE = Duration.ofSeconds(90);

    private Eventually() {}

    public static void isTrue(String what, BooleanSupplier condition) {
        long end = System.nanoTime() + DEADLINE.toNanos();
        // Most of it comes true at once: looked for more often at first.
        for (int millis = 1; !condition.getAsBoolean(); millis = Math.min(20, millis + 1)) {
            if (System.nanoTime() > end) {
                throw new AssertionError("Not within " + DEADLINE.toSeconds() + " s: " + what);
            }
            pause(millis);
        }
    }

    public static void pause(int millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException hurry) {
            throw new IllegalStateException(hurry);
        }
    }
}
