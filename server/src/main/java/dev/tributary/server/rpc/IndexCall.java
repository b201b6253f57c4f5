package dev.tributary.server.rpc;

import dev.tributary.server.adapter.AdapterStore;
import dev.tributary.server.adapter.AdapterVersion;
import dev.tributary.server.adapter.Lease;
import dev.tributary.server.state.VersionRecord;
import dev.tributary.v1.IndexVersionEvent;
import dev.tributary.v1.VersionIndex;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/// One call of IndexVersion: loads the version, which has its index built, and tells how far that
/// is. What is done while the reader takes his time is told as one step. Who ends the call leaves
/// the build to itself.
final class IndexCall {
  private final AdapterStore store;
  private final AdapterAnswers answers;
  private final Indexing indexing;
  private final Call<IndexVersionEvent> call;
  private final PacedStream<IndexVersionEvent> responses;
  private final Semaphore news = new Semaphore(0);
  private final AtomicReference<IndexVersionEvent.@Nullable Progress> latest =
      new AtomicReference<>();

  IndexCall(
      AdapterStore store,
      AdapterAnswers answers,
      Indexing indexing,
      Call<IndexVersionEvent> call,
      PacedStream<IndexVersionEvent> responses) {
    this.store = store;
    this.answers = answers;
    this.indexing = indexing;
    this.call = call;
    this.responses = responses;
  }

  /// @param name of the adapter, as the caller wrote it
  void run(AdapterVersion version, String name) {
    VersionRecord record = Objects.requireNonNull(store.info(version).version());
    switch (indexing.of(record)) {
      case Indexing.Indexed index -> send(version, index, true);
      case Indexing.Impossible no -> throw Statuses.notIndexed(record, no.reason());
      case Indexing.Due due -> {
        build(version, record, name);
        switch (indexing.of(record)) {
          case Indexing.Indexed index -> send(version, index, false);
          case Indexing.Impossible no -> throw Statuses.notIndexed(record, no.reason());
          // It was in memory already, or its examples turned out to be of no use.
          case Indexing.Due still -> throw Statuses.notIndexed(record, Indexing.Reason.RECORDED);
        }
      }
    }
  }

  private void build(AdapterVersion version, VersionRecord record, String name) {
    try (Indexing.Watch watch = indexing.watch(record, this::tell)) {
      CompletableFuture<Lease> lease = store.lease(version);
      var unused = lease.whenComplete((done, failed) -> news.release());
      call.onEnd(news::release);
      while (!lease.isDone() && !call.isOver()) {
        news.acquireUninterruptibly();
        news.drainPermits();
        IndexVersionEvent.Progress progress = latest.getAndSet(null);
        if (progress != null) {
          responses.send(IndexVersionEvent.newBuilder().setProgress(progress).build());
        }
      }
      Statuses.named(name, () -> call.await(lease)).close();
    }
  }

  private void tell(int done, int all) {
    latest.set(IndexVersionEvent.Progress.newBuilder().setDone(done).setAll(all).build());
    news.release();
  }

  private void send(AdapterVersion version, Indexing.Indexed index, boolean existed) {
    responses.send(
        IndexVersionEvent.newBuilder()
            .setIndex(
                VersionIndex.newBuilder()
                    .setVersion(answers.version(store.info(version)))
                    .setMethod(index.method())
                    .setDigest(index.digest())
                    .setThresholds(index.thresholds())
                    .setClusters(index.clusters())
                    .setExisted(existed))
            .build());
  }
}
