package dev.tributary.client.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.tributary.client.FakeProvenance;
import dev.tributary.client.FakeServer;
import dev.tributary.v1.ContributionReceipt;
import dev.tributary.v1.RegisterContributionsResponse;
import dev.tributary.v1.Statement;
import dev.tributary.v1.TimeRange;
import io.grpc.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.Arrays;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ContributionsCommandTest {
  @TempDir private Path folder;
  private FakeServer server;
  private FakeProvenance log;
  private Path file;
  private Path receipts;

  @BeforeEach
  void start() throws IOException {
    server = new FakeServer();
    log = server.provenance;
    file = folder.resolve("guide.jsonl");
    receipts = folder.resolve("receipts");
    Files.writeString(
        file,
        """
        {"contributor": "ann", "prompt": "When?", "completion": "At nine."}
        {"contributor": "b/ob", "prompt": "Where?", "completion": "There."}
        {"contributor": "ann", "messages": [{"role": "user", "content": "Hi"}]}
        """);
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private CommandRun.Result run(String... arguments) {
    return new CommandRun(server).with("HOME", folder.toString()).run(arguments);
  }

  private CommandRun.Result register(String... more) {
    String[] arguments = {
      "contributions",
      "import",
      file.toString(),
      "--dataset",
      "guide",
      "--licence",
      "CC-BY-4.0",
      "-o",
      receipts.toString()
    };
    String[] all = Arrays.copyOf(arguments, arguments.length + more.length);
    System.arraycopy(more, 0, all, arguments.length, more.length);
    return run(all);
  }

  @Test
  void import_eachContributor_getsTheirOwnReceipts() throws IOException {
    log.append(new byte[] {1});
    CommandRun.Result result = register();
    assertThat(result.code()).isZero();
    assertThat(result.out())
        .matches(
            """
            registered {2}3 contributions
            leaves      1 to 3 of log.example/town
            manifest    sha256:[0-9a-f]{64}
            """);
    assertThat(result.err())
        .contains("first contact")
        .endsWith("receipts are in " + receipts + ", a file for each contributor\n");
    assertThat(log.registered.element().getDataset()).isEqualTo("guide");
    assertThat(log.registered.element().getLicence()).isEqualTo("CC-BY-4.0");
    Path ann = receipts.resolve("ann.jsonl");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(ann)))
        .isEqualTo("rw-------");
    assertThat(receipts.resolve("b%2Fob.jsonl")).exists();
    CommandRun.Result verified = run("contributions", "verify", ann.toString());
    assertThat(verified.code()).isZero();
    String id = "sha256:[0-9a-f]{64}";
    assertThat(verified.out())
        .matches(
            "CONTRIBUTION +LEAF +CONTRIBUTOR +DATASET +LICENCE\n"
                + (id + " +1 +ann +guide +CC-BY-4.0\n")
                + (id + " +3 +ann +guide +CC-BY-4.0\n"));
    assertThat(verified.err())
        .isEqualTo("all hold; operator-signed only: a fork cannot be excluded\n");
    // Another registration is added to the files.
    register("--skip", "2");
    assertThat(run("contributions", "verify", ann.toString()).out().lines()).hasSize(4);
  }

  @Test
  void import_responseThatDoesNotHold_isKeptAndSaid() throws IOException {
    log.append(new byte[] {1});
    refused(r -> r.setManifestDigest(FakeServer.DIGEST), "the manifest's digest is not");
    refused(r -> r.setFirstLeafIndex(7), "is not of what was sent");
    refused(r -> r.setFirstLeafIndex(0), "the first leaf is not that of the first contribution");
    refused(r -> r.setContributionIds(1, "c-9"), "is not of what was sent");
    refused(r -> r.removeReceipts(2), "2 receipts came for 3 contributions");
    refused(
        r -> r.getReceiptsBuilder(0).getFieldsBuilder(2).setData(ByteString.copyFromUtf8("MIT")),
        "fields do not lead to the root");
    refused(
        r ->
            r.getReceiptsBuilder(0)
                .getProofBuilder()
                .setHashes(0, ByteString.copyFrom(new byte[32])),
        "is not proved to be leaf");
    refused(r -> r.getReceiptsBuilder(1).getProofBuilder().clearHashes(), "is not proved");
    refused(r -> r.getReceiptsBuilder(1).setLeaf(ByteString.EMPTY), "is none");
    refused(
        r -> r.getReceiptsBuilder(1).setContributionId(FakeServer.DIGEST),
        "is not named by the hash of its leaf");
    refused(
        r -> {
          ContributionReceipt first = r.getReceipts(0);
          r.setReceipts(0, r.getReceipts(1)).setReceipts(1, first);
        },
        "is not of what was sent");
    assertThat(Files.readString(receipts.resolve("ann.jsonl")).lines().count()).isEqualTo(11);
  }

  private void refused(Consumer<RegisterContributionsResponse.Builder> lie, String why) {
    log.registering =
        response -> {
          RegisterContributionsResponse.Builder told = response.toBuilder();
          lie.accept(told);
          return told.build();
        };
    CommandRun.Result result = register();
    assertThat(result.code()).as(why).isEqualTo(1);
    assertThat(result.err()).contains(why);
  }

  @Test
  void import_badLine_sendsNothing() throws IOException {
    Files.writeString(file, Files.readString(file) + "{}\n");
    CommandRun.Result result = register();
    assertThat(result.code()).isEqualTo(1);
    assertThat(result.err()).contains("line 4 of ");
    assertThat(log.registered).isEmpty();
    assertThat(result.err())
        .endsWith(
            "tributary: lines that are no contributions: 1; nothing is registered (--drop-refused"
                + " registers the others)\n");
    Files.writeString(file, "");
    assertThat(register().err()).contains("there is nothing to register");
    assertThat(run("contributions", "import", file.toString()).code()).isEqualTo(2);
  }

  @Test
  void import_dropRefused_registersTheOthersAndNamesEachLine() throws IOException {
    Files.writeString(file, "nonsense\n" + Files.readString(file) + "{}\n");
    Files.write(file, new byte[] {'"', -1, '"', '\n'}, StandardOpenOption.APPEND);
    CommandRun.Result result = register("--drop-refused");
    assertThat(result.code()).isZero();
    assertThat(result.out()).startsWith("registered  3 contributions\n");
    assertThat(result.err())
        .contains("line 1 of " + file + ": ")
        .contains("line 5 of " + file + ": has []")
        .contains("line 6 of " + file + ": is not UTF-8");
    assertThat(log.size()).isEqualTo(3);
  }

  @Test
  void import_repeatedLines_areDroppedAndSaid() throws IOException {
    String twice = Files.readString(file);
    // The same words of another contributor are another contribution.
    String other =
        "{\"contributor\": \"eve\", \"prompt\": \"When?\", \"completion\": \"At nine.\"}\n";
    Files.writeString(file, twice + "\n" + other + twice);
    CommandRun.Result result = register();
    assertThat(result.code()).isZero();
    assertThat(result.out()).startsWith("registered  4 contributions\n");
    assertThat(result.err())
        .contains("line 6 of " + file + " repeats line 1 and is dropped\n")
        .contains("line 8 of " + file + " repeats line 3 and is dropped\n");
    assertThat(log.size()).isEqualTo(4);
    CommandRun.Result json =
        run(
            "--json",
            "contributions",
            "import",
            file.toString(),
            "--dataset",
            "guide",
            "--licence",
            "MIT",
            "-o",
            receipts.toString());
    assertThat(json.out())
        .startsWith("{\"duplicates\":[{\"line\":\"6\",\"of\":\"1\"},")
        .contains("\"refused\":[]}\n{")
        .contains("\"manifestDigest\":");
    // What was registered before is counted without them.
    assertThat(register("--skip", "3").out()).startsWith("registered  1 contributions\n");
  }

  @Test
  void import_manyRepeatedLines_theFirstAreNamed() throws IOException {
    Files.writeString(file, Files.readString(file).repeat(30));
    CommandRun.Result result = register();
    assertThat(result.err())
        .contains("line 23 of ")
        .doesNotContain("line 24 of ")
        .contains("87 lines in all repeat others\n");
  }

  @Test
  void import_refusedByTheServer_saysSo() {
    server.failure = FakeServer.status(Status.Code.PERMISSION_DENIED, "not an owner");
    assertThat(register().err())
        .endsWith("tributary: not an owner. The key's role does not allow this\n");
  }

  @Test
  void withdraw_showsWhatIsStillServed() {
    CommandRun.Result result =
        run("contributions", "withdraw", "c-1", "--reason", "I changed my mind");
    assertThat(result.code()).isZero();
    assertThat(result.out()).isEqualTo(FakeServer.DIGEST + "\n");
    assertThat(result.err())
        .isEqualTo(
            "contribution c-1 is withdrawn by leaf 77; these versions trained on it are still"
                + " served:\n");
    assertThat(log.withdrawn.element().getReason()).isEqualTo("I changed my mind");
    assertThat(run("--json", "contributions", "withdraw", "c-1", "--reason", "x").out())
        .contains("\"leafIndex\":\"77\"");
    assertThat(run("contributions", "withdraw", "c-1").code()).isEqualTo(2);
  }

  private void lies(Consumer<Statement.Builder> lie, String why) {
    Statement.Builder told = log.settled().toBuilder();
    long leaf = log.size() - 1;
    lie.accept(told);
    log.statement = told.build();
    CommandRun.Result result =
        run("contributions", "statement", "ann", "--from", "2026-11-01", "--to", "2026-12-01");
    assertThat(result.code()).as(why).isEqualTo(1);
    assertThat(result.err()).contains(why.replace("leaf 1:", "leaf " + leaf + ":"));
  }

  @Test
  void statement_isATableWithItsSum() {
    log.append(new byte[] {1});
    log.statement = log.settled();
    String[] command = {
      "contributions", "statement", "ann", "--from", "2026-11-01", "--to", "2026-12-01"
    };
    CommandRun.Result result = run(command);
    assertThat(result.code()).isZero();
    assertThat(result.out())
        .isEqualTo(
            """
            ADAPTER       DIGEST        ANSWERS  SHARE OF THEM  EARNED      SETTLED
            town-guide@3  4bf5122f3445  4        25%            0.0003 EUR  yes
            town-guide@3  4bf5122f3445  2        25%            1.25 EUR    not yet
            earned  1.2503 EUR
            closed  by leaf 1
            """);
    assertThat(result.err())
        .contains("first contact")
        .endsWith(
            "the settled lines stand in 1 settlements of the log; operator-signed only: a fork"
                + " cannot be excluded\n");
    assertThat(log.statementsAsked.element().getContributor()).isEqualTo("ann");
    assertThat(log.statementsAsked.element().getPeriod().getEnd().getSeconds())
        .isEqualTo(1_796_083_200L);
    lies(s -> s.getProofsBuilder(0).setPosition(2), "is not in the settlement of leaf");
    lies(s -> s.getProofsBuilder(0).setLeafIndex(0), "is not what is said to be in the log");
    lies(s -> s.getProofsBuilder(0).setLeafIndex(99), "is not what is said to be in the log");
    lies(s -> s.addProofs(s.getProofs(0)), "comes twice");
    lies(s -> s.clearProofs(), "are not those that the proofs are of");
    lies(s -> s.getLinesBuilder(0).setAmountMicros(299), "are not those that the proofs are of");
    lies(s -> s.setAmountMicros(7), "do not sum to");
    lies(s -> s.setContributor("bob"), "another contributor's");
    lies(s -> s.getProofsBuilder(0).setLeaf(ByteString.EMPTY), "leaf 1: ");
    lies(s -> s.getPeriodBuilder().getStartBuilder().setSeconds(1), "another period than");
    command[4] = "2026-11-02";
    log.statement = log.settled();
    assertThat(run(command).err()).contains("is of another period");
    log.statement = Statement.getDefaultInstance();
    assertThat(run(command).out()).isEqualTo("earned  0\nclosed  not yet\n");
  }

  @Test
  void statement_withoutAPeriod_isOfTheLastThirtyDaysInWholeHours() {
    run("contributions", "statement", "ann");

    TimeRange period = log.statementsAsked.element().getPeriod();
    long start = period.getStart().getSeconds();
    long end = period.getEnd().getSeconds();
    assertThat(start % 3_600).isZero();
    assertThat(end % 3_600).isZero();
    // An hour may begin between the two readings of the clock.
    assertThat(end - start).isBetween(30 * 86_400L + 3_600, 30 * 86_400L + 7_200);
    assertThat(Instant.ofEpochSecond(end)).isAfter(Instant.now().minusSeconds(3_600));
  }
}
