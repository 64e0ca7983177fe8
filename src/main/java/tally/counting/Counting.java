package tally.counting;

import tally.frame.redis.Unavailable;

/** A way to count visits. */
public interface Counting {

    /**
     * Counts the visit once, however often it is asked to under the same request id. Fails with {@link Unavailable} or
     * a failure of Redis where it could not be counted now, with {@link NoRoom} where its page is one too many, and
     * with {@link TooManyNames} where its caller has made too many.
     */
    Numbers count(Visit visit);
}
