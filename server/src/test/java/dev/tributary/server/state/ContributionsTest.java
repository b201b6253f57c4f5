package dev.tributary.server.state;

import static dev.tributary.server.state.Samples.GUIDE;
import static dev.tributary.server.state.Samples.digest;
import static dev.tributary.server.state.Samples.facts;
import static dev.tributary.server.state.Samples.refusal;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ContributionsTest {
  private static final String MANIFEST = digest(1_000);
  private static final StorageLimits NONE = StorageLimits.NONE;

  @TempDir Path folder;
  private final FakeTime time = new FakeTime();
  private State state;
  private Contributions contributions;

  @BeforeEach
  void open() {
    state = State.open(folder.resolve("state.db"), time);
    contributions = state.contributions();
  }

  @AfterEach
  void close() {
    state.close();
  }

  private static List<Contribution> three() {
    return List.of(
        new Contribution(digest(3), 10),
        new Contribution(digest(1), 11),
        new Contribution(digest(2), 15));
  }

  @Test
  void register_keepsTheOrder_acrossARestart() {
    contributions.register("public", MANIFEST, three());
    close();
    open();
    assertThat(contributions.manifest("public", MANIFEST)).isEqualTo(three());
    assertThat(contributions.hasManifest("public", MANIFEST)).isTrue();
    assertThat(contributions.get("public", digest(1))).contains(three().get(1));
    assertThat(contributions.withdrawnOf("public", MANIFEST)).isZero();
  }

  @Test
  void list_makesAManifestOfThoseThatAreThere() {
    contributions.register("public", MANIFEST, three());
    String part = digest(1_002);
    for (int i = 0; i < 2; i++) {
      contributions.list("public", part, List.of(digest(2), digest(3)));
      assertThat(contributions.manifest("public", part))
          .containsExactly(three().get(2), three().get(0));
    }
    assertThat(contributions.manifestsOf("public", digest(2))).containsExactly(MANIFEST, part);
    assertThat(contributions.manifestsOf("public", digest(1))).containsExactly(MANIFEST);
    var unused = contributions.withdraw("public", digest(1));
    assertThat(contributions.withdrawn("public")).containsExactly(11L);
    for (int missing : new int[] {1, 4}) {
      assertThat(
              refusal(
                  () ->
                      contributions.list(
                          "public", digest(1_003), List.of(digest(2), digest(missing)))))
          .isEqualTo(new StateException.NotFound("contribution", digest(missing)));
    }
    assertThat(contributions.hasManifest("public", digest(1_003))).isFalse();
  }

  @Test
  void register_isAllOrNothing() {
    contributions.register("public", MANIFEST, three());
    List<Contribution> half =
        List.of(new Contribution(digest(9), 20), new Contribution(digest(1), 21));
    assertThatThrownBy(() -> contributions.register("public", digest(1_001), half)).isNotNull();
    assertThat(contributions.get("public", digest(9))).isEmpty();
    assertThat(contributions.hasManifest("public", digest(1_001))).isFalse();
    assertThatThrownBy(() -> contributions.register("public", MANIFEST, List.of()))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(refusal(() -> contributions.register("nobody", digest(1_002), half)))
        .isEqualTo(new StateException.NotFound("tenant", "nobody"));
  }

  @Test
  void anotherTenants_areNotThere() {
    contributions.register("public", MANIFEST, three());
    assertThat(state.tenants().create("acme", "", Quota.NONE)).isNotNull();
    assertThat(contributions.get("acme", digest(1))).isEmpty();
    assertThat(contributions.manifest("acme", MANIFEST)).isEmpty();
    assertThat(contributions.hasManifest("acme", MANIFEST)).isFalse();
    assertThat(refusal(() -> contributions.withdraw("acme", digest(1))))
        .isEqualTo(new StateException.NotFound("contribution", digest(1)));
    assertThat(contributions.isWithdrawn(digest(1))).isFalse();
  }

  @Test
  void withdraw_isOnceAndForGood() {
    contributions.register("public", MANIFEST, three());
    Contribution first = contributions.withdraw("public", digest(1));
    assertThat(first.withdrawn()).isNotNull();
    assertThat(first.withdrawalLeaf()).as("not written yet").isNull();
    assertThat(contributions.isWithdrawn(digest(1))).as("at once").isTrue();
    contributions.recordWithdrawal(digest(1), 40);
    contributions.recordWithdrawal(digest(1), 41);
    contributions.recordWithdrawal(digest(2), 42);
    Contribution again = contributions.withdraw("public", digest(1));
    assertThat(again.withdrawn()).isEqualTo(first.withdrawn());
    assertThat(again.withdrawalLeaf()).isEqualTo(40);
    assertThat(contributions.get("public", digest(2)).orElseThrow().withdrawalLeaf()).isNull();
    assertThat(contributions.withdrawnOf("public", MANIFEST)).isEqualTo(1);
    assertThat(contributions.isWithdrawn(digest(77))).isFalse();
  }

  @Test
  void servedFrom_isWhatCanBeNamed() {
    contributions.register("public", MANIFEST, three());
    VersionRecord built = state.adapters().publish(GUIDE, facts(5, 1).ofManifest(MANIFEST), NONE);
    VersionRecord other = state.adapters().publish(GUIDE, facts(6, 1), NONE);
    assertThat(built.facts().manifestDigest()).isEqualTo(MANIFEST);
    assertThat(other.facts().manifestDigest()).isEmpty();
    assertThat(contributions.servedFrom("public", digest(2))).containsExactly(digest(5));
    state.adapters().setState(GUIDE, built.number(), VersionState.QUARANTINED, "");
    assertThat(contributions.servedFrom("public", digest(2))).isEmpty();
  }
}
