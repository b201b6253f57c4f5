package dev.tributary.server.metrics;

import io.opentelemetry.api.trace.Span;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// What happened to one call, told by those to whom it happened, in this order: any part may be
/// missing but [#ended]. What is told after the end is ignored.
///
/// Thread safe; the engine's thread may tell, since nothing here waits.
public final class CallRecord {
  /// A moment that has not come.
  private static final long NEVER = Long.MIN_VALUE;

  /// Where an adapter was when a call asked for it.
  ///
  /// @param tier `device`, `host` or `disk`
  /// @param waited how long the call waited for its weights
  public record Load(String tier, Duration waited) {}

  private enum Place {
    OUTSIDE,
    WAITING,
    RUNNING,
    LEFT
  }

  private final Metrics metrics;
  private final String method;
  private final Span span;
  private final LongSupplier clock;
  private final Instant arrivedAt;
  private final long arrived;
  private final LogHistogram gaps = new LogHistogram();
  private String id = "";
  private String tenant = "";
  private List<VersionKey> versions = List.of();
  private @Nullable AnswerMeters meters;
  private Place place = Place.OUTSIDE;
  private int leases;
  private long named = NEVER;
  private long leased = NEVER;
  private long started = NEVER;
  private long firstToken = NEVER;
  private long lastToken = NEVER;
  private int promptTokens;
  private int cachedTokens;
  private int completionTokens;
  private Outcome outcome = Outcome.DONE;
  private boolean ended;

  CallRecord(Metrics metrics, String method, Span span, LongSupplier clock, Instant arrivedAt) {
    this.metrics = metrics;
    this.method = method;
    this.span = span;
    this.clock = clock;
    this.arrivedAt = arrivedAt;
    arrived = clock.getAsLong();
  }

  /// @param id by which caller and log know the call
  public synchronized void serves(String id, String tenant) {
    this.id = id;
    this.tenant = tenant;
  }

  /// The call's adapters exist and are pinned; empty for the base.
  public synchronized void named(List<VersionKey> versions) {
    if (ended || named != NEVER) {
      return;
    }
    named = clock.getAsLong();
    this.versions = List.copyOf(versions);
    meters =
        metrics.answers(
            tenant,
            versions.isEmpty()
                ? Labels.BASE
                : versions.stream().map(VersionKey::adapter).collect(Collectors.joining("+")));
    place = Place.WAITING;
    metrics.inUse().waits(adapters());
  }

  /// The weights of all adapters are there.
  public synchronized void leased(List<Load> loads) {
    if (ended) {
      return;
    }
    leased = clock.getAsLong();
    leases = loads.size();
    metrics.leased(leases);
    loads.forEach(load -> metrics.loaded(load.tier(), load.waited()));
  }

  /// The row left the queue, or the rows of a call that generates nothing were all answered.
  public synchronized void started(int promptTokens, int cachedTokens) {
    AnswerMeters meters = this.meters;
    if (ended || meters == null) {
      return;
    }
    started = clock.getAsLong();
    this.promptTokens = promptTokens;
    this.cachedTokens = cachedTokens;
    meters.promptTokens.increment(promptTokens);
    meters.cachedTokens.increment(cachedTokens);
    meters.queue.record(Duration.ofNanos(started - arrived - loadNanos()));
    metrics.promptTokens.record(promptTokens);
    if (place == Place.WAITING) {
      place = Place.RUNNING;
      metrics.inUse().runs(adapters());
    }
  }

  /// A step generated tokens.
  public synchronized void generated(int tokens) {
    AnswerMeters meters = this.meters;
    if (ended || meters == null || tokens == 0) {
      return;
    }
    long now = clock.getAsLong();
    int gapsNow = tokens;
    if (firstToken == NEVER) {
      firstToken = now;
      lastToken = now;
      gapsNow--;
      meters.firstToken.record(Duration.ofNanos(now - arrived));
    }
    for (int i = 0; i < gapsNow; i++) {
      long gap = (now - lastToken) / gapsNow;
      gaps.add(gap);
      meters.betweenTokens.record(Duration.ofNanos(gap));
    }
    lastToken = now;
    completionTokens += tokens;
    meters.generatedTokens.increment(tokens);
  }

  /// The answer is whole.
  public synchronized void finished(Outcome outcome) {
    if (!outcome.isAnswer()) {
      throw new IllegalArgumentException("finished by " + outcome);
    }
    this.outcome = outcome;
  }

  /// The row has ended, however it did, and holds no lease any more; its caller may still read.
  public synchronized void rowOver() {
    leave();
  }

  /// The call's status goes out. Only the first counts.
  ///
  /// @param code name of the gRPC status
  /// @param reason why, of a fixed set; the code where there is nothing better
  public void ended(String code, String reason) {
    synchronized (this) {
      if (ended) {
        return;
      }
      ended = true;
      leave();
      if (!code.equals("OK")) {
        outcome =
            code.equals("CANCELLED")
                ? Outcome.CANCELLED
                : started == NEVER ? Outcome.REFUSED : Outcome.ERROR;
      }
      count(code, reason);
    }
    // Nothing changes any more, so that the rest needs no lock.
    trace(code);
    AnswerLog.write(this, code, reason, clock.getAsLong() - arrived);
  }

  private void count(String code, String reason) {
    metrics.ended(method, code);
    if (outcome == Outcome.REFUSED) {
      metrics.rejected(reason);
    }
    AnswerMeters meters = this.meters;
    if (meters == null) {
      return;
    }
    meters.ended(outcome.label());
    if (outcome.isAnswer()) {
      meters.whole.record(Duration.ofNanos(clock.getAsLong() - arrived));
      if (firstToken != NEVER) {
        metrics.prefill.record(Duration.ofNanos(firstToken - started));
        metrics.decode.record(Duration.ofNanos(lastToken - firstToken));
        metrics.completionTokens.record(completionTokens);
      }
    }
    long first = firstToken == NEVER ? -1 : firstToken - arrived;
    for (VersionKey version : versions) {
      switch (outcome) {
        case STOP, LENGTH, STOP_SEQUENCE, TIME_LIMIT, DONE ->
            metrics.versions().answered(version, first, gaps, completionTokens);
        case REFUSED -> metrics.versions().refused(version);
        case ERROR -> metrics.versions().failed(version);
        case CANCELLED -> {}
      }
    }
  }

  private void leave() {
    switch (place) {
      case WAITING -> metrics.inUse().stopsWaiting(adapters());
      case RUNNING -> metrics.inUse().stopsRunning(adapters());
      case OUTSIDE, LEFT -> {}
    }
    place = Place.LEFT;
    metrics.leased(-leases);
    leases = 0;
  }

  private void trace(String code) {
    if (span.isRecording()) {
      span.setAttribute("tributary.generation_id", id);
      span.setAttribute("tributary.tenant", tenant);
      span.setAttribute("tributary.adapters", adapterNames());
      span.setAttribute("gen_ai.usage.input_tokens", promptTokens);
      span.setAttribute("gen_ai.usage.output_tokens", completionTokens);
      part("load", named, leased);
      part("queue", leased, started);
      part("prefill", started, firstToken);
      part("decode", firstToken, lastToken);
    }
    Traces.end(span, code);
  }

  private void part(String name, long from, long to) {
    if (from != NEVER && to != NEVER) {
      metrics.traces().part(span, name, at(from), at(to));
    }
  }

  private Instant at(long moment) {
    return arrivedAt.plusNanos(moment - arrived);
  }

  private long loadNanos() {
    return leased == NEVER ? 0 : leased - named;
  }

  private List<String> adapters() {
    return versions.stream().map(VersionKey::adapter).distinct().toList();
  }

  /// For [AnswerLog], after the end.
  String method() {
    return method;
  }

  String id() {
    return id;
  }

  String tenant() {
    return tenant;
  }

  String adapterNames() {
    return versions.stream()
        .map(version -> version.adapter() + "@" + version.number())
        .collect(Collectors.joining(","));
  }

  boolean isAnswer() {
    return meters != null;
  }

  Outcome outcome() {
    return outcome;
  }

  int promptTokens() {
    return promptTokens;
  }

  int cachedTokens() {
    return cachedTokens;
  }

  int completionTokens() {
    return completionTokens;
  }

  /// Nanoseconds from the arrival to the first token; 0 without one.
  long firstTokenNanos() {
    return firstToken == NEVER ? 0 : firstToken - arrived;
  }

  String traceId() {
    return span.getSpanContext().isValid() ? span.getSpanContext().getTraceId() : "";
  }
}
