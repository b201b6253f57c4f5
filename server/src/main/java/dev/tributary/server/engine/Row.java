package dev.tributary.server.engine;

import dev.tributary.identity.ComputePath;
import dev.tributary.server.model.AdapterUse;
import dev.tributary.server.model.Span;
import dev.tributary.server.schedule.Plan;
import dev.tributary.server.schedule.Priority;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;

/// One sequence in the engine. All but [#cancel] belongs to the engine's thread, which lends it to
/// one of its workers for [#sample].
abstract sealed class Row permits GenerationRow, ScoreRow, ProbeRow {
  final long id;

  /// Of the job, for logs.
  final String name;

  final Priority priority;
  final List<AdapterUse> adapters;

  /// On the engine's clock, in nanoseconds.
  final long submitted;

  /// The row left the queue.
  boolean admitted;

  private final OptionalLong deadline;
  private int[] tokens;
  private int length;
  private volatile boolean cancelled;

  Row(
      long id,
      String name,
      Priority priority,
      List<AdapterUse> adapters,
      long submitted,
      OptionalLong deadline,
      int[] tokens) {
    this.id = id;
    this.name = name;
    this.priority = priority;
    this.adapters = adapters;
    this.submitted = submitted;
    this.deadline = deadline;
    this.tokens = tokens;
    length = tokens.length;
  }

  /// Tokens to compute before the first is generated.
  abstract int promptTokens();

  /// Most tokens to generate.
  abstract int maxTokens();

  /// Logits are wanted from the token at this index on.
  abstract int logitsFrom();

  /// What a step computes for a slice of this row.
  List<Span> spans(Plan.Slice slice) {
    int logitsFrom = Math.clamp(logitsFrom() - slice.position(), 0, slice.count());
    return List.of(
        new Span(
            Arrays.copyOfRange(tokens, slice.position(), slice.position() + slice.count()),
            slice.position(),
            slice.pages(),
            adapters,
            ComputePath.NARROW,
            logitsFrom));
  }

  /// The row left the queue.
  abstract void started(long now);

  /// Reads what a step computed for tokens `[position, position + count)`; `logits` begins at the
  /// later of `position` and [#logitsFrom].
  ///
  /// Rows of a step do so on any of the engine's workers, each with a sampler of its own.
  abstract void sample(Sampler sampler, Logits logits, int position, int count);

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

  final int token(int position) {
    return tokens[position];
  }

  /// Prompt and output so far.
  final int length() {
    return length;
  }

  final void append(int token) {
    if (length == tokens.length) {
      tokens = Arrays.copyOf(tokens, 2 * length);
    }
    tokens[length++] = token;
  }
}
