package dev.tributary.server.rpc;

import dev.tributary.server.adapter.AdapterException;
import dev.tributary.server.adapter.AdapterVersion;
import dev.tributary.server.adapter.Lease;
import dev.tributary.server.engine.JobFailedException;
import dev.tributary.server.engine.Rejection;
import dev.tributary.server.engine.ScoreJob;
import dev.tributary.server.model.AdapterUse;
import dev.tributary.server.schedule.Priority;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Scores answers a second time, under the shadow of the alias that led to their version: how much
/// more, or less, likely the other version would have found them.
///
/// That is done one answer at a time, at the lowest priority and on the tenant's own share of the
/// machine. An answer that finds the queue full is not scored: a sample is all that is asked for.
final class Shadows implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Shadows.class);

  private static final int MAX_WAITING = 64;

  /// An answer that has ended.
  ///
  /// @param id its generation's
  /// @param scale that the request gave the adapter
  /// @param tokens of the prompt and the answer
  /// @param from index of the answer's first token
  record Answer(
      String id,
      String tenant,
      int weight,
      AdapterVersion version,
      AdapterVersion shadow,
      float scale,
      int[] tokens,
      int from) {}

  private final Serving serving;
  private final BlockingQueue<Answer> waiting = new ArrayBlockingQueue<>(MAX_WAITING);
  private final Thread thread;

  Shadows(Serving serving) {
    this.serving = serving;
    thread = Thread.ofVirtual().name("shadows").start(this::run);
  }

  /// Takes an answer if there is room. Never blocks.
  void take(Answer answer) {
    if (!waiting.offer(answer)) {
      log.debug("{} is not scored under its shadow: {} wait", answer.id, MAX_WAITING);
    }
  }

  private void run() {
    try {
      while (true) {
        score(waiting.take());
      }
    } catch (InterruptedException e) {
      // The server ends; what waits is only a sample.
      Thread.currentThread().interrupt();
    }
  }

  private void score(Answer answer) {
    try {
      double own = logProb(answer, answer.version);
      double shadow = logProb(answer, answer.shadow);
      double gap = (shadow - own) / (answer.tokens.length - answer.from);
      serving.metrics().versions().shadowed(AdapterChoice.key(answer.shadow), gap);
    } catch (AdapterException | Rejection | JobFailedException e) {
      log.info("{} is not scored under its shadow: {}", answer.id, e.getMessage());
    } catch (RuntimeException e) {
      log.error("{} is not scored under its shadow", answer.id, e);
    }
  }

  /// Sum over the answer's tokens, in nats.
  private double logProb(Answer answer, AdapterVersion version) {
    try (Lease lease = serving.adapters().lease(version).join()) {
      List<AdapterUse> uses = List.of(lease.use(answer.scale));
      ScoreJob job =
          new ScoreJob(
              answer.id,
              answer.tenant,
              answer.weight,
              answer.tokens,
              answer.from,
              uses,
              0,
              OptionalLong.empty(),
              Priority.LOW,
              false);
      return serving.engine().score(job).join().sum();
    } catch (CompletionException e) {
      throw e.getCause() instanceof RuntimeException cause ? cause : e;
    }
  }

  @Override
  public void close() {
    thread.interrupt();
  }
}
