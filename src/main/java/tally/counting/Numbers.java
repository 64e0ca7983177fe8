package tally.counting;

/**
 * What was counted: {@code visits} of the page, or of all where the visit has no page; of its {@code site}, 0 for a
 * page without one; and the {@code total}. The latter two may know of later visits already. Immutable.
 */
public record Numbers(long visits, long site, long total) {}
