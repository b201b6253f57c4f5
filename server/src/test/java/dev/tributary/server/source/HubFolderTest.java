package dev.tributary.server.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HubFolderTest {
  private static final String SOURCE = "hf:owner/repo";

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

  private void put(String name, String text) {
    hub.put(name, text.getBytes(StandardCharsets.UTF_8), "\"1\"", Map.of());
  }

  private void putSharded() {
    put("config.json", "{}");
    put("tokenizer.json", "{}");
    put(
        "model.safetensors.index.json",
        """
        {"weight_map": {"a": "model-00001-of-00002.safetensors",
                        "b": "model-00002-of-00002.safetensors",
                        "c": "model-00001-of-00002.safetensors"}}
        """);
    put("model-00001-of-00002.safetensors", "one");
    put("model-00002-of-00002.safetensors", "two");
  }

  @Test
  void fetch_oneFileOfWeights() throws Exception {
    put("config.json", "{}");
    put("tokenizer.json", "{}");
    put("chat_template.jinja", "hello");
    put("model.safetensors", "weights");
    put("README.md", "not needed");
    Path model = fetcher.fetch(SOURCE);
    assertThat(HubTest.siblings(model.resolve("x")))
        .containsExactly(
            "chat_template.jinja", "config.json", "model.safetensors", "tokenizer.json");
    assertThat(model.resolve("chat_template.jinja")).hasContent("hello");

    hub.requests.clear();
    assertThat(fetcher.fetch(SOURCE)).isEqualTo(model);
    assertThat(fetcher.fetch(SOURCE + "@" + FakeHub.COMMIT)).isEqualTo(model);
    assertThat(hub.requests).isEmpty();
  }

  @Test
  void fetch_shards() throws Exception {
    putSharded();
    Path model = fetcher.fetch(SOURCE);
    assertThat(model.resolve("model-00001-of-00002.safetensors")).hasContent("one");
    assertThat(model.resolve("model-00002-of-00002.safetensors")).hasContent("two");
    assertThat(hub.gets().stream().filter(r -> r.path().endsWith("of-00002.safetensors")))
        .hasSize(2);
  }

  @Test
  void fetch_lackingAShard_isNotServedNextTime() throws Exception {
    putSharded();
    Path shard = fetcher.fetch(SOURCE).resolve("model-00002-of-00002.safetensors");
    Files.delete(shard);
    hub.requests.clear();
    assertThat(fetcher.fetch(SOURCE).resolve(shard.getFileName())).hasContent("two");
    assertThat(hub.gets().stream().filter(r -> r.path().endsWith(".safetensors"))).hasSize(1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "../../../../escaped.safetensors",
        "/tmp/escaped.safetensors",
        "a/b.safetensors",
        "a\\\\b.safetensors",
        "model.bin",
        ".safetensors\\n"
      })
  void fetch_shardWithAPath_isRefused(String name) {
    putSharded();
    put("model.safetensors.index.json", "{\"weight_map\": {\"a\": \"" + name + "\"}}");
    assertThatThrownBy(() -> fetcher.fetch(SOURCE))
        .isInstanceOf(SourceException.class)
        .hasMessageContaining("not a shard's name");
    assertThat(hub.requests).noneMatch(r -> r.path().contains("escaped"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "{", "[]", "{}", "{\"weight_map\": {}}", "{\"weight_map\": {\"a\": 1}}"})
  void fetch_brokenIndex_isRefused(String index) {
    putSharded();
    put("model.safetensors.index.json", index);
    assertThatThrownBy(() -> fetcher.fetch(SOURCE))
        .isInstanceOf(SourceException.class)
        .hasMessageContaining("model.safetensors.index.json");
  }

  @Test
  void fetch_noTokenizer_isRefused() {
    put("config.json", "{}");
    put("model.safetensors", "weights");
    assertThatThrownBy(() -> fetcher.fetch(SOURCE))
        .isInstanceOf(SourceException.class)
        .hasMessageContaining("no tokenizer.json in owner/repo at main");
  }

  @Test
  void fetch_inTheHubClientsCache_asksNobody() throws Exception {
    Path repository = folder.resolve("hf-home/hub/models--owner--repo");
    Path snapshot = Files.createDirectories(repository.resolve("snapshots/" + FakeHub.COMMIT));
    Files.createDirectories(repository.resolve("refs"));
    Files.writeString(repository.resolve("refs/main"), FakeHub.COMMIT);
    Files.createDirectories(repository.resolve("blobs"));
    Files.writeString(repository.resolve("blobs/1"), "weights");
    Files.createSymbolicLink(snapshot.resolve("model.safetensors"), Path.of("../../blobs/1"));
    Files.writeString(snapshot.resolve("model.gguf"), "gguf");
    Files.writeString(snapshot.resolve("config.json"), "{}");
    Files.writeString(snapshot.resolve("tokenizer.json"), "{}");

    assertThat(fetcher.fetch(SOURCE)).isEqualTo(snapshot);
    assertThat(fetcher.fetch(SOURCE + "/model.gguf")).isEqualTo(snapshot.resolve("model.gguf"));
    assertThat(hub.requests).isEmpty();

    Files.delete(repository.resolve("blobs/1"));
    assertThatThrownBy(() -> fetcher.fetch(SOURCE)).hasMessageContaining("HTTP 404");
  }

  @Test
  void fetch_refThatIsNoCommit_isNotFollowed() throws Exception {
    Path repository = folder.resolve("hf-home/hub/models--owner--repo");
    Files.createDirectories(repository.resolve("refs"));
    Files.writeString(repository.resolve("refs/main"), "../..");
    Files.createDirectories(repository.resolve("snapshots"));
    Files.writeString(repository.resolve("model.gguf"), "outside");
    assertThatThrownBy(() -> fetcher.fetch(SOURCE + "/model.gguf"))
        .hasMessageContaining("HTTP 404");
  }

  @Test
  void fetch_localPath_mustBeThere() throws Exception {
    Path model = Files.writeString(folder.resolve("here.gguf"), "GGUF");
    assertThat(fetcher.fetch(model.toString())).isEqualTo(model);
    assertThat(fetcher.fetch(folder.toString())).isEqualTo(folder);
    assertThatThrownBy(() -> fetcher.fetch(folder + "/absent.gguf"))
        .isInstanceOf(SourceException.class)
        .hasMessage("there is no " + folder + "/absent.gguf; " + ModelSource.FORMS);
  }
}
