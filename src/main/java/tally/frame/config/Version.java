package tally.frame.config;

import java.util.Optional;

/** Which Tally this is. */
public final class Version {

    /** The revision of the sources. The image's build writes it here. */
    public static final String REVISION = "unknown";

    /** From the jar's manifest; {@code dev} where there is no jar. */
    public static final String NUMBER = Optional.ofNullable(
                    Version.class.getPackage().getImplementationVersion())
            .orElse("dev");

    private Version() {}
}
