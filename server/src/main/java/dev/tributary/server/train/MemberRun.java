package dev.tributary.server.train;

import dev.tributary.server.model.LlamaConfig;
import dev.tributary.server.model.Trainable;
import dev.tributary.server.tensor.Floats;
import dev.tributary.server.tensor.Region;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A member under training: its values, what the optimiser remembers of them, and where it is. Used
/// by one thread at a time: the trainer's, or the device's while that runs its pieces.
final class MemberRun implements AutoCloseable {
  private final Member member;
  private final RunIdentity identity;
  private final Order order;
  private final Trainable adapter;
  private final Region first;
  private final Region second;
  private final @Nullable Region best;
  private History history = new History();
  private @Nullable String divergence;
  private List<MicroBatch> batches = List.of();
  private boolean closed;

  /// As it begins: with the values of its seed.
  MemberRun(Member member, RunIdentity identity, LlamaConfig base) {
    this.member = member;
    this.identity = identity;
    RunSettings settings = member.settings();
    order = new Order(member.training(), settings.optimization().batchSize(), settings.seed());
    adapter = new Trainable(settings.lora().forms(base));
    long bytes = adapter.values().size();
    first = Region.allocate(bytes);
    second = Region.allocate(bytes);
    best = settings.optimization().patience() > 0 ? Region.allocate(bytes) : null;
    FirstValues.fill(adapter, settings.seed());
  }

  Member member() {
    return member;
  }

  RunIdentity identity() {
    return identity;
  }

  Trainable adapter() {
    return adapter;
  }

  /// Running means of the gradients.
  Region first() {
    return first;
  }

  /// Running means of their squares.
  Region second() {
    return second;
  }

  /// The values of the lowest held-out loss; null where they are not kept.
  @Nullable Region best() {
    return best;
  }

  History history() {
    return history;
  }

  /// What a checkpoint says.
  void history(History restored) {
    history = restored;
  }

  void diverge(String why) {
    divergence = why;
  }

  /// Why it cannot go on, or null.
  @Nullable String divergence() {
    return divergence;
  }

  /// The micro-batches of the next step. Each target weighs the same, whichever its micro-batch.
  List<MicroBatch> nextBatches(int microTokens) {
    List<Example> batch = order.batch(history.step);
    long targets = batch.stream().mapToLong(Example::targets).sum();
    batches =
        MicroBatch.split(
            batch.stream().map(MicroBatch.Sequence::of).toList(),
            adapter,
            (float) (1.0 / targets),
            microTokens);
    return batches;
  }

  /// The micro-batches of [#nextBatches] were computed and the values moved.
  void stepped() {
    double loss = MicroBatch.sum(batches);
    long targets = 0;
    long read = 0;
    for (MicroBatch batch : batches) {
      targets += batch.rows().stream().mapToLong(row -> row.targets()).sum();
      read += batch.tokens();
    }
    batches = List.of();
    if (!Double.isFinite(loss)) {
      diverge("the loss is " + loss);
    }
    history.stepped(loss, targets, read, member.steps());
  }

  /// Whether an epoch, or the run, ends here.
  boolean atEvaluation() {
    return history.step % order.stepsPerEpoch() == 0 || history.step == member.steps();
  }

  /// @param heldOut mean loss there, or null
  void evaluated(@Nullable Double heldOut) {
    if (heldOut == null && !member.heldOut().isEmpty()) {
      diverge("the held-out loss is no number");
      return;
    }
    boolean isBest = history.evaluated(Math.ceilDiv(history.step, order.stepsPerEpoch()), heldOut);
    if (isBest && best != null) {
      best.bytes().copyFrom(adapter.values(), 0, 0, adapter.values().size());
    }
  }

  /// Whether it has come to its end.
  boolean ended() {
    int patience = member.settings().optimization().patience();
    return history.step >= member.steps() || patience > 0 && history.sinceBest >= patience;
  }

  /// Takes the best values, if they were kept, and rounds all to bfloat16, as they will be served.
  void conclude() {
    if (best != null && history.bestLoss != null) {
      adapter.values().copyFrom(best.bytes(), 0, 0, adapter.values().size());
    }
    for (long i = 0; i < adapter.floats(); i++) {
      float value = adapter.values().getFloat(Float.BYTES * i);
      adapter.values().putFloat(Float.BYTES * i, Floats.roundToBf16(value));
    }
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    adapter.close();
    first.close();
    second.close();
    if (best != null) {
      best.close();
    }
  }
}
