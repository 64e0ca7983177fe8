package tally.counting;

/**
 * Who asks for a visit, as long as the request takes: nothing of it is stored but salted hashes.
 *
 * <p>{@code address} bounds how many new names one may make; empty for no bound. {@code agent} is the browser of a
 * visitor; empty where the visit is of nobody. Immutable.
 */
public record Caller(String address, String agent) {

    public static final Caller NOBODY = new Caller("", "");

    boolean isVisitor() {
        return !agent.isEmpty();
    }
}
