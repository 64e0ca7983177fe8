package tally.counting;

import tally.frame.redis.Unavailable;

/** A way to count visits. */
public interface Counting {

    /**
     * Counts the visit once, however often it is asked to under the same request id, and returns its number: the page's for
     * a visit with a page, else the total. Fails with {@link Unavailable} or a failure of Redis where it could not be
     * counted now, and with {@link NoRoom} where its page is one too many.
     */
    long count(Visit visit);
}
