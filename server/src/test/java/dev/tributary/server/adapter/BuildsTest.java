package dev.tributary.server.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tributary.server.model.LoraWeights;
import dev.tributary.server.state.VersionRecord;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// What is built of what is recorded before it serves.
@Timeout(30)
class BuildsTest {
  @TempDir Path root;
  @TempDir Path data;
  private final FakeProbe probe = new FakeProbe();
  private final List<VersionRecord> told = Collections.synchronizedList(new ArrayList<>());
  private volatile @Nullable RuntimeException failure;
  private TestStore opened;
  private AdapterStore store;

  @BeforeEach
  void open() throws IOException {
    PeftFiles.small(1).write(root.resolve("town"));
    opened =
        TestStore.open(
            new AdapterSettings(data, root, null, 1 << 20),
            new TinyBase(TinyBase.CONFIG),
            TinyBase.IDENTITY,
            probe,
            TestStore.NOWHERE,
            this::record);
    store = opened.store();
  }

  private void record(VersionRecord version, LoraWeights weights) {
    assertThat(weights.bytes()).isPositive();
    told.add(version);
    RuntimeException now = failure;
    if (now != null) {
      throw now;
    }
  }

  @AfterEach
  void close() {
    opened.close();
  }

  @Test
  void aLease_comesAfterTheBuildIsRecorded() {
    AdapterVersion version = store.resolve("me", AdapterRef.of("town"), "");
    assertThat(told).as("nothing was served yet").isEmpty();
    try (Lease lease = store.lease(version).join()) {
      assertThat(told)
          .singleElement()
          .satisfies(
              each -> {
                assertThat(each.facts().digest()).isEqualTo(lease.version().digest());
                assertThat(each.number()).isEqualTo(version.number());
              });
    }
  }

  @Test
  void whatCannotBeRecorded_isNotServed_andAskedForAgain() {
    AdapterVersion version = store.resolve("me", AdapterRef.of("town"), "");
    failure = new IllegalStateException("the ledger is full");
    assertThatThrownBy(() -> store.lease(version).join()).hasRootCause(failure);
    assertThat(store.tier(version)).isEqualTo(Tier.DISK);
    assertThat(store.stats().bytes()).isZero();
    failure = null;
    try (Lease lease = store.lease(version).join()) {
      assertThat(lease.version()).isEqualTo(version);
    }
    assertThat(told).hasSize(2);
  }
}
