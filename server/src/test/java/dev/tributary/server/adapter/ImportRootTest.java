package dev.tributary.server.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImportRootTest {
  private static final long MOST = 1 << 20;

  @TempDir Path folder;
  private Path below;
  private Path secret;
  private Staging staging;
  private ImportRoot root;

  @BeforeEach
  void make() throws IOException {
    below = Files.createDirectories(folder.resolve("root"));
    PeftFiles.small(1).write(below.resolve("team/soap"));
    secret = PeftFiles.small(2).write(folder.resolve("secret"));
    Disk disk = new LocalDisk();
    staging = new Staging(folder.resolve("uploads"), disk, new Trash(folder.resolve("bin"), disk));
    root = new ImportRoot(below);
  }

  private Path copy(String path) throws IOException {
    Path into = staging.fresh("import");
    root.copy(path, staging, into, MOST);
    return into;
  }

  private void assertRefused(String path) {
    assertThatThrownBy(() -> copy(path))
        .isInstanceOfSatisfying(
            AdapterException.class,
            e -> assertThat(e.refusal()).isInstanceOf(AdapterRefusal.Malformed.class))
        .hasMessageContaining("--import-root");
  }

  private static List<String> names(Path folder) throws IOException {
    List<String> names = new ArrayList<>();
    Trash.entries(folder).forEach(path -> names.add(path.getFileName().toString()));
    return names;
  }

  @Test
  void copy_takesTheAdaptersFilesAlone() throws Exception {
    Path adapter = below.resolve("team/soap");
    Files.writeString(adapter.resolve("probe.jsonl"), "{}");
    Files.writeString(adapter.resolve("optimizer.pt"), "pickle");

    Path copied = copy("team/soap");

    assertThat(names(copied))
        .containsExactlyInAnyOrder(
            "adapter_config.json", "adapter_model.safetensors", "probe.jsonl");
    for (String file : names(copied)) {
      assertThat(copied.resolve(file)).hasSameBinaryContentAs(adapter.resolve(file));
    }
    staging.drop("import");
    assertThat(names(copy(adapter.toString()))).hasSize(3);
  }

  @Test
  void copy_followsLinksThatStayBelow() throws Exception {
    Files.createSymbolicLink(below.resolve("latest"), Path.of("team/soap"));
    Files.createDirectory(below.resolve("linked"));
    for (String file : List.of("adapter_config.json", "adapter_model.safetensors")) {
      Files.createSymbolicLink(
          below.resolve("linked").resolve(file), below.resolve("team/soap").resolve(file));
    }
    assertThat(names(copy("latest"))).hasSize(2);
    staging.drop("import");
    assertThat(names(copy("linked"))).hasSize(2);
  }

  @Test
  void copy_ofWhatLiesElsewhere_isRefusedAsIfItWereNotThere() throws Exception {
    Files.createSymbolicLink(below.resolve("out"), secret);
    Files.createDirectory(below.resolve("mixed"));
    Files.copy(secret.resolve("adapter_config.json"), below.resolve("mixed/adapter_config.json"));
    Files.createSymbolicLink(
        below.resolve("mixed/adapter_model.safetensors"),
        secret.resolve("adapter_model.safetensors"));
    Files.createSymbolicLink(below.resolve("loop"), Path.of("loop"));

    for (String path :
        List.of(
            "../secret",
            secret.toString(),
            "out",
            "mixed",
            "loop",
            "nothing",
            "team",
            "team/soap/../../../secret",
            "/etc",
            "",
            "a\0b")) {
      assertRefused(path);
    }
    Files.createSymbolicLink(
        below.resolve("team/soap/probe.jsonl"), secret.resolve("adapter_config.json"));
    assertRefused("team/soap");
  }

  @Test
  void open_afterTheTreeWasSwapped_followsNoLink() throws Exception {
    Path real = root.resolve("team/soap", "adapter_config.json");
    assertThat(root.open(real).size()).isPositive();

    Files.move(below.resolve("team/soap"), below.resolve("team/was"));
    Files.createSymbolicLink(below.resolve("team/soap"), secret);

    assertThatThrownBy(() -> root.open(real)).isInstanceOf(IOException.class);
  }

  @Test
  void copy_ofMoreBytesThanMay_stops() {
    assertThatThrownBy(() -> root.copy("team/soap", staging, staging.fresh("import"), 500))
        .isInstanceOfSatisfying(
            AdapterException.class,
            e -> assertThat(e.refusal()).isInstanceOf(AdapterRefusal.TooLarge.class));
  }
}
