package dev.tributary.server.bench;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.tributary.v1.Tier;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// Gathers what came of the calls of a load. Thread safe.
final class LoadStats {
  /// Distinct texts of errors that are kept apart; the rest count as one.
  private static final int TEXTS = 20;

  private static final String OTHERS = "(other texts)";

  @GuardedBy("this")
  private final Map<String, Integer> statuses = new TreeMap<>();

  @GuardedBy("this")
  private final Map<String, Map<String, Integer>> texts = new TreeMap<>();

  @GuardedBy("this")
  private final Map<String, Integer> tiers = new TreeMap<>();

  @GuardedBy("this")
  private final Samples firstToken = new Samples();

  @GuardedBy("this")
  private final Samples interToken = new Samples();

  @GuardedBy("this")
  private final Samples queue = new Samples();

  @GuardedBy("this")
  private final Samples load = new Samples();

  @GuardedBy("this")
  private int distinctTexts;

  @GuardedBy("this")
  private int unfinished;

  @GuardedBy("this")
  private int notSent;

  @GuardedBy("this")
  private int answered;

  @GuardedBy("this")
  private long promptTokens;

  @GuardedBy("this")
  private long cachedTokens;

  /// @param cut the call was ended by the load's own end, not by the server
  synchronized void add(LoadCall.Outcome outcome, boolean cut) {
    if (cut) {
      unfinished++;
    } else {
      String code = outcome.status().getCode().name();
      statuses.merge(code, 1, Integer::sum);
      if (outcome.status().isOk()) {
        answered++;
      } else {
        text(code, String.valueOf(outcome.status().getDescription()));
      }
    }
    promptTokens += outcome.promptTokens();
    cachedTokens += outcome.cachedTokens();
    interToken.addAll(outcome.gaps());
    if (outcome.firstToken() >= 0) {
      firstToken.add(outcome.firstToken());
    }
    if (outcome.finished()) {
      queue.add(outcome.queue());
    }
    if (outcome.tier() != null) {
      tiers.merge(outcome.tier().name(), 1, Integer::sum);
      if (outcome.load() > 0) {
        load.add(outcome.load());
      }
    }
  }

  synchronized void notSent() {
    notSent++;
  }

  synchronized int failed() {
    return statuses.values().stream().mapToInt(Integer::intValue).sum() - answered;
  }

  /// @param measured how long calls counted
  /// @param tokens that arrived meanwhile
  synchronized LoadFigures figures(
      Duration measured, long tokens, ResidentMemory.Growth residentBytes) {
    double seconds = measured.toNanos() / 1e9;
    List<LoadFigures.ErrorText> errors = new ArrayList<>();
    texts.forEach(
        (code, counts) ->
            counts.forEach(
                (text, count) -> errors.add(new LoadFigures.ErrorText(code, text, count))));
    int ended = statuses.values().stream().mapToInt(Integer::intValue).sum();
    int used = tiers.values().stream().mapToInt(Integer::intValue).sum();
    int inMemory =
        tiers.getOrDefault(Tier.TIER_DEVICE.name(), 0)
            + tiers.getOrDefault(Tier.TIER_HOST.name(), 0);
    Samples.Summary gaps = interToken.summary();
    return new LoadFigures(
        seconds,
        ended + unfinished + notSent,
        Map.copyOf(statuses),
        errors,
        unfinished,
        notSent,
        answered / seconds,
        tokens / seconds,
        tokens,
        promptTokens,
        cachedTokens,
        firstToken.summary(),
        gaps,
        gaps.p50() == 0 ? 0 : gaps.p99() / gaps.p50(),
        queue.summary(),
        load.summary(),
        Map.copyOf(tiers),
        used == 0 ? 1 : (double) inMemory / used,
        residentBytes);
  }

  @GuardedBy("this")
  private void text(String code, String text) {
    Map<String, Integer> counts = texts.computeIfAbsent(code, c -> new TreeMap<>());
    boolean known = counts.containsKey(text);
    if (!known && distinctTexts >= TEXTS) {
      counts.merge(OTHERS, 1, Integer::sum);
      return;
    }
    distinctTexts += known ? 0 : 1;
    counts.merge(text, 1, Integer::sum);
  }
}
