package dev.tributary.server.state;

import static dev.tributary.server.state.Samples.refusal;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TenantsTest {
  private static final Quota QUOTA =
      new Quota(1L, 1L << 40, 0, 3, 4, 1L << 41, 6L, 1_000, 1L << 42);

  @TempDir Path folder;
  private State state;
  private Tenants tenants;

  @BeforeEach
  void open() {
    state = State.open(folder.resolve("state.db"), new FakeTime());
    tenants = state.tenants();
  }

  @AfterEach
  void close() {
    state.close();
  }

  @Test
  void public_alwaysExists_andCantBeDeleted() {
    assertThat(tenants.get("public").orElseThrow().quota()).isEqualTo(Quota.NONE);
    assertThat(refusal(() -> tenants.delete("public", null)))
        .isInstanceOf(StateException.InUse.class);
  }

  @Test
  void create_isReadBackWhole() {
    TenantRecord made = tenants.create("acme", "Acme, Inc.", QUOTA);
    assertThat(tenants.get("acme")).contains(made);
    assertThat(made.quota()).isEqualTo(QUOTA);
    TenantRecord none = tenants.create("none", "", Quota.NONE);
    assertThat(tenants.get("none")).contains(none);
  }

  @Test
  void create_ofAnExistingOne_changesNothing() {
    TenantRecord made = tenants.create("acme", "first", QUOTA);
    assertThat(refusal(() -> tenants.create("acme", "second", Quota.NONE)))
        .isEqualTo(new StateException.AlreadyExists("tenant", "acme"));
    assertThat(tenants.get("acme")).contains(made);
  }

  @Test
  void create_withBadFields_isRefused() {
    for (String name : new String[] {"", "Acme", "1a", "a".repeat(64), "a/b", "a\n"}) {
      assertThatThrownBy(() -> tenants.create(name, "", Quota.NONE))
          .isInstanceOf(IllegalArgumentException.class);
    }
    assertThatThrownBy(() -> tenants.create("a", "x".repeat(201), Quota.NONE))
        .hasMessageContaining("display name");
    assertThatThrownBy(() -> new Quota(null, null, null, -1, null, null, null, null, null))
        .hasMessageContaining("queued_requests");
    assertThatThrownBy(() -> new Quota(null, null, null, null, null, null, null, 1_001, null))
        .hasMessageContaining("weight");
  }

  @Test
  void list_pagesByName() {
    tenants.create("b", "", Quota.NONE);
    tenants.create("a", "", Quota.NONE);
    tenants.create("q", "", Quota.NONE);
    assertThat(tenants.list("", 3))
        .extracting(TenantRecord::name)
        .containsExactly("a", "b", "public");
    assertThat(tenants.list("public", 3)).extracting(TenantRecord::name).containsExactly("q");
    assertThat(tenants.list("q", 3)).isEmpty();
    assertThatThrownBy(() -> tenants.list("", 0)).hasMessageContaining("page size");
  }

  @Test
  void update_changesNameAndQuota_andTheEtag() {
    TenantRecord made = tenants.create("acme", "Acme", Quota.NONE);
    TenantRecord updated =
        tenants.update("acme", made.etag(), t -> t.withDisplayName("New").withQuota(QUOTA));
    assertThat(updated.displayName()).isEqualTo("New");
    assertThat(updated.quota()).isEqualTo(QUOTA);
    assertThat(updated.etag()).isNotEqualTo(made.etag());
    assertThat(tenants.get("acme")).contains(updated);
    assertThat(refusal(() -> tenants.update("acme", made.etag(), t -> t.withDisplayName("Lost"))))
        .isEqualTo(new StateException.EtagMismatch("tenant", "acme", updated.etag()));
    tenants.update("acme", null, t -> t.withQuota(Quota.NONE));
    assertThat(tenants.get("acme").orElseThrow().quota()).isEqualTo(Quota.NONE);
  }

  @Test
  void retention_isKeptAcrossStarts_andCanBeTakenBack() {
    TenantRecord made = tenants.create("acme", "", Quota.NONE, Duration.ofDays(30));
    assertThat(made.retention()).isEqualTo(Duration.ofDays(30));
    assertThat(tenants.get("acme")).contains(made);
    state.close();
    open();
    assertThat(tenants.get("acme")).contains(made);
    assertThat(tenants.get("public").orElseThrow().retention()).isNull();
    TenantRecord kept = tenants.update("acme", null, t -> t.withRetention(null));
    assertThat(kept.retention()).isNull();
    assertThat(tenants.get("acme")).contains(kept);
  }

  @Test
  void retention_outOfBounds_isRefused() {
    for (Duration bad :
        List.of(
            Duration.ZERO,
            Duration.ofSeconds(-1),
            Duration.ofMinutes(59),
            Duration.ofDays(36_501),
            Duration.ofHours(1).plusNanos(1))) {
      assertThatThrownBy(() -> tenants.create("a", "", Quota.NONE, bad))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("retention");
    }
  }

  @Test
  void update_ofOtherFields_isRefused() {
    TenantRecord other = tenants.create("other", "", Quota.NONE);
    assertThatThrownBy(() -> tenants.update("public", null, t -> other))
        .hasMessageContaining("only display name, quota and retention");
    assertThat(refusal(() -> tenants.update("nobody", null, t -> t)))
        .isEqualTo(new StateException.NotFound("tenant", "nobody"));
  }

  @Test
  void delete_waitsForAdaptersAndKeys() {
    TenantRecord made = tenants.create("acme", "", Quota.NONE);
    AdapterName name = new AdapterName("acme", "x");
    state.adapters().publish(name, Samples.facts(1, 1), StorageLimits.NONE);
    NewKey key = state.keys().create(new KeySpec("acme", Role.USER, "", "", null));
    assertThat(refusal(() -> tenants.delete("acme", null)))
        .isEqualTo(new StateException.InUse("tenant", "acme", "1 adapters and 1 keys"));
    state.adapters().delete(name, null);
    assertThat(refusal(() -> tenants.delete("acme", null)))
        .isInstanceOf(StateException.InUse.class);
    state.keys().revoke(key.key().id());
    assertThat(refusal(() -> tenants.delete("acme", "other")))
        .isInstanceOf(StateException.EtagMismatch.class);
    tenants.delete("acme", made.etag());
    assertThat(tenants.get("acme")).isEmpty();
    assertThat(refusal(() -> tenants.delete("acme", null)))
        .isInstanceOf(StateException.NotFound.class);
  }

  /// The ledger knows answers by their tenant's name.
  @Test
  void aDeletedTenantsName_isNobodysAgain() {
    tenants.create("acme", "", Quota.NONE);
    tenants.delete("acme", null);
    assertThat(refusal(() -> tenants.create("acme", "", Quota.NONE)))
        .isEqualTo(new StateException.WasThere("tenant", "acme"));
    assertThat(tenants.get("acme")).isEmpty();
  }
}
