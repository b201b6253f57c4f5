package dev.tributary.server.state;

import static dev.tributary.server.state.Samples.GUIDE;
import static dev.tributary.server.state.Samples.digest;
import static dev.tributary.server.state.Samples.facts;
import static dev.tributary.server.state.Samples.refusal;
import static dev.tributary.server.state.Samples.target;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AdaptersTest {
  private static final StorageLimits NONE = StorageLimits.NONE;

  @TempDir Path folder;
  private final FakeTime time = new FakeTime();
  private State state;
  private Adapters adapters;

  @BeforeEach
  void open() {
    state = State.open(folder.resolve("state.db"), time);
    adapters = state.adapters();
  }

  @AfterEach
  void close() {
    state.close();
  }

  private static AdapterName name(String name) {
    return new AdapterName("public", name);
  }

  @Test
  void create_isReadBackWhole_withoutVersions() {
    Map<String, String> labels = Map.of("team", "\"a\"\n", "stage", "");
    AdapterRecord made = adapters.create(GUIDE, "Knows the town", labels, NONE);
    assertThat(adapters.get(GUIDE)).contains(made);
    assertThat(made.labels()).isEqualTo(labels);
    assertThat(made.versionCount()).isZero();
    assertThat(made.latestVersion()).isZero();
    assertThat(adapters.aliases(GUIDE)).isEmpty();
    assertThat(refusal(() -> adapters.create(GUIDE, "", Map.of(), NONE)))
        .isEqualTo(new StateException.AlreadyExists("adapter", "public/town-guide"));
    assertThat(refusal(() -> adapters.create(new AdapterName("no", "x"), "", Map.of(), NONE)))
        .isEqualTo(new StateException.NotFound("tenant", "no"));
  }

  @Test
  void create_withBadFields_changesNothing() {
    assertThatThrownBy(() -> adapters.create(GUIDE, "x".repeat(1_001), Map.of(), NONE))
        .hasMessageContaining("description");
    assertThatThrownBy(() -> adapters.create(GUIDE, "", Map.of("k".repeat(64), ""), NONE))
        .hasMessageContaining("label");
    assertThat(adapters.get(GUIDE)).isEmpty();
    for (String bad : List.of("", ".", "..", "a/b", "-a", "a".repeat(64), "a b")) {
      assertThatThrownBy(() -> name(bad)).isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void list_pagesByTenantAndName() {
    state.tenants().create("acme", "", Quota.NONE);
    state.tenants().create("other", "", Quota.NONE);
    AdapterName first = new AdapterName("acme", "z");
    for (AdapterName name : List.of(name("b"), first, name("A"), new AdapterName("other", "a"))) {
      adapters.create(name, "", Map.of(), NONE);
    }
    List<String> both = List.of("public", "acme");
    assertThat(adapters.list(both, null, 10))
        .extracting(AdapterRecord::name)
        .containsExactly(first, name("A"), name("b"));
    assertThat(adapters.list(both, null, 2)).hasSize(2);
    assertThat(adapters.list(both, name("A"), 2))
        .extracting(AdapterRecord::name)
        .containsExactly(name("b"));
    assertThat(adapters.list(both, first, 1))
        .extracting(AdapterRecord::name)
        .containsExactly(name("A"));
    assertThat(adapters.list(List.of(), null, 10)).isEmpty();
  }

  @Test
  void update_changesDescriptionAndLabels_andTheEtag() {
    AdapterRecord made = adapters.create(GUIDE, "old", Map.of("a", "b"), NONE);
    time.advance(Duration.ofSeconds(5));
    AdapterRecord updated = adapters.update(GUIDE, made.etag(), a -> a.withDescription("new"));
    assertThat(updated.description()).isEqualTo("new");
    assertThat(updated.labels()).isEqualTo(Map.of("a", "b"));
    assertThat(updated.updated()).isEqualTo(made.created().plusSeconds(5));
    assertThat(adapters.get(GUIDE)).contains(updated);
    assertThat(refusal(() -> adapters.update(GUIDE, made.etag(), a -> a)))
        .isEqualTo(new StateException.EtagMismatch("adapter", GUIDE.toString(), updated.etag()));
    assertThat(adapters.update(GUIDE, null, a -> a.withLabels(Map.of())).labels()).isEmpty();
    AdapterRecord other = adapters.create(name("other"), "", Map.of(), NONE);
    assertThatThrownBy(() -> adapters.update(GUIDE, null, a -> other))
        .hasMessageContaining("only description and labels");
    assertThat(refusal(() -> adapters.update(name("no"), null, a -> a)))
        .isEqualTo(new StateException.NotFound("adapter", "public/no"));
  }

  @Test
  void publish_makesAdapterVersionAndProd() {
    VersionRecord first = adapters.publish(GUIDE, facts(1, 10), NONE);
    assertThat(first)
        .isEqualTo(
            new VersionRecord(
                GUIDE, 1, facts(1, 10), VersionState.READY, "", false, State.now(time)));
    assertThat(adapters.version(GUIDE, 1)).contains(first);
    assertThat(adapters.alias(GUIDE, "prod").orElseThrow().targets()).containsExactly(target(1, 1));
    String etag = adapters.get(GUIDE).orElseThrow().etag();
    VersionRecord second = adapters.publish(GUIDE, facts(2, 10), NONE);
    assertThat(second.number()).isEqualTo(2);
    assertThat(adapters.aliases(GUIDE)).hasSize(1);
    AdapterRecord adapter = adapters.get(GUIDE).orElseThrow();
    assertThat(adapter.versionCount()).isEqualTo(2);
    assertThat(adapter.latestVersion()).isEqualTo(2);
    assertThat(adapter.etag()).isNotEqualTo(etag);
    assertThat(refusal(() -> adapters.publish(new AdapterName("no", "x"), facts(1, 1), NONE)))
        .isEqualTo(new StateException.NotFound("tenant", "no"));
  }

  @Test
  void publish_neverGivesANumberAgain() {
    adapters.publish(GUIDE, facts(1, 0), NONE);
    adapters.publish(GUIDE, facts(2, 0), NONE);
    adapters.deleteVersion(GUIDE, 2);
    assertThat(adapters.get(GUIDE).orElseThrow().latestVersion()).isEqualTo(2);
    assertThat(adapters.publish(GUIDE, facts(3, 0), NONE).number()).isEqualTo(3);
    adapters.removeAlias(GUIDE, "prod", null);
    adapters.deleteVersion(GUIDE, 1);
    adapters.deleteVersion(GUIDE, 3);
    assertThat(adapters.publish(GUIDE, facts(1, 0), NONE).number()).isEqualTo(4);
    assertThat(adapters.aliases(GUIDE)).isEmpty();
  }

  @Test
  void versions_arePagedNewestFirst_andFoundByDigest() {
    for (int digest : new int[] {7, 8, 7}) {
      adapters.publish(GUIDE, facts(digest, 0), NONE);
    }
    adapters.publish(name("other"), facts(9, 0), NONE);
    assertThat(adapters.versions(GUIDE, Integer.MAX_VALUE, 2))
        .extracting(VersionRecord::number)
        .containsExactly(3, 2);
    assertThat(adapters.versions(GUIDE, 2, 2)).extracting(VersionRecord::number).containsExactly(1);
    assertThat(adapters.versionByDigest(GUIDE, digest(7)).orElseThrow().number()).isEqualTo(3);
    assertThat(adapters.versionByDigest(GUIDE, digest(9))).isEmpty();
    assertThat(adapters.version(GUIDE, 4)).isEmpty();
    assertThat(adapters.versions(name("no"), Integer.MAX_VALUE, 1)).isEmpty();
  }

  @Test
  void setState_andPin_areKept() {
    adapters.publish(GUIDE, facts(1, 0), NONE);
    adapters.publish(GUIDE, facts(2, 0), NONE);
    VersionRecord bad = adapters.setState(GUIDE, 1, VersionState.QUARANTINED, "x".repeat(2_000));
    assertThat(bad.reason()).hasSize(1_000);
    VersionRecord pinned = adapters.setPinned(GUIDE, 2, true);
    assertThat(pinned.pinned()).isTrue();
    close();
    open();
    assertThat(adapters.version(GUIDE, 1)).contains(bad);
    assertThat(adapters.pinned()).containsExactly(pinned);
    adapters.setPinned(GUIDE, 2, false);
    assertThat(adapters.pinned()).isEmpty();
    assertThat(refusal(() -> adapters.setPinned(GUIDE, 3, true)))
        .isEqualTo(new StateException.NotFound("version", "3 of public/town-guide"));
  }

  @Test
  void draining_endsWithTheProcess() {
    VersionRecord version = adapters.publish(GUIDE, facts(1, 0), NONE);
    adapters.setState(GUIDE, 1, VersionState.DRAINING, "delete");
    assertThat(adapters.version(GUIDE, 1).orElseThrow().state()).isEqualTo(VersionState.DRAINING);
    close();
    open();
    assertThat(adapters.version(GUIDE, 1)).contains(version);
  }

  @Test
  void setFolder_movesALinkedVersion_only() {
    adapters.publish(GUIDE, facts(1, 0, Path.of("/a")), NONE);
    VersionRecord moved = adapters.setFolder(GUIDE, 1, Path.of("/b/c"));
    assertThat(moved.facts().folder()).isEqualTo(Path.of("/b/c"));
    assertThat(adapters.version(GUIDE, 1)).contains(moved);
    adapters.publish(GUIDE, facts(2, 5), NONE);
    assertThatThrownBy(() -> adapters.setFolder(GUIDE, 2, Path.of("/b")))
        .hasMessageContaining("lies in the store");
  }

  @Test
  void deleteVersion_thatAnAliasLeadsTo_isRefused() {
    for (int i = 1; i <= 3; i++) {
      adapters.publish(GUIDE, facts(i, 0), NONE);
    }
    adapters.setAlias(
        GUIDE, "canary", List.of(target(2, 0), target(1, 5)), new AliasRecord.Shadow(3, 1), null);
    for (int number = 2; number <= 3; number++) {
      int used = number;
      assertThat(refusal(() -> adapters.deleteVersion(GUIDE, used)))
          .isEqualTo(
              new StateException.InUse("version", used + " of public/town-guide", "alias canary"));
    }
    adapters.removeAlias(GUIDE, "canary", null);
    adapters.deleteVersion(GUIDE, 2);
    assertThat(adapters.version(GUIDE, 2)).isEmpty();
    assertThat(refusal(() -> adapters.deleteVersion(GUIDE, 2)))
        .isInstanceOf(StateException.NotFound.class);
  }

  @Test
  void setAlias_replacesTargetsAndShadow_byEtag() {
    for (int i = 1; i <= 3; i++) {
      adapters.publish(GUIDE, facts(i, 0), NONE);
    }
    String etag = adapters.alias(GUIDE, "prod").orElseThrow().etag();
    AliasRecord.Shadow shadow = new AliasRecord.Shadow(3, 1_000_000);
    AliasRecord set =
        adapters.setAlias(GUIDE, "prod", List.of(target(2, 95), target(1, 5)), shadow, etag);
    assertThat(set.targets()).containsExactly(target(1, 5), target(2, 95));
    assertThat(adapters.alias(GUIDE, "prod")).contains(set);
    assertThat(refusal(() -> adapters.setAlias(GUIDE, "prod", set.targets(), null, etag)))
        .isEqualTo(
            new StateException.EtagMismatch("alias", "prod of public/town-guide", set.etag()));
    AliasRecord single = adapters.setAlias(GUIDE, "prod", List.of(target(3, 1)), null, set.etag());
    assertThat(adapters.alias(GUIDE, "prod")).contains(single);
    assertThat(single.shadow()).isNull();
    assertThat(refusal(() -> adapters.setAlias(GUIDE, "new", set.targets(), null, "some")))
        .isInstanceOf(StateException.EtagMismatch.class);
    assertThat(refusal(() -> adapters.removeAlias(GUIDE, "prod", set.etag())))
        .isInstanceOf(StateException.EtagMismatch.class);
    adapters.removeAlias(GUIDE, "prod", single.etag());
    assertThat(refusal(() -> adapters.removeAlias(GUIDE, "prod", null)))
        .isEqualTo(new StateException.NotFound("alias", "prod of public/town-guide"));
  }

  @Test
  void setAlias_toWhatIsNotThere_changesNothing() {
    adapters.publish(GUIDE, facts(1, 0), NONE);
    List<AliasRecord> before = adapters.aliases(GUIDE);
    assertThat(
            refusal(
                () ->
                    adapters.setAlias(
                        GUIDE, "prod", List.of(target(1, 1), target(2, 1)), null, null)))
        .isEqualTo(new StateException.NotFound("version", "2 of public/town-guide"));
    assertThat(
            refusal(
                () ->
                    adapters.setAlias(
                        GUIDE, "a", List.of(target(1, 1)), new AliasRecord.Shadow(5, 1), null)))
        .isInstanceOf(StateException.NotFound.class);
    assertThat(refusal(() -> adapters.setAlias(name("no"), "a", List.of(target(1, 1)), null, null)))
        .isEqualTo(new StateException.NotFound("adapter", "public/no"));
    assertThat(adapters.aliases(GUIDE)).isEqualTo(before);
  }

  @Test
  void setAlias_withBadTargets_isRefused() {
    List<List<AliasRecord.Target>> bad =
        List.of(
            List.of(),
            List.of(target(1, 0)),
            List.of(target(1, 1), target(1, 1)),
            IntStream.rangeClosed(1, 17).mapToObj(i -> target(i, 1)).toList());
    for (List<AliasRecord.Target> targets : bad) {
      assertThatThrownBy(() -> adapters.setAlias(GUIDE, "a", targets, null, null))
          .isInstanceOf(IllegalArgumentException.class);
    }
    assertThatThrownBy(() -> target(1, 1_000_001)).hasMessageContaining("weight");
    assertThatThrownBy(() -> new AliasRecord.Shadow(1, 0)).hasMessageContaining("share");
    assertThatThrownBy(() -> adapters.setAlias(GUIDE, "A", List.of(target(1, 1)), null, null))
        .hasMessageContaining("alias");
  }

  @Test
  void aliases_areBounded() {
    adapters.publish(GUIDE, facts(1, 0), NONE);
    for (int i = 1; i < Adapters.MAX_ALIASES; i++) {
      adapters.setAlias(GUIDE, "a" + i, List.of(target(1, 1)), null, null);
    }
    assertThat(adapters.aliases(GUIDE)).hasSize(64);
    assertThat(refusal(() -> adapters.setAlias(GUIDE, "more", List.of(target(1, 1)), null, null)))
        .isEqualTo(new StateException.OverQuota("aliases", 64, 64));
    adapters.setAlias(GUIDE, "a1", List.of(target(1, 2)), null, null);
  }

  @Test
  void delete_takesVersionsAndAliasesAlong() {
    adapters.publish(GUIDE, facts(1, 5), NONE);
    adapters.publish(GUIDE, facts(2, 5), NONE);
    adapters.setAlias(GUIDE, "prod", List.of(target(2, 1)), new AliasRecord.Shadow(1, 5), null);
    adapters.setPinned(GUIDE, 2, true);
    assertThat(refusal(() -> adapters.delete(GUIDE, "other")))
        .isInstanceOf(StateException.EtagMismatch.class);
    adapters.delete(GUIDE, adapters.get(GUIDE).orElseThrow().etag());
    assertThat(adapters.get(GUIDE)).isEmpty();
    assertThat(adapters.versions(GUIDE, Integer.MAX_VALUE, 10)).isEmpty();
    assertThat(adapters.aliases(GUIDE)).isEmpty();
    assertThat(adapters.pinned()).isEmpty();
    assertThat(adapters.stored()).isEmpty();
    assertThat(adapters.use("public")).isEqualTo(new StorageUse(0, 0));
    assertThat(refusal(() -> adapters.delete(GUIDE, null)))
        .isInstanceOf(StateException.NotFound.class);
    assertThat(adapters.publish(GUIDE, facts(2, 5), NONE).number()).isEqualTo(1);
  }

  @Test
  void limits_holdPerTenant_andChangeNothing() {
    state.tenants().create("acme", "", Quota.NONE);
    adapters.publish(new AdapterName("acme", "x"), facts(1, 1_000), NONE);
    StorageLimits limits = new StorageLimits(2, 100L);
    adapters.create(name("a"), "", Map.of(), limits);
    adapters.publish(name("b"), facts(1, 60), limits);
    assertThat(refusal(() -> adapters.create(name("c"), "", Map.of(), limits)))
        .isEqualTo(new StateException.OverQuota("adapters", 2, 2));
    assertThat(refusal(() -> adapters.publish(name("c"), facts(1, 0), limits)))
        .isEqualTo(new StateException.OverQuota("adapters", 2, 2));
    assertThat(refusal(() -> adapters.publish(name("b"), facts(2, 41), limits)))
        .isEqualTo(new StateException.OverQuota("adapter_bytes", 100, 60));
    assertThat(adapters.get(name("b")).orElseThrow().latestVersion()).isEqualTo(1);
    adapters.publish(name("b"), facts(2, 40), limits);
    adapters.publish(name("a"), facts(2, 40), limits);
    adapters.publish(name("a"), facts(3, 0, Path.of("/linked")), limits);
    assertThat(adapters.use("public")).isEqualTo(new StorageUse(2, 100));
  }

  @Test
  void stored_isWhatVersionsOfTheStoreNeed() {
    state.tenants().create("acme", "", Quota.NONE);
    adapters.publish(GUIDE, facts(1, 5), NONE);
    adapters.publish(GUIDE, facts(1, 5), NONE);
    adapters.publish(GUIDE, facts(2, 0, Path.of("/linked")), NONE);
    adapters.publish(new AdapterName("acme", "x"), facts(1, 5), NONE);
    StoredDigest ours = new StoredDigest("public", digest(1));
    StoredDigest theirs = new StoredDigest("acme", digest(1));
    assertThat(adapters.stored()).containsExactlyInAnyOrder(ours, theirs);
    assertThat(adapters.isStored(ours)).isTrue();
    assertThat(adapters.isStored(new StoredDigest("public", digest(2)))).isFalse();
    adapters.deleteVersion(GUIDE, 2);
    assertThat(adapters.isStored(ours)).isTrue();
    adapters.delete(GUIDE, null);
    assertThat(adapters.isStored(ours)).isFalse();
    assertThat(adapters.stored()).containsExactly(theirs);
  }
}
