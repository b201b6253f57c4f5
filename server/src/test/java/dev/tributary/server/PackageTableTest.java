package dev.tributary.server;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/// The package table: who may import whom, and who alone may import what.
class PackageTableTest {
  private static final String ROOT = "dev.tributary.server";

  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages(ROOT);

  /// Our packages that each package may import; the root, which wires, may import all.
  private static final Map<String, Set<String>> MAY_IMPORT =
      Map.ofEntries(
          Map.entry("tensor", Set.of()),
          Map.entry("weights", Set.of("tensor")),
          Map.entry("source", Set.of()),
          Map.entry("tokenize", Set.of()),
          Map.entry("model", Set.of("tensor", "weights")),
          Map.entry("state", Set.of()),
          Map.entry("metrics", Set.of()),
          Map.entry("adapter", Set.of("tensor", "weights", "model", "state")),
          Map.entry("schedule", Set.of()),
          Map.entry("engine", Set.of("schedule", "model", "adapter", "tokenize", "tensor")),
          Map.entry("train", Set.of("model", "adapter", "tokenize", "tensor", "state")),
          Map.entry("ingest", Set.of("tokenize", "attribution", "ledger")),
          Map.entry("attribution", Set.of("model", "adapter", "tokenize", "tensor")),
          Map.entry("ledger", Set.of()),
          Map.entry("accounts", Set.of("ledger")),
          Map.entry("web", Set.of("metrics")),
          Map.entry(
              "rpc",
              Set.of(
                  "engine",
                  "schedule",
                  "adapter",
                  "model",
                  "tokenize",
                  "state",
                  "metrics",
                  "ledger",
                  "accounts",
                  "train")),
          Map.entry(
              "bench",
              Set.of(
                  "tensor",
                  "weights",
                  "model",
                  "adapter",
                  "schedule",
                  "engine",
                  "tokenize",
                  "train",
                  "attribution",
                  "ingest",
                  "ledger")));

  /// Outside packages, and the only ones of ours that may import them; "" is the root.
  private static final Map<String, Set<String>> SOLE_IMPORTERS =
      Map.ofEntries(
          Map.entry("ai.djl.pytorch..", Set.of("tensor")),
          Map.entry("java.lang.foreign..", Set.of("tensor")),
          Map.entry("jdk.incubator.vector..", Set.of("tensor")),
          Map.entry("ai.djl.huggingface..", Set.of("tokenize")),
          Map.entry("com.github.benmanes.caffeine..", Set.of("adapter")),
          Map.entry("org.apache.datasketches..", Set.of("ingest")),
          Map.entry("io.grpc..", Set.of("rpc", "bench")),
          Map.entry("dev.tributary.v1..", Set.of("rpc", "bench")),
          Map.entry("java.sql..", Set.of("state", "accounts")),
          Map.entry("io.micrometer..", Set.of("metrics")),
          Map.entry("io.opentelemetry..", Set.of("metrics")),
          Map.entry("io.netty.handler.codec.http..", Set.of("web")),
          Map.entry("ch.qos.logback..", Set.of("")),
          Map.entry("picocli..", Set.of("", "bench")));

  @Test
  void everyPackage_isInTheTable() {
    Set<String> packages = new TreeSet<>();
    for (JavaClass type : CLASSES) {
      String name = type.getPackageName();
      if (!name.equals(ROOT)) {
        packages.add(name.substring(ROOT.length() + 1));
      }
    }
    assertThat(MAY_IMPORT.keySet()).containsAll(packages);
  }

  @Test
  void aPackage_importsOnlyWhatTheTableAllows() {
    MAY_IMPORT.forEach(
        (name, allowed) ->
            classes()
                .that()
                .resideInAPackage(ROOT + "." + name)
                .should()
                .onlyDependOnClassesThat(
                    new DescribedPredicate<>("are outside the server, or in " + allowed) {
                      @Override
                      public boolean test(JavaClass type) {
                        String other = type.getPackageName();
                        return !other.startsWith(ROOT)
                            || other.equals(ROOT + "." + name)
                            || allowed.stream().anyMatch(a -> other.equals(ROOT + "." + a));
                      }
                    })
                .allowEmptyShould(true)
                .check(CLASSES));
  }

  @Test
  void aLibrary_isImportedByItsPackageAlone() {
    SOLE_IMPORTERS.forEach(
        (library, owners) -> {
          String[] ours =
              owners.stream()
                  .map(owner -> owner.isEmpty() ? ROOT : ROOT + "." + owner)
                  .toArray(String[]::new);
          noClasses()
              .that()
              .resideOutsideOfPackages(ours)
              .should()
              .dependOnClassesThat()
              .resideInAPackage(library)
              .allowEmptyShould(true)
              .check(CLASSES);
        });
  }

  @Test
  void noPackage_isADrawer() {
    List<String> drawers = List.of("util", "common", "impl", "core", "manager", "helper");
    for (JavaClass type : CLASSES) {
      assertThat(type.getPackageName().split("\\.")).doesNotContainAnyElementsOf(drawers);
    }
  }
}
