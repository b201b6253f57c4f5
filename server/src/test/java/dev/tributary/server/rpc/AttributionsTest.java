package dev.tributary.server.rpc;

import static dev.tributary.server.rpc.RpcFixture.until;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tributary.record.AdapterUse;
import dev.tributary.record.AttributionRecord;
import dev.tributary.record.Kind;
import dev.tributary.record.Pseudonym;
import dev.tributary.record.Shares;
import dev.tributary.server.engine.Sampling;
import dev.tributary.server.metrics.Metrics;
import dev.tributary.server.metrics.Traces;
import dev.tributary.server.model.LoraWeights;
import dev.tributary.server.rpc.Attributing.Answered;
import dev.tributary.server.rpc.Attributing.Attributed;
import dev.tributary.server.rpc.Attributing.Contributor;
import dev.tributary.server.rpc.Attributing.Outcome;
import dev.tributary.server.rpc.Attributing.Share;
import dev.tributary.server.rpc.Attributing.Span;
import dev.tributary.tlog.Hash;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// What waits, for how long, and what it holds meanwhile.
@Timeout(60)
class AttributionsTest {
  private static final Hash RED = Hash.ofText("sha256:" + "11".repeat(32));
  private static final Hash BLUE = Hash.ofText("sha256:" + "22".repeat(32));

  private final MemoryJournal journal = new MemoryJournal();
  private final Metrics metrics =
      new Metrics(Traces.off(), System::nanoTime, InstantSource.system());
  private final List<CompletableFuture<Outcome>> asked = new ArrayList<>();
  private final Attributions attributions =
      new Attributions(
          answer -> {
            CompletableFuture<Outcome> said = new CompletableFuture<>();
            asked.add(said);
            return said;
          },
          new Records(journal, AttributionsTest::key, null),
          metrics,
          System::nanoTime,
          InstantSource.system());

  /// Blue has one only for answers from leaf 10 on.
  private static Optional<byte[]> key(AdapterUse use, long generation) {
    byte[] key = new byte[32];
    key[0] = (byte) (use.digest().equals(RED) ? 1 : 2);
    return use.digest().equals(RED) || generation >= 10 ? Optional.of(key) : Optional.empty();
  }

  private static LoraWeights weights() {
    return new LoraWeights(Map.of(), Map.of(), Map.of(), null, 1);
  }

  private static boolean isHeld(LoraWeights weights) {
    boolean held = weights.retain();
    if (held) {
      weights.release();
    }
    return held;
  }

  private static Answered answer(long leaf, LoraWeights red, LoraWeights blue) {
    return new Answered(
        "g",
        "acme",
        100,
        leaf,
        new int[] {1},
        new int[] {2, 3},
        new float[] {1, 0.5f},
        "ab",
        Sampling.greedy(2),
        List.of(
            new dev.tributary.server.model.AdapterUse(red, 1, RED.text()),
            new dev.tributary.server.model.AdapterUse(blue, 1, BLUE.text())),
        List.of(new AdapterUse("acme/red", 1, RED, 1), new AdapterUse("acme/blue", 1, BLUE, 1)),
        List.of());
  }

  private static Attributed base() {
    return new Attributed("m", List.of(), Shares.WHOLE, 0, List.of(), new byte[0]);
  }

  @Test
  void weights_stayUntilNobodyWorksOnTheAnswer() {
    LoraWeights red = weights();
    LoraWeights blue = weights();
    var recorded = attributions.attribute(answer(0, red, blue));
    red.release();
    blue.release();
    assertThat(isHeld(red)).isTrue();
    assertThat(isHeld(blue)).isTrue();

    asked.getFirst().complete(base());
    assertThat(recorded.join().open().method()).isEqualTo("m");
    assertThat(isHeld(red)).isFalse();
    assertThat(isHeld(blue)).isFalse();
  }

  @Test
  void weights_thatLeftMemoryLeaveTheAnswerUnattributed() {
    LoraWeights red = weights();
    LoraWeights blue = weights();
    blue.release();
    AttributionRecord record = attributions.attribute(answer(0, red, blue)).join();
    assertThat(record.open().shares()).isEqualTo(Shares.unattributed());
    assertThat(asked).isEmpty();
    red.release();
    assertThat(isHeld(red)).as("what was held before is let go").isFalse();
    assertThat(metrics.scrape()).contains("outcome=\"freed\"} 1.0");
  }

  @Test
  void whoSaysWhatAtTheEnd_letsTheWeightsGo() {
    LoraWeights red = weights();
    attributions.attribute(answer(0, red, weights()));
    red.release();
    attributions.end();
    assertThat(asked.getFirst()).isCancelled();
    assertThat(isHeld(red)).isFalse();

    var late = attributions.attribute(answer(1, weights(), weights()));
    assertThat(late.join().open().method()).isEqualTo("unattributed-v1");
    assertThat(asked).hasSize(1);
  }

  @Test
  void contributors_havePseudonymsOfTheirOwnVersions() {
    var recorded = attributions.attribute(answer(10, weights(), weights()));
    asked
        .getFirst()
        .complete(
            new Attributed(
                "m",
                List.of(
                    new Share(new Contributor(RED, "ann"), 400_000),
                    new Share(new Contributor(BLUE, "ann"), 600_000)),
                0,
                0,
                List.of(new Span(0, 2, List.of(new Contributor(BLUE, "ann")))),
                new byte[0]));
    AttributionRecord record = recorded.join();
    byte[] red = new byte[32];
    red[0] = 1;
    byte[] blue = new byte[32];
    blue[0] = 2;
    assertThat(record.contributors()).containsExactly("ann", "ann");
    assertThat(record.open().shares().shares())
        .containsExactly(
            new Shares.Share(Pseudonym.of(red, "ann"), 400_000),
            new Shares.Share(Pseudonym.of(blue, "ann"), 600_000));
    assertThat(record.spans()).containsExactly(new AttributionRecord.Span(0, 2, List.of(1)));
  }

  @Test
  void aVersionWithoutABuildBefore_creditsNobody() {
    var recorded = attributions.attribute(answer(9, weights(), weights()));
    asked
        .getFirst()
        .complete(
            new Attributed(
                "m",
                List.of(new Share(new Contributor(BLUE, "ann"), Shares.WHOLE)),
                0,
                0,
                List.of(),
                new byte[0]));
    assertThat(recorded.join().open().shares()).isEqualTo(Shares.unattributed());
    assertThat(metrics.scrape()).contains("outcome=\"failed\"} 1.0");
  }

  @Test
  void whatWaits_isBounded() throws Exception {
    LoraWeights red = weights();
    LoraWeights blue = weights();
    for (int i = 0; i < Attributions.MOST; i++) {
      attributions.attribute(answer(i, red, blue));
    }
    var refused = attributions.attribute(answer(Attributions.MOST, red, blue));
    assertThat(refused.join().open().method()).isEqualTo("unattributed-v1");
    assertThat(metrics.scrape()).contains("outcome=\"backlog\"} 1.0");
    assertThat(attributions.await(Duration.ZERO)).isFalse();

    asked.forEach(each -> each.complete(base()));
    assertThat(attributions.await(Duration.ofSeconds(30))).isTrue();
    assertThat(journal.records(AttributionRecord.class)).hasSize(Attributions.MOST + 1);
    var again = attributions.attribute(answer(0, red, blue));
    assertThat(again).isNotDone();
  }

  @Test
  void aRecordThatIsNotDurable_isPending() throws Exception {
    journal.hold(Kind.ATTRIBUTION);
    var recorded = attributions.attribute(answer(0, weights(), weights()));
    asked.getFirst().complete(base());
    until(journal::isWaiting);
    assertThat(recorded).isNotDone();
    assertThat(attributions.await(Duration.ZERO)).isFalse();
    journal.release();
    assertThat(recorded.join().open().method()).isEqualTo("m");
  }

  @Test
  void aLedgerThatBreaks_leavesTheAnswerToTheNextStart() throws Exception {
    journal.breakDown(Statuses.unavailable("the disk is gone"));
    var attributed = attributions.attribute(answer(0, weights(), weights()));
    asked.getFirst().complete(base());
    assertThatThrownBy(attributed::join).hasMessageContaining("the disk is gone");
    assertThatThrownBy(attributions.baseOnly(1)::join).hasMessageContaining("the disk is gone");
    assertThat(attributions.await(Duration.ofSeconds(30))).isTrue();
  }

  @Test
  void outcomes_thatAreNoWholeAreRefused() {
    Contributor ann = new Contributor(RED, "ann");
    assertThatThrownBy(
            () -> new Attributed("m", List.of(new Share(ann, 1)), 0, 0, List.of(), new byte[0]))
        .hasMessageContaining("sum");
    assertThatThrownBy(
            () ->
                new Attributed(
                    "m",
                    List.of(new Share(ann, 1), new Share(ann, 2)),
                    999_997,
                    0,
                    List.of(),
                    new byte[0]))
        .hasMessageContaining("two shares");
    assertThatThrownBy(() -> new Attributed("m", List.of(), -1, 1_000_001, List.of(), new byte[0]))
        .hasMessageContaining("negative");
    assertThatThrownBy(() -> new Share(ann, 0)).hasMessageContaining("share");
    assertThatThrownBy(() -> new Span(2, 2, List.of(ann))).hasMessageContaining("span");
    assertThatThrownBy(() -> new Span(0, 2, List.of())).hasMessageContaining("nobody");
  }
}
