package io.promostream;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.library.Architectures.LayeredArchitecture;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Checks the order of the packages: each may depend only on lower ones. */
class PackageOrderTest {

  private static final String ROOT = "io.promostream";

  /** From top to bottom. Packages of one line must not depend on each other. */
  private static final List<List<String>> ORDER =
      List.of(
          List.of("check", "preview"),
          List.of("notification", "feedback"),
          List.of("delivery"),
          List.of("subscribers", "report"),
          List.of("control"),
          List.of("promo"),
          List.of("kafka"),
          List.of("postgres", "replay"),
          List.of("config", "metrics", "serialization", "state"));

  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .importUrl(PromoStreamJob.class.getProtectionDomain().getCodeSource().getLocation());

  @Test
  void packagesDependOnlyOnLowerPackages() {
    LayeredArchitecture layers = layeredArchitecture().consideringOnlyDependenciesInLayers();
    for (List<String> line : ORDER) {
      for (String name : line) {
        layers = layers.layer(name).definedBy(ROOT + "." + name + "..");
      }
    }
    for (int below = 0; below < ORDER.size(); below++) {
      String[] above =
          ORDER.subList(0, below).stream().flatMap(List::stream).toArray(String[]::new);
      for (String name : ORDER.get(below)) {
        layers =
            above.length == 0
                ? layers.whereLayer(name).mayNotBeAccessedByAnyLayer()
                : layers.whereLayer(name).mayOnlyBeAccessedByLayers(above);
      }
    }
    layers.check(CLASSES);
  }

  @Test
  void noPackageDependsOnTheRootPackage() {
    noClasses()
        .that()
        .resideInAPackage(ROOT + ".*..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage(ROOT)
        .check(CLASSES);
  }

  @Test
  void orderListsEveryPackage() throws Exception {
    try (Stream<Path> packages = Files.list(Path.of("src/main/java/io/promostream"))) {
      assertThat(packages.filter(Files::isDirectory).map(path -> path.getFileName().toString()))
          .containsExactlyInAnyOrderElementsOf(ORDER.stream().flatMap(List::stream).toList());
    }
    assertThat(CLASSES.containPackage(ROOT + ".check")).isTrue();
  }
}
