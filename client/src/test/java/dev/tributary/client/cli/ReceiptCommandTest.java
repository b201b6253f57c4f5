package dev.tributary.client.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.tributary.client.FakeProvenance;
import dev.tributary.client.FakeServer;
import dev.tributary.client.Records;
import dev.tributary.tlog.SigningKey;
import dev.tributary.v1.ListReceiptsRequest;
import dev.tributary.v1.Receipt;
import dev.tributary.v1.ReceiptFile;
import dev.tributary.v1.ReplayResult;
import dev.tributary.v1.ReplayResult.Outcome;
import io.grpc.Status;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ReceiptCommandTest {
  private static final String FORK = "operator-signed only: a fork cannot be excluded";

  @TempDir private Path folder;
  private FakeServer server;
  private FakeProvenance log;

  @BeforeEach
  void start() throws IOException {
    server = new FakeServer();
    log = server.provenance;
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private CommandRun.Result run(String... arguments) {
    return new CommandRun(server).with("HOME", folder.toString()).run(arguments);
  }

  private Path pins() {
    return folder.resolve(".config/tributary/pinned-logs");
  }

  /// A receipt as a file, without any contact with the server.
  private Path answered(String id) throws IOException {
    return Files.write(folder.resolve(id + ".receipt"), log.answered(id));
  }

  private Path pinned(String id) throws IOException {
    Path file = answered(id);
    Files.createDirectories(pins().getParent());
    Files.writeString(pins(), log.verifierKey() + "\n");
    return file;
  }

  @Test
  void get_firstContact_writesPinsAndVerifies() throws IOException {
    byte[] receipt = log.answered("g-7");
    Path out = folder.resolve("x.receipt");
    CommandRun.Result result = run("receipt", "get", "g-7", "-o", out.toString());
    assertThat(result.code()).isZero();
    assertThat(out).hasBinaryContent(receipt);
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(out)))
        .isEqualTo("rw-------");
    assertThat(result.out())
        .isEqualTo(
            """
            generation  g-7
            leaf        1
            shares      ann 40%%, base 25%%, unattributed 35%%
            file        %s
            """
                .formatted(out));
    assertThat(result.err())
        .isEqualTo(
            "first contact with the log log.example/town; its key %s is pinned in %s\nit holds; %s\n"
                .formatted(log.verifierKey(), pins(), FORK));
    assertThat(pins()).hasContent(log.verifierKey().toString());
    assertThat(log.receiptsAsked).allMatch(asked -> !asked.getWait());
    // Said once.
    CommandRun.Result again = run("receipt", "get", "g-7", "-o", out.toString(), "--wait");
    assertThat(again.err()).isEqualTo("it holds; " + FORK + "\n");
    assertThat(log.receiptsAsked.stream().toList().getLast().getWait()).isTrue();
    assertThat(run("receipt", "verify", out.toString()).code()).isZero();
    assertThat(run("--json", "receipt", "get", "g-7", "-o", out.toString()).out())
        .contains("\"generationId\":\"g-7\"");
  }

  @Test
  void get_logWithAnotherKeyLater_failsAndKeepsTheFile() throws IOException {
    log.answered("g-7");
    Path out = folder.resolve("x.receipt");
    run("receipt", "get", "g-7", "-o", out.toString());
    String before = Files.readString(pins());
    log.key = SigningKey.generate(FakeProvenance.ORIGIN, new SecureRandom());
    byte[] other = log.answered("g-8");
    CommandRun.Result result = run("receipt", "get", "g-8", "-o", out.toString());
    assertThat(result.code()).isEqualTo(1);
    assertThat(result.err()).contains("FAILS signature: ");
    assertThat(out).hasBinaryContent(other);
    assertThat(pins()).hasContent(before);
    // Who asks for the log itself hears of the key.
    assertThat(run("ledger", "watch").code()).isEqualTo(1);
    log.watches.add(new FakeProvenance.Watched(List.of(log.checkpoint(2)), Status.UNAVAILABLE));
    assertThat(run("ledger", "watch").err()).contains("at first contact it was");
  }

  @Test
  void get_anotherGenerationsReceipt_isRefused() throws IOException {
    byte[] other = log.answered("g-8");
    log.receipts.put("g-7", ReceiptFile.newBuilder().setFile(ByteString.copyFrom(other)).build());
    CommandRun.Result result = run("receipt", "get", "g-7", "-o", folder.resolve("x").toString());
    assertThat(result.code()).isEqualTo(1);
    assertThat(result.err()).contains("the receipt is of another generation than g-7");
  }

  @Test
  void get_missing_leavesNoFile() {
    Path out = folder.resolve("x.receipt");
    CommandRun.Result result = run("receipt", "get", "g-7", "-o", out.toString());
    assertThat(result.code()).isEqualTo(1);
    assertThat(result.err()).startsWith("tributary: no \"g-7\"");
    assertThat(out).doesNotExist();
    assertThat(run("receipt", "get", "g-7").code()).isEqualTo(2);
  }

  @Test
  void list_isATableOfAllPages() throws IOException {
    log.answered("g-1");
    log.answered("g-2");
    log.receipts.put(
        "g-3",
        ReceiptFile.newBuilder()
            .setSummary(
                Receipt.newBuilder()
                    .setGenerationId("g-3")
                    .addAdapterDigests(FakeServer.DIGEST)
                    .setPending(Receipt.Pending.getDefaultInstance()))
            .build());
    CommandRun.Result result =
        run(
            "receipt",
            "list",
            "--since",
            "2026-11-01",
            "--until",
            "2026-12-01T12:00:00Z",
            "--adapter",
            "town-guide",
            "--contributor",
            "ann");
    assertThat(result.out())
        .isEqualTo(
            """
            GENERATION  ENDED                 LEAF  ADAPTERS      SHARES
            g-1         2026-12-02 20:00:00Z  1     base          ann 40%, base 25%, unattributed 35%
            g-2         2026-12-02 20:00:00Z  4     base          ann 40%, base 25%, unattributed 35%
            g-3         -                     -     0123456789ab  pending
            """);
    ListReceiptsRequest asked = log.listed.element();
    assertThat(asked.getAdapter()).isEqualTo("town-guide");
    assertThat(asked.getContributor()).isEqualTo("ann");
    assertThat(asked.getTime().getStart().getSeconds()).isEqualTo(1_793_491_200L);
    assertThat(asked.getTime().getEnd().getSeconds()).isEqualTo(1_796_126_400L);
    assertThat(run("--json", "receipt", "list").out().lines()).hasSize(3);
    assertThat(run("receipt", "list", "--since", "yesterday").code()).isEqualTo(2);
    log.receipts.clear();
    assertThat(run("receipt", "list").err()).startsWith("There are no such receipts");
  }

  @Test
  void verify_pinnedKey_isASentenceForEachCheck() throws IOException {
    Path file = pinned("g-7");
    CommandRun.Result result = run("receipt", "verify", file.toString());
    assertThat(result.code()).isZero();
    assertThat(result.out())
        .contains("holds  form ")
        .contains("holds  generation in log ")
        .contains(FORK)
        .endsWith("\nthe receipt holds\n");
    assertThat(result.err()).isEmpty();
    CommandRun.Result json = run("--json", "receipt", "verify", file.toString());
    assertThat(json.out()).startsWith("{\"holds\":true,\"checks\":[{\"name\":\"form\",\"ok\":true");
    assertThat(server.authorizations).isEmpty();
  }

  @Test
  void verify_givenKeyOrPolicy_needsNoPin() throws IOException {
    Path file = answered("g-7");
    String key = log.verifierKey().toString();
    assertThat(run("receipt", "verify", file.toString(), "--public-key", key).code()).isZero();
    Path policy = Files.writeString(folder.resolve("policy"), "log " + key + "\nquorum none\n");
    assertThat(run("receipt", "verify", file.toString(), "--policy", policy.toString()).code())
        .isZero();
    SigningKey other = SigningKey.generate(FakeProvenance.ORIGIN, new SecureRandom());
    CommandRun.Result wrong =
        run("receipt", "verify", file.toString(), "--public-key", other.toString());
    assertThat(wrong.code()).isEqualTo(1);
    assertThat(wrong.out()).contains("FAILS  signature ").endsWith("THE RECEIPT DOES NOT HOLD\n");
  }

  @Test
  void verify_withoutTrust_isOne() throws IOException {
    CommandRun.Result result = run("receipt", "verify", answered("g-7").toString());
    assertThat(result.code()).isEqualTo(1);
    assertThat(result.err())
        .isEqualTo(
            "tributary: no key of the log log.example/town is trusted: give --policy or"
                + " --public-key, or ask its server once, which pins its key\n");
    assertThat(pins()).doesNotExist();
  }

  @Test
  void verify_usage_isTwo() throws IOException {
    String file = answered("g-7").toString();
    assertThat(run("receipt", "verify").code()).isEqualTo(2);
    assertThat(run("receipt", "verify", file, "--public-key", "nonsense").code()).isEqualTo(2);
    assertThat(run("receipt", "verify", file, "--public-key", "x", "--policy", "y").code())
        .isEqualTo(2);
    assertThat(run("receipt", "verify", folder.resolve("none").toString()).code()).isEqualTo(1);
  }

  @Test
  void verify_changedReceipt_saysWhichCheck() throws IOException {
    Path file = pinned("g-7");
    String text = Files.readString(file, StandardCharsets.ISO_8859_1);
    Files.writeString(file, text.replaceFirst("index 1", "index 0"), StandardCharsets.ISO_8859_1);
    CommandRun.Result result = run("receipt", "verify", file.toString());
    assertThat(result.code()).isEqualTo(1);
    assertThat(result.out()).contains("FAILS  generation in log ").contains("holds  signature ");
    Files.writeString(file, "nonsense\n");
    assertThat(run("receipt", "verify", file.toString()).out()).startsWith("FAILS  form  ");
    assertThat(run("receipt", "open", file.toString()).err()).contains("is no receipt: ");
  }

  @Test
  void open_isEveryFieldInWords() throws IOException {
    CommandRun.Result result = run("receipt", "open", answered("g-7").toString());
    assertThat(result.code()).isZero();
    assertThat(result.out())
        .startsWith(
            """
            generation
              leaf               1
              generation         g-7
              started leaf       0
              tenant             acme
              began              2026-12-02T20:00:00Z
              ended              2026-12-02T20:00:01.500Z
              end                stop
            """)
        .contains("  prompt tokens      1 2 3\n  answer tokens      40 50 60\n")
        .contains("temperature 0.5, top-k 40, top-p 0.9")
        .contains("seed 18446744073709551615\n  stop strings       \"END\\n\"\n")
        .contains("  paths              wide 2, narrow 4\n")
        .contains("  shares              ann 40%\n  base share          25%\n")
        .contains("  spans               bytes 0 to 5 from ann\n")
        .contains("\ncheckpoint\n  log                   log.example/town\n");
    CommandRun.Result json =
        run("--json", "receipt", "open", folder.resolve("g-7.receipt").toString());
    assertThat(json.out())
        .contains("\"answer tokens\":[40")
        .contains("\"kind\":\"attribution\"")
        .contains("\"log\":\"log.example/town\"");
  }

  @Test
  void open_hiddenFields_areSaidToBe() throws IOException {
    var receipt = dev.tributary.record.Receipt.parse(log.answered("g-7"));
    Path file = folder.resolve("hidden");
    Files.write(
        file,
        new dev.tributary.record.Receipt(
                receipt.generation().hiding(Set.of("generation.prompt")),
                receipt.attribution().map(each -> each.hiding(Set.of("attribution.contributors"))),
                List.of(),
                List.of(),
                receipt.checkpoint())
            .bytes());
    String out = run("receipt", "open", file.toString()).out();
    assertThat(out)
        .contains("prompt           hidden\n")
        .contains("id               \"g-7\"\n")
        .contains("contributors        hidden\n")
        .contains(Records.shares().shares().getFirst().contributor() + " 40%");
  }

  @ParameterizedTest
  @CsvSource({
    "OUTCOME_IDENTICAL, 0, IDENTICAL",
    "OUTCOME_DIFFERENT, 1, DIFFERENT from generated token 2 on",
    "OUTCOME_OTHER_HARDWARE, 0, 'OTHER_HARDWARE: recorded by abababababab, and this server is"
        + " cdcdcdcdcdcd'",
    "OUTCOME_VERSION_GONE, 0, VERSION_GONE: an adapter version or the base is no longer here",
    "OUTCOME_ERASED, 0, ERASED: the record was erased",
  })
  void replay_outcome_isSaid(Outcome outcome, int code, String text) throws IOException {
    Path file = answered("g-7");
    ReplayResult.Builder result =
        ReplayResult.newBuilder()
            .setOutcome(outcome)
            .setRecordedNumericsId("sha256:" + "ab".repeat(32))
            .setNumericsId("sha256:" + "cd".repeat(32));
    if (outcome == Outcome.OUTCOME_DIFFERENT) {
      result.setPosition(2);
    }
    server.replays.add(result.build());
    server.replays.add(result.build());
    server.replayTokens = List.of(40, 50, 60);
    CommandRun.Result run = run("receipt", "replay", file.toString());
    assertThat(run).isEqualTo(new CommandRun.Result(code, text + "\n", ""));
    assertThat(server.replayed.element().getRecord().toByteArray())
        .isEqualTo(Files.readAllBytes(file));
    assertThat(run("--json", "receipt", "replay", file.toString()).out())
        .contains("\"outcome\":\"" + outcome + "\"");
  }

  @Test
  void replay_identicalWithOtherTokens_isDifferent() throws IOException {
    Path file = answered("g-7");
    server.replays.add(ReplayResult.newBuilder().setOutcome(Outcome.OUTCOME_IDENTICAL).build());
    server.replayTokens = List.of(40, 51, 60);
    assertThat(run("receipt", "replay", file.toString()))
        .isEqualTo(new CommandRun.Result(1, "DIFFERENT from generated token 1 on\n", ""));
    // No result at all is a failure of another kind.
    assertThat(run("receipt", "replay", file.toString()).err()).contains("without a result");
  }
}
