package tally.counting;

/** How many visits a page has. Immutable. */
public record PageVisits(String page, long visits) {}
