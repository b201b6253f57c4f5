package dev.tributary.server.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HubTest {
  private static final String SOURCE = "hf:owner/repo/model.gguf";
  private static final String AT_COMMIT = "/owner/repo/resolve/" + FakeHub.COMMIT + "/";
  private static final byte[] MODEL = bytes(1, 300_000);
  private static final byte[] OTHER = bytes(2, 200_000);

  private final FakeHub hub = new FakeHub();
  @TempDir Path folder;
  private Fetcher fetcher;

  private static byte[] bytes(long seed, int size) {
    byte[] bytes = new byte[size];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  private String sha256(byte[] bytes) throws Exception {
    return CacheFolder.sha256(Files.write(folder.resolve("to-hash"), bytes));
  }

  @BeforeEach
  void fetcher() {
    fetcher = new Fetcher(folder).withHub(hub);
  }

  @AfterEach
  void close() {
    hub.close();
  }

  @Test
  void fetch_file_whole() throws Exception {
    hub.put("model.gguf", MODEL, "\"1\"", Map.of("X-Linked-Etag", '"' + sha256(MODEL) + '"'));
    Path model = fetcher.fetch(SOURCE);
    assertThat(model).hasFileName("model.gguf").hasBinaryContent(MODEL);
    assertThat(siblings(model)).containsExactly("model.gguf");
    assertThat(hub.requests.getLast().path()).isEqualTo(AT_COMMIT + "model.gguf");

    hub.requests.clear();
    assertThat(fetcher.fetch(SOURCE)).isEqualTo(model);
    assertThat(hub.requests).isEmpty();
  }

  @Test
  void fetch_nameWithBlanks_isEncoded() throws Exception {
    hub.put("d/a%20b%2Bc.gguf", MODEL, "\"1\"", Map.of());
    assertThat(fetcher.fetch("hf:owner/repo/d/a b+c.gguf")).hasBinaryContent(MODEL);
  }

  @Test
  void fetch_cut_resumes() throws Exception {
    hub.put("model.gguf", MODEL, "\"1\"", Map.of("X-Linked-Etag", '"' + sha256(MODEL) + '"'));
    hub.faults.add(new FakeHub.Fault.Cut(100_000));
    assertThat(fetcher.fetch(SOURCE)).hasBinaryContent(MODEL);
    List<FakeHub.Request> gets = hub.gets();
    assertThat(gets).hasSize(2);
    assertThat(gets.getFirst().header("Range")).isNull();
    assertThat(gets.getLast().header("Range")).matches("bytes=[1-9]\\d*-");
    assertThat(gets.getLast().header("If-Range")).isEqualTo("\"1\"");
    assertThat(fetcher.pauses).containsExactly(Duration.ofSeconds(1));
  }

  @Test
  void fetch_afterARestart_resumes() throws Exception {
    hub.put("model.gguf", MODEL, "\"1\"", Map.of());
    cutOften();
    hub.requests.clear();
    assertThat(fetcher.fetch(SOURCE)).hasBinaryContent(MODEL);
    assertThat(hub.gets()).hasSize(1);
    assertThat(hub.gets().getFirst().header("Range")).isNotNull();
  }

  @Test
  void fetch_changedFile_startsOver() throws Exception {
    hub.put("model.gguf", MODEL, "\"1\"", Map.of());
    cutOften();
    hub.put("model.gguf", OTHER, "\"2\"", Map.of());
    assertThat(fetcher.fetch(SOURCE)).hasBinaryContent(OTHER);
  }

  @Test
  void fetch_changedFileInARange_startsOver() throws Exception {
    hub.put("model.gguf", MODEL, "\"1\"", Map.of());
    cutOften();
    hub.put("model.gguf", OTHER, "\"2\"", Map.of());
    hub.faults.add(new FakeHub.Fault.IgnoreIfRange());
    assertThat(fetcher.fetch(SOURCE)).hasBinaryContent(OTHER);
  }

  @Test
  void fetch_weakEtag_isNotResumed() throws Exception {
    hub.put("model.gguf", MODEL, "W/\"1\"", Map.of());
    hub.faults.add(new FakeHub.Fault.Cut(100_000));
    assertThat(fetcher.fetch(SOURCE)).hasBinaryContent(MODEL);
    assertThat(hub.gets().getLast().header("Range")).isNull();
  }

  @Test
  void fetch_partWentBad_startsOver() throws Exception {
    hub.put("model.gguf", MODEL, "\"1\"", Map.of("X-Linked-Etag", '"' + sha256(MODEL) + '"'));
    cutOften();
    Path part =
        folder
            .resolve("cache/hub/models--owner--repo/snapshots/" + FakeHub.COMMIT)
            .resolve("model.gguf.part");
    byte[] bytes = Files.readAllBytes(part);
    bytes[0] ^= 1;
    Files.write(part, bytes);
    assertThat(fetcher.fetch(SOURCE)).hasBinaryContent(MODEL);
    assertThat(fetcher.log()).contains("what an earlier attempt left is not used");
  }

  @Test
  void fetch_alwaysCut_givesUp() {
    hub.put("model.gguf", MODEL, "\"1\"", Map.of());
    cutOften();
    assertThat(fetcher.pauses)
        .containsExactly(Duration.ofSeconds(1), Duration.ofSeconds(2), Duration.ofSeconds(4));
  }

  /// Every attempt of one fetch is cut, each a little further on.
  private void cutOften() {
    for (int i = 0; i < Retries.ATTEMPTS; i++) {
      hub.faults.add(new FakeHub.Fault.Cut(20_000));
    }
    assertThatThrownBy(() -> fetcher.fetch(SOURCE))
        .isInstanceOf(SourceException.class)
        .hasMessageContaining("(4 attempts)");
  }

  @Test
  void fetch_silentHub_triesAgain() throws Exception {
    hub.put("model.gguf", MODEL, "\"1\"", Map.of());
    hub.faults.add(new FakeHub.Fault.Stall());
    fetcher.patience = Duration.ofSeconds(1);
    assertThat(fetcher.fetch(SOURCE)).hasBinaryContent(MODEL);
    assertThat(fetcher.log()).contains("no byte came for 1 s; trying again in 1 s");
  }

  @Test
  void fetch_sizeDiffers_isRefused() {
    hub.put("model.gguf", MODEL, "\"1\"", Map.of("X-Linked-Size", "400000"));
    assertThatThrownBy(() -> fetcher.fetch(SOURCE))
        .isInstanceOf(SourceException.class)
        .hasMessageContaining("model.gguf: only 300000 of 400000 bytes came (4 attempts)");
    Path snapshot = folder.resolve("cache/hub/models--owner--repo/snapshots/" + FakeHub.COMMIT);
    assertThat(snapshot.resolve("model.gguf")).doesNotExist();
  }

  @Test
  void fetch_digestDiffers_isRefused() throws Exception {
    hub.put("model.gguf", MODEL, "\"1\"", Map.of("X-Linked-Etag", '"' + sha256(OTHER) + '"'));
    assertThatThrownBy(() -> fetcher.fetch(SOURCE))
        .isInstanceOf(SourceException.class)
        .hasMessageContaining("the SHA-256 is " + sha256(MODEL) + ", expected " + sha256(OTHER));
    assertThat(hub.gets()).hasSize(1);
  }

  @Test
  void fetch_noRoom_isRefused() {
    hub.put("model.gguf", MODEL, "\"1\"", Map.of("X-Linked-Size", "99999999999999999"));
    assertThatThrownBy(() -> fetcher.fetch(SOURCE))
        .isInstanceOf(SourceException.class)
        .hasMessageContaining("free some disk, or set TRIBUTARY_CACHE");
    assertThat(hub.gets()).hasSize(1);
  }

  @Test
  void fetch_redirect_doesNotShowTheToken() throws Exception {
    try (FakeHub store = new FakeHub()) {
      store.ticks = fetcher.ticks;
      store.putAt("/blob", MODEL, "\"s\"");
      hub.put("model.gguf", MODEL, "\"1\"", Map.of("X-Linked-Etag", '"' + sha256(MODEL) + '"'));
      hub.redirect("/owner/repo/resolve/main/model.gguf", "/renamed");
      hub.redirect("/renamed", store.endpoint() + "/blob");
      hub.redirect(AT_COMMIT + "model.gguf", store.endpoint() + "/blob");
      store.faults.add(new FakeHub.Fault.Cut(100_000));
      fetcher.environment.put("HF_TOKEN", "hf_secret\n");

      assertThat(fetcher.fetch(SOURCE)).hasBinaryContent(MODEL);
      assertThat(hub.requests)
          .isNotEmpty()
          .allSatisfy(r -> assertThat(r.header("Authorization")).isEqualTo("Bearer hf_secret"));
      assertThat(store.requests)
          .hasSize(2)
          .allSatisfy(r -> assertThat(r.headers()).doesNotContainKey("Authorization"))
          .allSatisfy(r -> assertThat(r.method()).isEqualTo("GET"));
      assertThat(store.requests.getLast().header("If-Range")).isEqualTo("\"s\"");
    }
  }

  @Test
  void fetch_redirectsInACircle_end() {
    hub.redirect("/owner/repo/resolve/main/model.gguf", "/owner/repo/resolve/main/model.gguf");
    assertThatThrownBy(() -> fetcher.fetch(SOURCE))
        .isInstanceOf(SourceException.class)
        .hasMessageContaining("more than 5 redirects");
  }

  @Test
  void fetch_redirectToAFile_isRefused() {
    hub.redirect("/owner/repo/resolve/main/model.gguf", "file:///etc/passwd");
    assertThatThrownBy(() -> fetcher.fetch(SOURCE))
        .isInstanceOf(SourceException.class)
        .hasMessageContaining("to where this server doesn't go");
  }

  @ParameterizedTest
  @ValueSource(ints = {401, 403})
  void fetch_notAllowed_namesTheToken(int status) {
    hub.put("model.gguf", MODEL, "\"1\"", Map.of());
    hub.faults.add(new FakeHub.Fault.Status(status));
    assertThatThrownBy(() -> fetcher.fetch(SOURCE))
        .isInstanceOf(SourceException.class)
        .hasMessageContaining("HTTP " + status)
        .hasMessageContaining("set HF_TOKEN to a token that may read it");
    assertThat(fetcher.pauses).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(ints = {429, 500, 503})
  void fetch_busyHub_triesAgain(int status) throws Exception {
    hub.put("model.gguf", MODEL, "\"1\"", Map.of());
    hub.faults.add(new FakeHub.Fault.Status(status));
    assertThat(fetcher.fetch(SOURCE)).hasBinaryContent(MODEL);
    assertThat(fetcher.pauses).hasSize(1);
  }

  @Test
  void fetch_unknownName_saysWhatToCheck() {
    assertThatThrownBy(() -> fetcher.fetch(SOURCE))
        .isInstanceOf(SourceException.class)
        .hasMessage(
            SOURCE
                + ": HTTP 404: no model.gguf in owner/repo at main; check the names of the"
                + " repository, the revision and the file");
  }

  @Test
  void fetch_noNetwork_saysWhatToDo() {
    hub.close();
    assertThatThrownBy(() -> fetcher.fetch(SOURCE))
        .isInstanceOf(SourceException.class)
        .hasMessageContaining("cannot reach 127.0.0.1:")
        .hasMessageContaining("; check the network, or set HF_ENDPOINT (4 attempts)");
  }

  @Test
  void fetch_atOnce_downloadsOnce() throws Exception {
    hub.put("model.gguf", MODEL, "\"1\"", Map.of());
    List<Callable<Path>> fetches = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      Models models = new Fetcher(folder).withHub(hub).models();
      fetches.add(() -> models.fetch(SOURCE));
    }
    try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
      for (Future<Path> fetched : threads.invokeAll(fetches)) {
        assertThat(fetched.get()).hasBinaryContent(MODEL);
      }
    }
    assertThat(hub.gets()).hasSize(1);
  }

  static List<String> siblings(Path file) throws Exception {
    try (var files = Files.list(file.resolveSibling(""))) {
      return files.map(p -> p.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void models_badSettings_areRefused() {
    fetcher.environment.put("HF_TOKEN", "two words");
    assertThatThrownBy(fetcher::models)
        .isInstanceOf(SourceException.class)
        .hasMessageContaining("HF_TOKEN")
        .hasMessageNotContaining("words");
    fetcher.environment.remove("HF_TOKEN");
    fetcher.environment.put("HF_ENDPOINT", "ftp://hub");
    assertThatThrownBy(fetcher::models)
        .isInstanceOf(SourceException.class)
        .hasMessageContaining("HF_ENDPOINT");
  }

  @Test
  void models_noEndpoint_isTheHub() {
    assertThat(
            new HubConnection(Map.of(), Duration.ofSeconds(1))
                .uri(new ModelSource.Hf("o/r", "main", null), "main", "config.json"))
        .hasToString(HubConnection.DEFAULT_ENDPOINT + "/o/r/resolve/main/config.json");
  }
}
