package dev.tributary.client.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tributary.client.FakeProvenance;
import dev.tributary.client.FakeServer;
import dev.tributary.client.Records;
import dev.tributary.record.KeyRotationRecord;
import dev.tributary.tlog.SigningKey;
import dev.tributary.v1.Checkpoint;
import io.grpc.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LedgerCommandTest {
  private static final String FORK = "operator-signed only: a fork cannot be excluded\n";

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

  private void answered() {
    long generation = log.append(Records.generation("g"));
    log.append(Records.attribution(generation));
  }

  @Test
  void audit_firstContact_pinsAndFindsNothing() throws IOException {
    answered();
    CommandRun.Result result = run("ledger", "audit");
    assertThat(result.err())
        .isEqualTo(
            "first contact with the log log.example/town; its key %s is pinned in %s\n%s"
                .formatted(
                    log.verifierKey(), folder.resolve(".config/tributary/pinned-logs"), FORK));
    assertThat(result.out())
        .matches(
            """
            log          log.example/town
            entries      2, read from 0 on
            root         sha256:[0-9a-f]{64}
            signed by    log.example/town[+][0-9a-f]{8}[+][A-Za-z0-9+/]+={0,2}
            generation   1
            attribution  1
            nothing is wrong
            """);
    assertThat(result.code()).isZero();
    CommandRun.Result again = run("ledger", "audit");
    assertThat(again.code()).isZero();
    assertThat(again.out()).contains("entries    2, read from 2 on\n");
    assertThat(again.err()).isEqualTo(FORK);
  }

  @Test
  void audit_findings_areSaidAndExitOne() {
    answered();
    log.append(Records.unattributed(0));
    CommandRun.Result result = run("ledger", "audit", "--public-key", "" + log.verifierKey());
    assertThat(result.code()).isEqualTo(1);
    assertThat(result.out())
        .endsWith("leaf 2 is a second attribution of generation 0; the first counts\n1 findings\n");
    assertThat(folder.resolve(".config")).doesNotExist();
    log.append(Records.unattributed(0));
    CommandRun.Result json =
        run("--json", "ledger", "audit", "--public-key", "" + log.verifierKey());
    assertThat(json.code()).isEqualTo(1);
    assertThat(json.out()).contains("\"leafIndex\":\"3\"").contains("\"from\":\"3\"");
    assertThat(json.err()).isEmpty();
  }

  @Test
  void audit_rotatedKey_leadsTheOthers() throws IOException {
    answered();
    run("ledger", "audit");
    SigningKey first = log.key;
    SigningKey next = SigningKey.generate(FakeProvenance.ORIGIN, new SecureRandom());
    log.append(KeyRotationRecord.sign(log.key, next, 2));
    log.key = next;
    // Who does not read entries cannot know that it is the same log.
    CommandRun.Result export = run("ledger", "export", folder.resolve("x").toString());
    assertThat(export.code()).isEqualTo(1);
    assertThat(export.err()).contains("at first contact it was").contains(next + ", but");
    CommandRun.Result result = run("ledger", "audit");
    assertThat(result.code()).isZero();
    assertThat(result.out()).contains("signed by     " + next.verifierKey());
    assertThat(run("ledger", "export", folder.resolve("x").toString()).code()).isZero();
    assertThat(run("ledger", "fsck", folder.resolve("x").toString()).code()).isZero();
    assertThat(run("ledger", "audit").code()).isZero();
    // Somebody has the key that was in force before.
    log.key = first;
    log.append(Records.unattributed(0));
    assertThat(run("ledger", "export", folder.resolve("y").toString()).code()).isEqualTo(1);
    // Another key that nobody was led to.
    log.key = SigningKey.generate(FakeProvenance.ORIGIN, new SecureRandom());
    assertThat(run("ledger", "export", folder.resolve("y").toString()).code()).isEqualTo(1);
    assertThat(run("ledger", "audit").code()).isEqualTo(1);
  }

  @Test
  void exportThenFsck_holds() throws IOException {
    for (int i = 0; i < 200; i++) {
      answered();
    }
    String to = folder.resolve("log").toString();
    CommandRun.Result export = run("ledger", "export", to);
    assertThat(export.code()).isZero();
    assertThat(export.out()).matches("log.example/town {2}400 entries {2}root sha256:[0-9a-f]+\n");
    assertThat(
            new CommandRun(server)
                .with("HOME", folder.toString())
                .interactive(false)
                .run("ledger", "export", to)
                .err())
        .contains("\r[########################]  100%  400 of 400 entries");
    CommandRun.Result fsck = run("ledger", "fsck", to);
    assertThat(fsck.code()).isZero();
    assertThat(fsck.out()).endsWith("\n5 files are what the entries give\n");
    assertThat(fsck.err()).endsWith(FORK);
    Path tile = folder.resolve("log/tile/0/001.p/144");
    byte[] bytes = Files.readAllBytes(tile);
    bytes[7] ^= 1;
    Files.write(tile, bytes);
    CommandRun.Result broken = run("ledger", "fsck", to);
    assertThat(broken.code()).isEqualTo(1);
    assertThat(broken.out())
        .endsWith("\ntile/0/001.p/144 is not what the entries give\n1 findings\n");
    assertThat(run("--json", "ledger", "fsck", to).out()).contains("\"findings\":[{\"sentence\"");
  }

  @Test
  void fsck_withoutTrust_isRefused() throws IOException {
    answered();
    String to = folder.resolve("log").toString();
    run("ledger", "export", to, "--public-key", log.verifierKey().toString());
    CommandRun.Result nobody = run("ledger", "fsck", to);
    assertThat(nobody.code()).isEqualTo(1);
    assertThat(nobody.err()).contains("no key of the log log.example/town is trusted");
    SigningKey other = SigningKey.generate(FakeProvenance.ORIGIN, new SecureRandom());
    CommandRun.Result wrong = run("ledger", "fsck", to, "--public-key", other.toString());
    assertThat(wrong.code()).isEqualTo(1);
    assertThat(wrong.err()).contains("is not signed by a trusted key");
    assertThat(run("ledger", "fsck", to, "--public-key", "x").code()).isEqualTo(2);
    assertThat(run("ledger", "fsck", to, "--public-key", "x", "--policy", "y").code()).isEqualTo(2);
    assertThat(run("ledger", "fsck", folder.resolve("none").toString()).err())
        .contains("has no checkpoint");
  }

  @Test
  void policyWithWitness_wantsItsCosignature() throws IOException {
    answered();
    SigningKey stranger = SigningKey.generate("witness.example", new SecureRandom());
    Path policy = folder.resolve("policy");
    String text = "log %s\nwitness w %s\nquorum w\n";
    Files.writeString(policy, text.formatted(log.verifierKey(), stranger.cosignerKey()));
    CommandRun.Result result =
        run("ledger", "export", folder.resolve("x").toString(), "--policy", policy.toString());
    assertThat(result.code()).isEqualTo(1);
    assertThat(result.err()).contains("is not cosigned by as many witnesses");
    Files.writeString(policy, text.formatted(log.verifierKey(), log.witness.cosignerKey()));
    for (String[] command :
        List.of(
            new String[] {"ledger", "export", folder.resolve("x").toString()},
            new String[] {"ledger", "fsck", folder.resolve("x").toString()},
            new String[] {"ledger", "audit"})) {
      String[] whole = Arrays.copyOf(command, command.length + 2);
      whole[command.length] = "--policy";
      whole[command.length + 1] = policy.toString();
      CommandRun.Result witnessed = run(whole);
      assertThat(witnessed.code()).isZero();
      assertThat(witnessed.err()).doesNotContain("fork");
    }
    Files.writeString(policy, "nonsense\n");
    assertThat(
            run("ledger", "export", folder.resolve("x").toString(), "--policy", policy.toString())
                .err())
        .contains("is no policy: ");
  }

  @Test
  void watch_growingLog_isShownUntilItForks() {
    answered();
    answered();
    Checkpoint two = log.checkpoint(2);
    Checkpoint four = log.checkpoint(4);
    log.replace(0, new byte[] {1});
    Checkpoint fork = log.checkpoint(3);
    log.watches.add(new FakeProvenance.Watched(List.of(two), Status.UNAVAILABLE));
    log.watches.add(new FakeProvenance.Watched(List.of(two, two, fork), Status.OK));
    CommandRun.Result result = run("ledger", "watch");
    assertThat(result.code()).isEqualTo(1);
    assertThat(result.out().lines())
        .satisfiesExactly(line -> assertThat(line).startsWith("log.example/town  2 entries  root"));
    assertThat(result.err())
        .contains("first contact")
        .contains(FORK)
        .contains("the connection broke")
        .contains("rewritten or forked");
    log.watches.add(new FakeProvenance.Watched(List.of(four, two), Status.OK));
    assertThat(run("--json", "ledger", "watch").out())
        .contains("\"size\":\"4\"")
        .contains("rolled back");
  }

  @Test
  void watch_closedOutput_ends() {
    answered();
    log.watches.add(new FakeProvenance.Watched(List.of(log.checkpoint(1)), Status.UNAVAILABLE));
    assertThat(
            new CommandRun(server)
                .with("HOME", folder.toString())
                .closedOutput()
                .run("ledger", "watch")
                .code())
        .isEqualTo(1);
  }

  @Test
  void audit_withoutTheRole_saysSo() {
    server.failure = FakeServer.status(Status.Code.PERMISSION_DENIED, "not an auditor");
    CommandRun.Result result = run("ledger", "audit");
    assertThat(result.code()).isEqualTo(1);
    assertThat(result.err())
        .isEqualTo("tributary: not an auditor. The key's role does not allow this\n");
  }
}
