package tally.counting;

/** A visit to be counted, under the id of its request; {@code page} is empty where there is none. Immutable. */
public record Visit(String requestId, String page, Caller caller) {}
