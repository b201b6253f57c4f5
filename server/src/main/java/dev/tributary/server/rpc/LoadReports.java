package dev.tributary.server.rpc;

import dev.tributary.server.metrics.EngineFigures;
import io.grpc.BindableService;
import io.grpc.ServerInterceptor;
import io.grpc.services.MetricRecorder;
import io.grpc.xds.orca.OrcaMetricReportingServerInterceptor;
import io.grpc.xds.orca.OrcaServiceImpl;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/// Tells gRPC's load balancers how full the server is (ORCA, gRFC A51): in the trailers of each
/// call, and as a stream to those who ask for one.
///
/// The named utilisations are `rows`, `kv` and `queue`; the application's is the fullest of rows
/// and pages, and above 1 by the share of the queue that is taken, so that a server whose queue
/// grows weighs less than one that is only full.
final class LoadReports implements AutoCloseable {
  private static final Duration EVERY = Duration.ofMillis(250);

  /// Streams of reports are at least so far apart.
  private static final Duration LEAST_INTERVAL = Duration.ofSeconds(1);

  private final Supplier<EngineFigures> engine;
  private final MetricRecorder recorder = MetricRecorder.newInstance();
  private final ScheduledThreadPoolExecutor timer =
      new ScheduledThreadPoolExecutor(1, Thread.ofPlatform().daemon().name("rpc-loads").factory());

  LoadReports(Supplier<EngineFigures> engine) {
    this.engine = engine;
    refresh();
    var unused =
        timer.scheduleWithFixedDelay(
            this::refresh, EVERY.toNanos(), EVERY.toNanos(), TimeUnit.NANOSECONDS);
  }

  ServerInterceptor perCall() {
    return OrcaMetricReportingServerInterceptor.create(recorder);
  }

  BindableService service() {
    return OrcaServiceImpl.createService(
        timer, recorder, LEAST_INTERVAL.toNanos(), TimeUnit.NANOSECONDS);
  }

  private void refresh() {
    EngineFigures now = engine.get();
    recorder.setAllUtilizationMetrics(
        Map.of("rows", now.rowUse(), "kv", now.kvUse(), "queue", now.queueUse()));
    recorder.setApplicationUtilizationMetric(Math.max(now.rowUse(), now.kvUse()) + now.queueUse());
  }

  @Override
  public void close() {
    timer.shutdownNow();
  }
}
