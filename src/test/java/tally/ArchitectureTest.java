package tally;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.library.dependencies.SliceAssignment;
import com.tngtech.archunit.library.dependencies.SliceIdentifier;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** The packages know each other in one direction, and no two files know each other. */
class ArchitectureTest {

    private final JavaClasses service = new ClassFileImporter().withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS).importPackages("tally");

    @Test
    void theServiceIsWhatIsLookedAt() {
        assertThat(service).extracting(JavaClass::getSimpleName).contains("Main", "Routes", "Visits").doesNotContain("ArchitectureTest", "Load");
    }

    @Test
    void eachPackageKnowsThoseBelowItAlone() {
        layeredArchitecture().consideringOnlyDependenciesInLayers()
                .layer("top").definedBy("tally")
                .layer("web").definedBy("tally.web")
                .layer("live").definedBy("tally.live")
                .layer("counting").definedBy("tally.counting")
                .layer("http").definedBy("tally.frame.http")
                .layer("redis").definedBy("tally.frame.redis")
                .layer("metrics").definedBy("tally.frame.metrics")
                .layer("config").definedBy("tally.frame.config")
                .whereLayer("top").mayNotBeAccessedByAnyLayer()
                .whereLayer("web").mayOnlyBeAccessedByLayers("top")
                .whereLayer("live").mayOnlyBeAccessedByLayers("top", "web")
                .whereLayer("counting").mayOnlyBeAccessedByLayers("top", "web", "live")
                .whereLayer("http").mayOnlyBeAccessedByLayers("top", "web")
                .whereLayer("redis").mayOnlyBeAccessedByLayers("top", "web", "live", "counting", "http")
                .whereLayer("metrics").mayOnlyBeAccessedByLayers("top", "web", "live", "counting", "http", "redis")
                .check(service);
    }

    @Test
    void theFrameKnowsNothingOfTheCounter() {
        noClasses().that().resideInAPackage("tally.frame..")
                .should().dependOnClassesThat().resideInAnyPackage("tally", "tally.web", "tally.live", "tally.counting")
                .check(service);
    }

    /** Also in a comment, which leaves no trace in the classes. */
    @Test
    void noSourceOfTheFrameNamesTheCounter() throws IOException {
        try (var files = Files.walk(Path.of("src/main/java/tally/frame"))) {
            assertThat(files.filter(Files::isRegularFile)).hasSizeGreaterThan(20).allSatisfy(file ->
                    assertThat(Files.readString(file)).as("%s", file).doesNotContain("tally.web", "tally.live", "tally.counting"));
        }
    }

    @Test
    void noTwoFilesKnowEachOther() {
        slices().assignedFrom(new ByFile()).should().beFreeOfCycles().check(service);
    }

    private static final class ByFile implements SliceAssignment {
        @Override
        public SliceIdentifier getIdentifierOf(JavaClass type) {
            return type.getPackageName().startsWith("tally") ? SliceIdentifier.of(type.getName().replaceFirst("[$].*", "")) : SliceIdentifier.ignore();
        }

        @Override
        public String getDescription() {
            return "files";
        }
    }
}
