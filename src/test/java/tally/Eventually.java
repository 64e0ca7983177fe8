package tally;

import java.time.Duration;
import java.util.function.BooleanSupplier;

/** Waits for what has to come true, with a deadline that only a failure reaches. */
final class Eventually {

    private static final Duration DEADLINE = Duration.ofSeconds(15);

    private Eventually() {}

    static void isTrue(String what, BooleanSupplier condition) {
        long end = System.nanoTime() + DEADLINE.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > end) {
                throw new AssertionError("Not within " + DEADLINE.toSeconds() + " s: " + what);
            }
            pause();
        }
    }

    static void pause() {
        try {
            Thread.sleep(20);
        } catch (InterruptedException hurry) {
            throw new IllegalStateException(hurry);
        }
    }
}
