package dev.tributary.server.train;

import dev.tributary.server.model.TrainingRow;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.function.BooleanSupplier;

/// Computes the micro-batches of several members in shared passes, piece by piece. A pass has at
/// most one of each member: two would add up their gradients in another order than one by one.
final class Passes implements BooleanSupplier {
  private final Gradients gradients;
  private final boolean backward;
  private final Deque<List<MicroBatch>> waiting;
  private List<MicroBatch> running = List.of();

  /// @param members the micro-batches of each, in order
  /// @param most tokens of a pass, at least those of any micro-batch
  Passes(Gradients gradients, List<List<MicroBatch>> members, int most, boolean backward) {
    this.gradients = gradients;
    this.backward = backward;
    waiting = pack(members, most);
  }

  static Deque<List<MicroBatch>> pack(List<List<MicroBatch>> members, int most) {
    List<Deque<MicroBatch>> queues = new ArrayList<>();
    members.forEach(batches -> queues.add(new ArrayDeque<>(batches)));
    Deque<List<MicroBatch>> passes = new ArrayDeque<>();
    while (queues.stream().anyMatch(queue -> !queue.isEmpty())) {
      List<MicroBatch> pass = new ArrayList<>();
      int tokens = 0;
      for (Deque<MicroBatch> queue : queues) {
        MicroBatch next = queue.peek();
        if (next != null && tokens + next.tokens() <= most) {
          pass.add(queue.remove());
          tokens += next.tokens();
        }
      }
      if (pass.isEmpty()) {
        throw new IllegalArgumentException("a micro-batch of more than " + most + " tokens");
      }
      passes.add(pass);
    }
    return passes;
  }

  @Override
  public boolean getAsBoolean() {
    if (running.isEmpty()) {
      if (waiting.isEmpty()) {
        return false;
      }
      running = waiting.remove();
      List<TrainingRow> rows = running.stream().flatMap(batch -> batch.rows().stream()).toList();
      gradients.begin(rows, backward);
      return true;
    }
    if (gradients.advance()) {
      return true;
    }
    take(gradients.losses());
    running = List.of();
    return !waiting.isEmpty();
  }

  private void take(double[] losses) {
    int at = 0;
    for (MicroBatch batch : running) {
      int end = at + batch.rows().size();
      batch.losses(Arrays.copyOfRange(losses, at, end));
      at = end;
    }
    if (at != losses.length) {
      throw new IllegalStateException(losses.length + " losses of " + at + " rows");
    }
  }
}
