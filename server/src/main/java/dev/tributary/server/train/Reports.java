package dev.tributary.server.train;

import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// Makes the [TrainingReport] of a run that has ended.
final class Reports {
  private Reports() {}

  static TrainingReport of(
      MemberRun run,
      TrainingBase base,
      @Nullable Double generalAfter,
      @Nullable Double heldOutAfter,
      String adapterDigest) {
    Member member = run.member();
    History history = run.history();
    SortedMap<String, Integer> contributors = new TreeMap<>();
    member.training().forEach(each -> contributors.merge(each.contributor(), 1, Integer::sum));
    return new TrainingReport(
        member.name(),
        run.identity(),
        base.name(),
        member.settings(),
        member.training().size(),
        member.heldOut().size(),
        contributors,
        history.step,
        run.best() == null ? history.step : history.bestStep,
        history.tokens,
        history.nanos / 1e9,
        history.lastLoss,
        history.heldOutBefore,
        heldOutAfter,
        history.generalBefore,
        generalAfter,
        history.curve,
        history.evaluations,
        adapterDigest);
  }
}
