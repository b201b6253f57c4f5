package dev.tributary.server.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tributary.server.source.FakeHub.Fault;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class HubOriginTest {
  private static final String MODEL = "hf:owner/repo/model.gguf";

  @TempDir Path home;

  private final FakeHub hub = new FakeHub();
  private final byte[] bytes = new byte[100_000];
  private final ByteArrayOutputStream said = new ByteArrayOutputStream();
  private final Map<String, String> variables = new HashMap<>();
  private Duration stall = Duration.ofSeconds(60);

  @BeforeEach
  void fill() {
    new Random(5).nextBytes(bytes);
    hub.large.put("model.gguf", bytes);
    variables.put("HF_ENDPOINT", hub.endpoint() + "/");
    variables.put("HF_HOME", home.resolve("hf").toString());
  }

  @AfterEach
  void close() {
    hub.close();
  }

  private Path fetch(String source) throws IOException {
    return fetch(HubOrigin.parse(source.substring(3)));
  }

  private Path fetch(HubOrigin origin) throws IOException {
    Environment environment =
        new Environment(variables, home, "Linux", List.of("python3"), Duration.ZERO, stall);
    return origin.fetch(environment, new Progress(new PrintStream(said, true), false, () -> 0));
  }

  private Path repository() {
    return home.resolve("hf/hub/models--owner--repo");
  }

  private Path part() {
    return repository().resolve("blobs/" + FakeHub.sha256(bytes) + ".part");
  }

  private long count(String start) {
    return hub.requests.stream().filter(r -> r.startsWith(start)).count();
  }

  @Test
  void fetch_file_landsInHuggingFacesLayout() throws IOException {
    Path path = fetch(MODEL);

    assertThat(path).hasBinaryContent(bytes);
    assertThat(path).isEqualTo(repository().resolve("snapshots/" + FakeHub.COMMIT + "/model.gguf"));
    assertThat(path.toRealPath())
        .isEqualTo(repository().resolve("blobs/" + FakeHub.sha256(bytes)).toRealPath());
    assertThat(repository().resolve("refs/main")).hasContent(FakeHub.COMMIT);
    assertThat(part()).doesNotExist();
  }

  @Test
  void fetch_again_asksButDoesNotDownload() throws IOException {
    fetch(MODEL);
    hub.requests.clear();
    assertThat(fetch(MODEL)).hasBinaryContent(bytes);
    assertThat(hub.requests).hasSize(1).first().asString().startsWith("HUB HEAD");
  }

  @Test
  void fetch_partThere_isResumed() throws IOException {
    Files.createDirectories(part().getParent());
    Files.write(part(), Arrays.copyOf(bytes, 40_000));

    assertThat(fetch(MODEL)).hasBinaryContent(bytes);
    assertThat(hub.requests).last().asString().startsWith("STORAGE GET /model.gguf bytes=40000-");
    assertThat(said.toString(StandardCharsets.UTF_8))
        .contains("model.gguf: 0.1 MB, 0.0 MB are here");
  }

  @Test
  void fetch_partTooLong_startsOver() throws IOException {
    Files.createDirectories(part().getParent());
    Files.write(part(), new byte[100_001]);
    assertThat(fetch(MODEL)).hasBinaryContent(bytes);
  }

  @Test
  void fetch_partComplete_isOnlyChecked() throws IOException {
    Files.createDirectories(part().getParent());
    Files.write(part(), bytes);
    assertThat(fetch(MODEL)).hasBinaryContent(bytes);
    assertThat(count("STORAGE")).isZero();
  }

  @ParameterizedTest
  @EnumSource(names = {"BREAK_OFF", "UNAVAILABLE", "IGNORE_RANGE", "WRONG_RANGE", "STALL"})
  void fetch_faultOnTheWay_goesOnWhereItWas(Fault fault) throws IOException {
    stall = fault == Fault.STALL ? Duration.ofMillis(300) : stall;
    hub.faults.addAll(List.of(Fault.BREAK_OFF, fault));
    assertThat(fetch(MODEL)).hasBinaryContent(bytes);
    assertThat(count("STORAGE GET")).isGreaterThan(1);
  }

  @Test
  void fetch_alwaysUnavailable_givesUp() {
    hub.faults.addAll(Collections.nCopies(20, Fault.UNAVAILABLE));
    assertThatThrownBy(() -> fetch(MODEL))
        .isInstanceOf(SourceException.class)
        .hasMessageContaining("gave up on model.gguf after 5 failures (HTTP status 503)");
    assertThat(count("STORAGE GET")).isEqualTo(5);
  }

  @Test
  void fetch_longerThanStated_isRefused() {
    hub.faults.add(Fault.TOO_LONG);
    assertThatThrownBy(() -> fetch(MODEL)).hasMessageContaining("longer than its 100000 bytes");
  }

  @Test
  void fetch_digestMismatch_isRefusedAndDeleted() {
    hub.wrongTags.put("model.gguf", "ab".repeat(32));
    assertThatThrownBy(() -> fetch(MODEL))
        .isInstanceOf(SourceException.class)
        .hasMessageContainingAll(FakeHub.sha256(bytes), "expected " + "ab".repeat(32), "deleted");
    assertThat(repository().resolve("blobs/" + "ab".repeat(32) + ".part")).doesNotExist();
    assertThat(repository().resolve("snapshots")).doesNotExist();
  }

  @Test
  void fetch_pinnedDigestOtherThanTheHubs_isRefusedBeforeDownloading() {
    HubOrigin pinned =
        new HubOrigin(
            "owner", "repo", "main", Optional.of("model.gguf"), Optional.of("cd".repeat(32)));
    assertThatThrownBy(() -> fetch(pinned)).hasMessageContaining("expected " + "cd".repeat(32));
    assertThat(count("STORAGE")).isZero();
  }

  @Test
  void fetch_token_goesToTheHubOnly() throws IOException {
    variables.put("HF_TOKEN", "hf_secret");
    fetch(MODEL);
    assertThat(count("HUB")).isEqualTo(2);
    assertThat(hub.requests)
        .allSatisfy(
            r -> assertThat(r).endsWith(r.startsWith("HUB") ? " Bearer hf_secret" : " null"));
  }

  @Test
  void fetch_tokenFile_isUsed() throws IOException {
    Files.createDirectories(home.resolve("hf"));
    Files.writeString(home.resolve("hf/token"), "hf_file\n");
    fetch(MODEL);
    assertThat(hub.requests).first().asString().endsWith("Bearer hf_file");
  }

  @ParameterizedTest
  @ValueSource(ints = {401, 403})
  void fetch_notAllowed_hintsAtTheToken(int status) {
    hub.status = status;
    assertThatThrownBy(() -> fetch(MODEL))
        .isInstanceOf(SourceException.class)
        .hasMessageContaining("set HF_TOKEN to a token that may read it");
    variables.put("HF_TOKEN", "hf_old");
    assertThatThrownBy(() -> fetch(MODEL))
        .hasMessageContaining("the token in HF_TOKEN doesn't open it");
  }

  @Test
  void fetch_unknownFile_saysSo() {
    assertThatThrownBy(() -> fetch("hf:owner/repo@v1/other.gguf"))
        .isInstanceOf(SourceException.class)
        .hasMessage("hf:owner/repo@v1/other.gguf is not there (HTTP 404): check the spelling");
  }

  @Test
  void fetch_renamedRepository_isFollowed() throws IOException {
    assertThat(fetch("hf:old/repo/model.gguf")).hasBinaryContent(bytes);
  }

  @Test
  void fetch_noAnswer_usesTheCacheOrSaysWhatToDo() throws IOException {
    hub.status = 503;
    assertThatThrownBy(() -> fetch(MODEL))
        .hasMessageContaining("check the network, or set HF_ENDPOINT to a mirror");
    hub.status = 0;
    Path path = fetch(MODEL);
    hub.status = 503;
    assertThat(fetch(MODEL)).isEqualTo(path);
    assertThat(said.toString(StandardCharsets.UTF_8))
        .contains("no answer from the hub (HTTP status 503)");
  }

  @Test
  void fetch_offline_asksNobody() throws IOException {
    variables.put("HF_HUB_OFFLINE", "1");
    assertThatThrownBy(() -> fetch(MODEL)).hasMessageContaining("HF_HUB_OFFLINE is set");
    variables.remove("HF_HUB_OFFLINE");
    Path path = fetch(MODEL);
    hub.requests.clear();
    variables.put("HF_HUB_OFFLINE", "1");
    assertThat(fetch(MODEL)).isEqualTo(path);
    assertThat(hub.requests).isEmpty();
  }

  @Test
  void fetch_folder_takesWhatMakesTheModel() throws IOException {
    hub.large.put("model.safetensors", new byte[1000]);
    for (String name : List.of("config.json", "tokenizer.json", "generation_config.json", "x.py")) {
      hub.small.put(name, name.getBytes(StandardCharsets.UTF_8));
    }
    Path folder = fetch("hf:owner/repo@v1");

    assertThat(folder).isDirectoryContaining("glob:**/model.safetensors");
    assertThat(folder.resolve("config.json")).hasContent("config.json");
    assertThat(folder.resolve("generation_config.json")).exists();
    assertThat(folder.resolve("x.py")).doesNotExist();
    assertThat(folder.resolve("model.gguf")).doesNotExist();
    assertThat(repository().resolve("refs/v1")).hasContent(FakeHub.COMMIT);
  }

  @Test
  void fetch_smallFileDamaged_isRefused() {
    hub.small.put("config.json", new byte[10]);
    hub.wrongTags.put("config.json", "0".repeat(40));
    assertThatThrownBy(() -> fetch("hf:owner/repo")).hasMessageContaining("GIT_BLOB digest");
  }

  @Test
  void fetch_folderWithoutConfig_namesItsModels() {
    assertThatThrownBy(() -> fetch("hf:owner/repo"))
        .isInstanceOf(SourceException.class)
        .hasMessageContaining("name one of its files: hf:owner/repo@main/model.gguf");
  }

  @Test
  void fetch_whileThisProcessFetches_isRefused() throws IOException {
    Progress silent = new Progress(new PrintStream(said, true), false, () -> 0);
    Path blob = repository().resolve("blobs/" + FakeHub.sha256(bytes));
    try (FetchLock _ = FetchLock.of(blob, silent)) {
      assertThatThrownBy(() -> fetch(MODEL)).hasMessageContaining("is fetching");
    }
    assertThat(fetch(MODEL)).hasBinaryContent(bytes);
  }
}
