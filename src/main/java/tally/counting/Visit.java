package tally.counting;

/** A visit to be counted, under the id of its request; {@code page} and {@code visitor} are empty where there is none. Immutable. */
public record Visit(String requestId, String page, String visitor) {}
