package dev.tributary.server;

import dev.tributary.server.engine.Engine;
import dev.tributary.server.engine.EngineSettings;
import dev.tributary.server.engine.EngineStats;
import dev.tributary.server.ledger.Log;
import dev.tributary.server.metrics.EngineFigures;
import dev.tributary.server.metrics.Metrics;
import dev.tributary.server.metrics.TierFigures;
import dev.tributary.server.metrics.Traces;
import dev.tributary.server.rpc.Access;
import dev.tributary.server.rpc.JsonCalls;
import dev.tributary.server.rpc.ListenAddress;
import dev.tributary.server.state.Role;
import dev.tributary.server.tensor.KvCache;
import dev.tributary.server.web.Api;
import dev.tributary.server.web.LogFiles;
import dev.tributary.server.web.LogPages;
import dev.tributary.server.web.Page;
import dev.tributary.server.web.Pages;
import dev.tributary.server.web.Web;
import dev.tributary.tlog.Note;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// What those who run the server see of it: metrics, traces and the HTTP port. It is there before
/// the model is, so that a probe can tell a server that loads from one that is dead.
final class Operations implements AutoCloseable {
  private final Traces traces;

  private final Metrics metrics;
  private final Pages pages;
  private final @Nullable Web web;
  private final @Nullable ListenAddress address;
  private volatile Supplier<String> phase = () -> "loading";

  Operations(Config config) throws IOException {
    traces =
        config.otlpEndpoint == null
            ? Traces.off()
            : Traces.toOtlp(
                config.otlpEndpoint, config.otlpHeaders, config.traceShare, Server.VERSION);
    metrics = new Metrics(traces, System::nanoTime, InstantSource.system());
    address = config.webAddress().orElse(null);
    pages =
        new Pages(
            "Tributary " + Server.VERSION,
            metrics::scrape,
            Metrics.CONTENT_TYPE,
            () -> phase.get());
    web = address == null ? null : open(address, config);
  }

  private Web open(ListenAddress at, Config config) throws IOException {
    try {
      return Web.start(new InetSocketAddress(at.host(), at.port()), hosts(at, config), pages);
    } catch (IOException e) {
      throw new IOException(
          "--web "
              + at
              + ": "
              + e.getMessage()
              + "; --web off does without, --web HOST:0 takes any",
          e);
    }
  }

  Metrics metrics() {
    return metrics;
  }

  /// The engine's figures are from now on in the metrics; the steps of its warm-up are not.
  ///
  /// @param tiers asked at every scrape
  void watch(String model, Engine engine, EngineSettings settings, Supplier<TierFigures> tiers) {
    EngineStats start = engine.stats();
    metrics.serves(model, () -> figures(start, engine.stats(), settings));
    metrics.watchTiers(tiers);
    engine.watchSteps(metrics.stepTimes());
  }

  /// The log is from now on among the pages.
  ///
  /// @param access knows who may read its entries
  void show(Log log, Access access) {
    pages.show(new LogPages(new ShownLog(log), key -> verdict(access.role(key))));
  }

  /// The page finds from now on what it asks for.
  void answer(JsonCalls calls) {
    pages.answer(
        new Api() {
          @Override
          public Page call(String method, Map<String, String> fields, List<String> authorization) {
            return page(calls.call(method, fields, authorization));
          }

          @Override
          public Page tokens(String ids, List<String> authorization) {
            return page(calls.tokens(ids, authorization));
          }
        });
  }

  private static Page page(JsonCalls.Reply reply) {
    return Page.json(reply.status(), reply.json());
  }

  private static LogPages.Verdict verdict(Optional<Role> role) {
    return switch (role.orElse(null)) {
      case null -> LogPages.Verdict.UNKNOWN;
      case AUDITOR, ADMIN -> LogPages.Verdict.ADMITTED;
      default -> LogPages.Verdict.DENIED;
    };
  }

  /// What the pages need of a log; they ask for nothing that its checkpoint does not cover.
  private record ShownLog(Log log) implements LogFiles {
    @Override
    public Note checkpoint() {
      return log.checkpoint();
    }

    @Override
    public byte[] tile(int level, long index, int width) {
      return log.tile(level, index, width).orElseThrow();
    }

    @Override
    public byte[] bundle(long index, int width) {
      return log.bundle(index, width).orElseThrow();
    }
  }

  /// What `/readyz` tells from now on; `serving` is ready.
  void phase(Supplier<String> now) {
    phase = now;
  }

  /// Takes over what may change while the server runs.
  void reload(Config before, Config now) {
    Logs.setLevels(before.logLevels, now.logLevels);
    if (web != null && address != null) {
      web.allow(hosts(address, now));
    }
  }

  /// Whether other machines can reach the HTTP port.
  boolean webIsOpen() {
    return address != null && !address.isLoopback();
  }

  /// `host:port` of the HTTP port; empty if it is off.
  Optional<String> webAddress() {
    return web == null || address == null
        ? Optional.empty()
        : Optional.of(new ListenAddress(address.host(), web.boundPort()).toString());
  }

  @Override
  public void close() {
    if (web != null) {
      web.close();
    }
    traces.close();
  }

  private static List<String> hosts(ListenAddress at, Config config) {
    List<String> hosts = new ArrayList<>(config.webHosts);
    hosts.add(at.host().indexOf(':') < 0 ? at.host() : "[" + at.host() + "]");
    return hosts;
  }

  private static EngineFigures figures(
      EngineStats start, EngineStats now, EngineSettings settings) {
    return new EngineFigures(
        now.running(),
        settings.maxRows(),
        now.waiting(),
        settings.maxWaiting(),
        settings.maxAdapters(),
        settings.pages(),
        KvCache.PAGE,
        now.freePages(),
        now.cachedPages(),
        now.promptTokens() - start.promptTokens(),
        now.prefixTokens() - start.prefixTokens(),
        now.generatedTokens() - start.generatedTokens(),
        now.preemptions() - start.preemptions(),
        now.failedSteps() - start.failedSteps());
  }
}
