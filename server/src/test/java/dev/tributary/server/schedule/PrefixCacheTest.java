package dev.tributary.server.schedule;

import static dev.tributary.identity.ComputePath.NARROW;
import static dev.tributary.identity.ComputePath.WIDE;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

/// What a sequence need not compute because another has: pages of 4 tokens, chunks of 8, 16 pages;
/// the wide path from 6 rows on.
class PrefixCacheTest {
  private final Scheduler scheduler = new Scheduler(new Limits(4, 100, 2, 20, 8, 8, 16, 4, 6));

  private long nextId;

  @Test
  void aSecondSequence_sharesThePagesOfTheFirstButComputesItsLastToken() {
    Sequence first = run(Requests.of(16, 1).in(Requests.BASE));
    Sequence second = admit(Requests.of(16, 1).in(Requests.BASE));

    assertThat(first.cachedTokens()).isZero();
    assertThat(second.cachedTokens()).isEqualTo(12);
    Plan.Slice rest = SchedulerTest.steps(scheduler, 1).getFirst();
    assertThat(rest.position()).isEqualTo(12);
    assertThat(rest.count()).isEqualTo(4);
    assertThat(second.paths()).containsExactly(new PathRun(WIDE, 16));
    assertThat(scheduler.stats().prefixTokens()).isEqualTo(12);
  }

  @Test
  void sharedPages_areHeldTogetherAndFreeOnlyAfterBoth() {
    Sequence first = admit(Requests.of(16, 9).in(Requests.BASE));
    SchedulerTest.steps(scheduler, 1);
    Sequence second = admit(Requests.of(16, 9).in(Requests.BASE));

    assertThat(second.pages()).startsWith(first.pages()[0], first.pages()[1], first.pages()[2]);
    // Three for both, one and its next for the first, one for the second.
    assertThat(scheduler.stats().freePages()).isEqualTo(10);
    scheduler.remove(first.id());
    assertThat(scheduler.stats().freePages()).isEqualTo(12);
    scheduler.remove(second.id());
    assertThat(scheduler.stats().freePages()).isEqualTo(16);
    assertThat(scheduler.stats().cachedPages()).isEqualTo(4);
  }

  @Test
  void answers_areFoundByThePromptThatRepeatsThem() {
    Sequence first = run(Requests.of(10, 7).in(Requests.BASE));
    assertThat(first.paths()).containsExactly(new PathRun(WIDE, 10), new PathRun(NARROW, 6));
    Requests conversation = Requests.of(1, 3).in(Requests.BASE).tokens(first.tokens(0, 17));

    assertThat(admit(conversation).paths()).isEqualTo(first.paths());
  }

  @Test
  void nothing_isSharedAcrossScopes() {
    Scope.Adapter red = new Scope.Adapter("red", Float.floatToIntBits(1));
    Scope.Adapter blue = new Scope.Adapter("blue", Float.floatToIntBits(1));
    List<Scope> scopes =
        List.of(
            new Scope("a", "base", List.of()),
            new Scope("b", "base", List.of()),
            new Scope("a", "other", List.of()),
            new Scope("a", "base", List.of(red)),
            new Scope("a", "base", List.of(new Scope.Adapter("red", Float.floatToIntBits(0.5f)))),
            new Scope("a", "base", List.of(new Scope.Adapter("red", Float.floatToIntBits(0f)))),
            new Scope("a", "base", List.of(new Scope.Adapter("red", Float.floatToIntBits(-0f)))),
            new Scope("a", "base", List.of(red, blue)),
            new Scope("a", "base", List.of(blue, red)));

    assertThat(scopes.stream().map(Scope::hash)).doesNotHaveDuplicates();
    assertThat(run(Requests.of(9, 1)).cachedTokens()).isZero();
    assertThat(run(Requests.of(9, 1)).cachedTokens()).isZero();
    for (Scope scope : scopes) {
      assertThat(run(Requests.of(9, 1).in(scope)).cachedTokens()).isZero();
      assertThat(run(Requests.of(9, 1).in(scope)).cachedTokens()).isEqualTo(8);
    }
  }

  @Test
  void logitsThatAreWanted_areComputed() {
    run(Requests.of(16, 1).in(Requests.BASE));

    assertThat(run(Requests.of(16, 1).in(Requests.BASE).logitsFrom(7)).cachedTokens()).isEqualTo(4);
    assertThat(run(Requests.of(16, 1).in(Requests.BASE).logitsFrom(0)).cachedTokens()).isZero();
  }

  @Test
  void aRepeatableSequence_takesOnlyWholeChunksByTheWidePath() {
    // In one step of 16 tokens, no chunk of its own: as good as nothing.
    run(Requests.of(16, 1).in(Requests.BASE));
    Requests repeatable = Requests.of(20, 1).in(Requests.BASE).ofRepeatable();
    assertThat(run(repeatable).cachedTokens()).isZero();
    assertThat(run(repeatable).cachedTokens()).isEqualTo(16);
    Requests shorter = Requests.of(15, 1).in(Requests.BASE).ofRepeatable();

    // It begins where a chunk does, although three pages are there.
    assertThat(run(shorter).cachedTokens()).isEqualTo(8);
  }

  @Test
  void aSequenceBoundToPaths_takesOnlyPagesThatHaveThem() {
    run(Requests.of(9, 1).in(Requests.BASE));
    Requests request = Requests.of(9, 1).in(Requests.BASE);

    assertThat(run(request.paths(new PathRun(NARROW, 9))).cachedTokens()).isZero();
    assertThat(run(request.paths(new PathRun(WIDE, 4), new PathRun(NARROW, 5))).cachedTokens())
        .isEqualTo(4);
    assertThat(run(request.paths(new PathRun(WIDE, 9))).cachedTokens()).isEqualTo(8);
    assertThat(run(request.paths(new PathRun(NARROW, 9))).cachedTokens()).isEqualTo(8);
  }

  @Test
  void pages_areEvictedBeforeAnybodyIsPreempted() {
    run(Requests.of(40, 1).in(Requests.BASE));
    assertThat(scheduler.stats().cachedPages()).isEqualTo(10);
    run(Requests.of(48, 1).tenant("other"));

    assertThat(scheduler.stats().preemptions()).isZero();
    assertThat(scheduler.stats().cachedPages()).isEqualTo(4);
    // The beginning is what is left.
    assertThat(run(Requests.of(40, 1).in(Requests.BASE)).cachedTokens()).isEqualTo(16);
  }

  private Sequence admit(Requests request) {
    Sequence sequence = request.sequence(nextId++);
    scheduler.add(sequence);
    assertThat(scheduler.plan().admitted()).contains(sequence);
    return sequence;
  }

  /// From its admission to its end.
  private Sequence run(Requests request) {
    Sequence sequence = admit(request);
    while (sequence.length() < sequence.maxLength()) {
      SchedulerTest.steps(scheduler, 1);
    }
    scheduler.remove(sequence.id());
    return sequence;
  }
}
