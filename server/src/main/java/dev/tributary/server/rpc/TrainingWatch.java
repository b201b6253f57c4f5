package dev.tributary.server.rpc;

import dev.tributary.server.train.RunView;
import dev.tributary.server.train.TrainingRuns;
import dev.tributary.v1.TrainingEvent;
import dev.tributary.v1.TrainingProgress;
import dev.tributary.v1.TrainingRun;
import java.util.concurrent.CancellationException;
import java.util.concurrent.Semaphore;

/// One watch of a run: how it is, then whenever that changes, until it ends. What changes while the
/// reader takes his time is told as one change.
final class TrainingWatch {
  private final TrainingRuns runs;
  private final String tenant;
  private final Call<?> call;
  private final PacedStream<TrainingEvent> responses;
  private final Semaphore news = new Semaphore(0);

  TrainingWatch(
      TrainingRuns runs, String tenant, Call<?> call, PacedStream<TrainingEvent> responses) {
    this.runs = runs;
    this.tenant = tenant;
    this.call = call;
    this.responses = responses;
  }

  void run(String id) {
    RunView view = runs.get(tenant, id);
    // From before it is told of, so that nothing is missed.
    Runnable end = runs.listen(id, news::release);
    call.onEnd(news::release);
    try {
      view = runs.get(tenant, id);
      send(view);
      while (view.run().isOpen()) {
        awaitNews();
        RunView now = runs.get(tenant, id);
        if (!now.run().equals(view.run())) {
          send(now);
        } else if (!TrainingAnswers.progress(now).equals(TrainingAnswers.progress(view))) {
          TrainingProgress progress = TrainingAnswers.progress(now);
          responses.send(TrainingEvent.newBuilder().setProgress(progress).build());
        }
        view = now;
      }
    } finally {
      end.run();
    }
  }

  private void send(RunView view) {
    TrainingRun run = TrainingAnswers.run(view);
    responses.send(TrainingEvent.newBuilder().setRun(run).build());
  }

  private void awaitNews() {
    news.acquireUninterruptibly();
    news.drainPermits();
    if (call.isOver()) {
      throw new CancellationException();
    }
  }
}
