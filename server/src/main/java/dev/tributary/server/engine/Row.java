package dev.tributary.server.engine;

import dev.tributary.server.model.AdapterUse;
import dev.tributary.server.model.Span;
import dev.tributary.server.schedule.Plan;
import dev.tributary.server.schedule.Sequence;
import java.util.List;
import java.util.OptionalLong;

/// Who asked for a sequence, and what becomes of its logits. All but [#cancel] belongs to the
/// engine's thread, which lends it to one of its workers for [#sample].
abstract sealed class Row permits GenerationRow, ScoreRow, LikelihoodRow, ProbeRow {
  final Sequence sequence;

  /// Of the job, for logs.
  final String name;

  final List<AdapterUse> adapters;

  /// On the engine's clock, in nanoseconds.
  final long submitted;

  /// The row left the queue.
  boolean admitted;

  private final OptionalLong deadline;
  private volatile boolean cancelled;

  Row(
      Sequence sequence,
      String name,
      List<AdapterUse> adapters,
      long submitted,
      OptionalLong deadline) {
    this.sequence = sequence;
    this.name = name;
    this.adapters = adapters;
    this.submitted = submitted;
    this.deadline = deadline;
  }

  /// Weights that a step of this row may read.
  List<AdapterUse> uses() {
    return adapters;
  }

  /// Keeps the weights in memory until [#letGo], whatever their owner does meanwhile: a row that
  /// was cancelled may still be in a step.
  final void hold() {
    for (AdapterUse use : uses()) {
      if (!use.weights().retain()) {
        throw new IllegalStateException("a job of " + name + " uses weights that are freed");
      }
    }
  }

  final void letGo() {
    uses().forEach(use -> use.weights().release());
  }

  final long id() {
    return sequence.id();
  }

  /// What a step computes for a slice of this row.
  List<Span> spans(Plan.Slice slice) {
    return List.of(
        new Span(
            sequence.tokens(slice.position(), slice.count()),
            slice.position(),
            slice.pages(),
            adapters,
            slice.path(),
            Math.clamp(slice.logitsFrom() - slice.position(), 0, slice.count())));
  }

  /// The row left the queue.
  abstract void started(long now);

  /// Reads what a step computed; `logits` are those that the slice wanted. Not called for slices
  /// that want none, such as those that are computed again. Rows of a step do so on any of the
  /// engine's workers, each with a sampler of its own.
  abstract void sample(Sampler sampler, Logits logits, Plan.Slice slice);

  /// Tells the row's owner what [#sample] found. True if that was the last.
  abstract boolean publish(long now);

  /// Ends the row if its own time is up. True if so.
  abstract boolean expire(long now);

  /// Tells the row's owner that there will be no answer.
  abstract void fail(Failure failure);

  final void cancel() {
    cancelled = true;
  }

  final boolean isCancelled() {
    return cancelled;
  }

  final boolean isPastDeadline(long now) {
    return deadline.isPresent() && now - deadline.getAsLong() >= 0;
  }
}
