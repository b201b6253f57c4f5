package dev.tributary.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tributary.identity.BaseDigest;
import dev.tributary.server.model.Certificate;
import dev.tributary.server.model.Certificate.Format;
import dev.tributary.server.model.Certificate.Slice;
import dev.tributary.server.model.Llama;
import dev.tributary.server.model.LlamaLoader;
import dev.tributary.server.rpc.Certifier;
import dev.tributary.server.rpc.SourceException;
import dev.tributary.server.tensor.Libtorch;
import dev.tributary.server.tensor.Ops;
import dev.tributary.server.tokenize.Tokenizer;
import dev.tributary.server.weights.Checkpoint;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Measuring a tiny base against what may, and may not, be its source.
class CertificationTest {
  private static final Path GOLDENS =
      Path.of("src/test/resources/goldens/certify").toAbsolutePath();
  private static final Path BASE = GOLDENS.resolve("base-q4_1.gguf");
  private static final Instant NOW = Instant.parse("2026-11-22T03:00:00Z");

  private final Ops ops = Ops.cpu(Libtorch.bundled(), 2);
  private final Queue<Task> tasks = new ArrayDeque<>();
  private long free = Long.MAX_VALUE;

  @TempDir private Path folder;

  /// The engine's part, which a test plays.
  private record Task(BooleanSupplier piece, CompletableFuture<Void> done) {}

  @AfterEach
  void close() {
    ops.close();
  }

  private Certification certification(Path base, @Nullable Path root) throws IOException {
    ops.claimThread();
    Checkpoint checkpoint = Checkpoint.open(base);
    Llama llama = LlamaLoader.load(checkpoint, LlamaLoader.config(checkpoint), ops, 1, 8);
    return new Certification(
        new Certification.Surroundings(
            BaseDigest.of(base),
            Certification.formats(checkpoint),
            Server.tokenizer(checkpoint, base),
            llama,
            ops,
            piece -> {
              Task task = new Task(piece, new CompletableFuture<>());
              tasks.add(task);
              return task.done;
            },
            () -> free,
            root,
            InstantSource.fixed(NOW)),
        folder.resolve("certificates"));
  }

  private Certificate finish(Certifier.Run run) {
    for (Task task : tasks) {
      while (task.piece.getAsBoolean()) {
        assertThat(run.done()).isLessThanOrEqualTo(run.total());
      }
      task.done.complete(null);
    }
    tasks.clear();
    return run.result().join();
  }

  @Test
  void aSource_isMeasuredAndTheResultKept() throws IOException {
    Certification certification = certification(BASE, GOLDENS);
    assertThat(certification.kept()).isEmpty();
    Certificate found;
    try (Certifier.Run run = certification.begin("source")) {
      assertThat(run.done()).isZero();
      found = finish(run);
      assertThat(run.done()).isEqualTo(run.total()).isEqualTo(found.all().tokens());
    }
    assertThat(found.baseDigest()).isEqualTo(BaseDigest.of(BASE));
    assertThat(found.sourceDigest()).isEqualTo(BaseDigest.of(GOLDENS.resolve("source")));
    assertThat(found.time()).isEqualTo(NOW.getEpochSecond());
    assertThat(found.baseFormats()).extracting(Format::type).containsExactly("Q4_1", "Q8_0", "F32");
    assertThat(found.sourceFormats()).extracting(Format::type).containsExactly("BF16");
    assertThat(found.slices())
        .extracting(Slice::name)
        .containsExactly("prose", "code", "numbers", "languages", "chat");
    assertThat(found.leftOut()).isEmpty();
    assertThat(found.all().klMean()).isBetween(0.01, 1.0);
    assertThat(found.all().klP99()).isGreaterThan(found.all().klMean());
    assertThat(found.all().flips())
        .isEqualTo(found.slices().stream().mapToInt(Slice::flips).sum())
        .isPositive();

    assertThat(certification(BASE, GOLDENS).kept()).containsExactly(found);
    assertThat(certification(GOLDENS.resolve("base-q4_0.gguf"), GOLDENS).kept()).isEmpty();
    try (Certifier.Run run = certification.begin(GOLDENS.resolve("source-f16.gguf").toString())) {
      Certificate other = finish(run);
      assertThat(other.textDigest()).isEqualTo(found.textDigest());
      assertThat(other.sourceFormats()).extracting(Format::type).containsExactly("F16", "F32");
      assertThat(certification.kept()).containsExactlyInAnyOrder(found, other);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "base-q4_0.gguf | tensor token_embd.weight is Q8_0: a source has F16, BF16 or F32",
        "goldens.json | expected",
        "nothing-here | there is no model at nothing-here that may be imported",
        "../tiny/llama-tied | there is no model at ../tiny/llama-tied that may be imported",
      })
  void whatIsNoSource_isRefused(String source, String why) throws IOException {
    Certification certification = certification(BASE, GOLDENS);
    assertThatThrownBy(() -> certification.begin(source))
        .isInstanceOf(SourceException.class)
        .hasMessageContaining(why);
    // It is not busy since.
    try (Certifier.Run run = certification.begin("source")) {
      assertThat(run.total()).isPositive();
      finish(run);
    }
  }

  @Test
  void anotherModel_isRefusedByWhatDiffers() throws IOException {
    Path tiny = GOLDENS.resolveSibling("tiny");
    Certification certification = certification(BASE, tiny);
    assertThatThrownBy(() -> certification.begin("qwen2"))
        .hasMessage(
            "this is no source of the base: the family is llama in the base, qwen2 in the source");
    assertThatThrownBy(() -> certification.begin("llama-tied"))
        .hasMessage(
            "this is no source of the base: the vocabulary is 260 in the base, 256 in the source");
  }

  @Test
  void anotherTokenizer_isRefusedByItsToken() throws IOException {
    Path other = Files.createDirectory(folder.resolve("other"));
    for (String name : new String[] {"config.json", "model.safetensors", "tokenizer_config.json"}) {
      Files.copy(GOLDENS.resolve("source").resolve(name), other.resolve(name));
    }
    String tokens = Files.readString(GOLDENS.resolve("source/tokenizer.json"));
    Path file = other.resolve("tokenizer.json");
    // Two tokens in each other's place.
    Files.writeString(
        file,
        tokens.replaceFirst("\"A\": *65", "\"B\": 65").replaceFirst("\"B\": *66", "\"A\": 66"));
    Certification certification = certification(BASE, folder);
    assertThatThrownBy(() -> certification.begin("other"))
        .hasMessage(
            "this is no source of the base: token 65 is \"A\" in the base, \"B\" in the source");
    assertThat(Files.readString(file)).isNotEqualTo(tokens);
  }

  @Test
  void linksThatLeadOut_areNotFollowed() throws IOException {
    Path inside = Files.createDirectories(folder.resolve("root/inside"));
    Files.createSymbolicLink(folder.resolve("root/link"), GOLDENS.resolve("source"));
    Files.createSymbolicLink(inside.resolve("config.json"), GOLDENS.resolve("source/config.json"));
    Certification certification = certification(BASE, folder.resolve("root"));
    for (String source : new String[] {"link", "inside"}) {
      assertThatThrownBy(() -> certification.begin(source))
          .hasMessage("there is no model at %s that may be imported; see --import-root", source);
    }
  }

  @Test
  void withoutARoot_nothingIsMeasured() throws IOException {
    Certification certification = certification(BASE, null);
    assertThatThrownBy(() -> certification.begin("source"))
        .hasMessage("this server has no --import-root");
  }

  @Test
  void tooLittleMemory_isToldWithWhatIsMissing() throws IOException {
    Certification certification = certification(BASE, GOLDENS);
    free = 1_000;
    assertThatThrownBy(() -> certification.begin("source"))
        .hasMessageMatching(
            "measuring takes ([0-9,]+) bytes of memory and 1,000 are free: [0-9,]+ are missing");
  }

  @Test
  void aSecondRun_waitsForNone() throws IOException {
    Certification certification = certification(BASE, GOLDENS);
    Certifier.Run run = certification.begin("source");
    assertThatThrownBy(() -> certification.begin("source"))
        .hasMessage("the base is being measured already");
    finish(run);
    run.close();
    try (Certifier.Run again = certification.begin("source")) {
      finish(again);
    }
  }

  @Test
  void aRunGivenUp_keepsNothingAndFreesItsPlace() throws Exception {
    Certification certification = certification(BASE, GOLDENS);
    Certifier.Run run = certification.begin("source");
    Task task = tasks.remove();
    for (int i = 0; i < 20; i++) {
      assertThat(task.piece.getAsBoolean()).isTrue();
    }
    Thread closing = Thread.ofVirtual().start(run::close);
    while (task.piece.getAsBoolean()) {
      Thread.onSpinWait();
    }
    task.done.complete(null);
    closing.join();
    assertThatThrownBy(() -> run.result().join())
        .satisfiesAnyOf(
            thrown -> assertThat(thrown).isInstanceOf(CancellationException.class),
            thrown -> assertThat(thrown).hasCauseInstanceOf(CancellationException.class));
    assertThat(certification.kept()).isEmpty();
    try (Certifier.Run again = certification.begin("source")) {
      finish(again);
    }
  }

  @Test
  void whatTheEngineRefuses_leavesNothingBehind() throws IOException {
    Certification broken =
        new Certification(
            new Certification.Surroundings(
                "sha256:0",
                List.of(),
                Server.tokenizer(Checkpoint.open(BASE), BASE),
                LlamaLoader.load(
                    Checkpoint.open(BASE),
                    LlamaLoader.config(Checkpoint.open(BASE)),
                    Ops.reference(),
                    1,
                    8),
                ops,
                piece -> {
                  throw new IllegalStateException("no more work");
                },
                () -> free,
                GOLDENS,
                InstantSource.fixed(NOW)),
            folder.resolve("certificates"));
    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(() -> broken.begin("source")).hasMessage("no more work");
    }
  }

  @Test
  void texts_areSomeHundredTokensOfTheDefaultBase() throws IOException {
    Tokenizer tokenizer =
        Server.tokenizer(Checkpoint.open(RealModel.require()), RealModel.require());
    CertificateTexts texts = CertificateTexts.of(tokenizer, 8_192);
    assertThat(texts.leftOut()).isEmpty();
    assertThat(texts.texts())
        .hasSize(5)
        .allSatisfy(text -> assertThat(text.tokens().length).isBetween(300, 800));
  }

  @Test
  void aFileThatIsNoCertificate_isLeftOut() throws IOException {
    CertificateFiles files = new CertificateFiles(folder.resolve("certificates"));
    Slice slice = new Slice("all", 1, 1, 1, 0.25, 0.5, 0);
    Certificate kept =
        new Certificate(
            "sha256:aa",
            "sha256:bb",
            "sha256:cc",
            5,
            List.of(new Format("Q4_0", 1, 2)),
            List.of(),
            List.of(slice),
            slice,
            List.of("chat: none"));
    files.keep(kept);
    files.keep(kept);
    Files.write(folder.resolve("certificates/aa-dd.json"), "{".getBytes(StandardCharsets.UTF_8));
    assertThat(files.of("sha256:aa")).containsExactly(kept);
    assertThat(files.of("sha256:ab")).isEmpty();
  }
}
