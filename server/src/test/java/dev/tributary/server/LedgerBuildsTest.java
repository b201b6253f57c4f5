package dev.tributary.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tributary.record.AdapterBuildRecord;
import dev.tributary.record.AdapterBuildRecord.Provenance;
import dev.tributary.record.Kind;
import dev.tributary.record.Leaf;
import dev.tributary.server.accounts.Accounts;
import dev.tributary.server.ledger.Ledger;
import dev.tributary.server.ledger.LogSettings;
import dev.tributary.server.model.LoraWeights;
import dev.tributary.server.model.Projection;
import dev.tributary.server.state.AdapterName;
import dev.tributary.server.state.Origin;
import dev.tributary.server.state.VersionFacts;
import dev.tributary.server.state.VersionRecord;
import dev.tributary.server.state.VersionState;
import dev.tributary.server.tensor.DType;
import dev.tributary.server.tensor.Matrix;
import dev.tributary.tlog.Merkle;
import dev.tributary.tlog.SigningKey;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class LedgerBuildsTest {
  private static final String MANIFEST = "sha256:" + "ef".repeat(32);
  private static final InstantSource TIME = InstantSource.system();

  private static final LoraWeights WEIGHTS =
      new LoraWeights(
          Map.of(
              new LoraWeights.Site(0, Projection.Q),
              new LoraWeights.Pair(
                  Matrix.allocate(DType.F32, 1, 1), Matrix.allocate(DType.F32, 1, 1), 1)),
          Map.of(),
          Map.of(),
          null,
          1);

  private final List<VersionRecord> indexed = Collections.synchronizedList(new ArrayList<>());
  private boolean broken;
  private final SigningKey key = SigningKey.generate("log.example/test", new SecureRandom());
  @TempDir Path folder;
  private Ledger ledger;
  private Accounts accounts;
  private LedgerBuilds builds;

  @BeforeEach
  void open() throws IOException {
    ledger = Ledger.open(LogSettings.of(folder.resolve("ledger"), key), TIME);
    accounts = Accounts.open(Accounts.sqlite(folder.resolve("accounts.db")), ledger, TIME);
    accounts.follow();
    builds =
        new LedgerBuilds(
            ledger,
            accounts,
            TIME,
            version -> "settings of " + version.number(),
            (version, weights) -> {
              indexed.add(version);
              if (broken) {
                throw new IOException("no room for an index");
              }
              return Optional.empty();
            });
  }

  @AfterEach
  void close() throws IOException {
    accounts.close();
    ledger.close();
  }

  private static VersionRecord version(String tenant, int number, int digest, String manifest) {
    VersionFacts facts =
        new VersionFacts(
            "sha256:%064x".formatted(digest),
            "sha256:" + "ab".repeat(32),
            false,
            Origin.CLAIMED,
            8,
            List.of("q_proj"),
            1,
            1,
            false,
            false,
            "",
            manifest,
            null,
            1);
    return new VersionRecord(
        new AdapterName(tenant, "town"),
        number,
        facts,
        VersionState.READY,
        "",
        false,
        Instant.EPOCH);
  }

  private List<AdapterBuildRecord> recorded() {
    return LongStream.range(0, ledger.log().durable())
        .filter(leaf -> Leaf.decode(ledger.log().leaf(leaf)).kind() == Kind.ADAPTER_BUILD)
        .mapToObj(leaf -> AdapterBuildRecord.of(ledger.record(leaf).orElseThrow()))
        .toList();
  }

  @Test
  void record_isDurableOnReturnAndSaysWhatIsKnown() {
    builds.record(version("acme", 3, 1, MANIFEST), WEIGHTS);
    assertThat(recorded())
        .singleElement()
        .satisfies(
            build -> {
              assertThat(build.tenant()).isEqualTo("acme");
              assertThat(build.name()).isEqualTo("town");
              assertThat(build.number()).isEqualTo(3);
              assertThat(build.settings()).isEqualTo("settings of 3");
              assertThat(build.open().adapter().text()).isEqualTo("sha256:%064x".formatted(1));
              assertThat(build.open().base().text()).isEqualTo("sha256:" + "ab".repeat(32));
              assertThat(build.open().manifest().text()).isEqualTo(MANIFEST);
              assertThat(build.open().provenance()).isEqualTo(Provenance.CLAIMED);
              assertThat(build.open().method()).isEqualTo("unattributed-v1");
              assertThat(build.pseudonymKey()).isNotEqualTo(new byte[32]);
            });
    builds.record(version("acme", 4, 2, ""), WEIGHTS);
    assertThat(recorded().getLast().open().manifest()).isEqualTo(Merkle.EMPTY);
    assertThat(recorded().getLast().pseudonymKey())
        .as("nobody is the same in two versions")
        .isNotEqualTo(recorded().getFirst().pseudonymKey());
  }

  @Test
  void record_isOnceForTenantAndDigest() {
    for (int again = 0; again < 3; again++) {
      builds.record(version("acme", 1 + again, 1, ""), WEIGHTS);
      builds.record(version("bolt", 1, 1, ""), WEIGHTS);
    }
    assertThat(recorded()).extracting(AdapterBuildRecord::tenant).containsExactly("acme", "bolt");
  }

  @Test
  void record_isNeverASecondTimeAfterARestart() throws IOException {
    builds.record(version("acme", 1, 1, ""), WEIGHTS);
    close();
    open();
    builds.record(version("acme", 1, 1, ""), WEIGHTS);
    assertThat(recorded()).hasSize(1);
    // The view is gone, too: it is made again before the first version is asked for.
    close();
    for (String end : List.of("", "-wal", "-shm")) {
      Files.deleteIfExists(folder.resolve("accounts.db" + end));
    }
    open();
    builds.record(version("acme", 1, 1, ""), WEIGHTS);
    builds.record(version("acme", 2, 2, ""), WEIGHTS);
    assertThat(recorded()).hasSize(2);
  }

  @Test
  void loadersThatComeTogether_recordOnce() throws Exception {
    try (ExecutorService loaders = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> all = new ArrayList<>();
      for (int i = 0; i < 64; i++) {
        int digest = i % 4;
        all.add(loaders.submit(() -> builds.record(version("acme", 1, digest, ""), WEIGHTS)));
      }
      for (Future<?> each : all) {
        each.get();
      }
    }
    assertThat(recorded()).hasSize(4);
  }

  @Test
  void anIndexThatCannotBeBuilt_leavesTheVersionUnrecorded() {
    broken = true;
    assertThatThrownBy(() -> builds.record(version("acme", 1, 1, ""), WEIGHTS))
        .hasMessageContaining("no room for an index");
    assertThat(recorded()).isEmpty();
    broken = false;
    builds.record(version("acme", 1, 1, ""), WEIGHTS);
    assertThat(recorded()).hasSize(1);
    builds.record(version("acme", 1, 1, ""), WEIGHTS);
    assertThat(indexed).as("once it is recorded, nothing is indexed any more").hasSize(2);
  }

  @Test
  void aLedgerThatTakesNothing_isAFailureThatIsTriedAgain() throws IOException {
    close();
    assertThatThrownBy(() -> builds.record(version("acme", 1, 1, ""), WEIGHTS)).isNotNull();
    open();
    assertThat(recorded()).isEmpty();
    builds.record(version("acme", 1, 1, ""), WEIGHTS);
    assertThat(recorded()).hasSize(1);
  }
}
