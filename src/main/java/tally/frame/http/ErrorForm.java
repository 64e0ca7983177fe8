package tally.frame.http;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** How errors are told at addresses where nobody reads a problem document, as those of images. */
@FunctionalInterface
public interface ErrorForm {

    record Body(String type, String text) {}

    /** Empty where the address has no form of its own; {@code path} and {@code query} are as they were sent. */
    Optional<Body> of(@Nullable String path, @Nullable String query, int status, @Nullable String detail);
}
