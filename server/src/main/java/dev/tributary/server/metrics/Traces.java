package dev.tributary.server.metrics;

import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapGetter;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporter;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporterBuilder;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.SpanProcessor;
import io.opentelemetry.sdk.trace.export.BatchSpanProcessor;
import io.opentelemetry.sdk.trace.samplers.Sampler;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// A span a call, with its parts as children, to an OpenTelemetry collector; or none at all.
public final class Traces implements AutoCloseable {
  private static final String SCOPE = "dev.tributary.server";

  /// Spans that wait for the collector; more are dropped.
  private static final int MAX_QUEUED = 2_048;

  private static final Duration EXPORT_TIMEOUT = Duration.ofSeconds(10);

  /// How long the last spans have when the server ends.
  private static final Duration FLUSH = Duration.ofSeconds(2);

  private static final TextMapGetter<Function<String, @Nullable String>> HEADERS =
      new TextMapGetter<>() {
        @Override
        public Iterable<String> keys(Function<String, @Nullable String> carrier) {
          return List.of("traceparent", "tracestate");
        }

        @Override
        public @Nullable String get(
            @Nullable Function<String, @Nullable String> carrier, String key) {
          return carrier == null ? null : carrier.apply(key);
        }
      };

  private final @Nullable SdkTracerProvider provider;
  private final Tracer tracer;

  private Traces(@Nullable SdkTracerProvider provider) {
    this.provider = provider;
    tracer = (provider == null ? OpenTelemetry.noop().getTracerProvider() : provider).get(SCOPE);
  }

  /// No traces.
  public static Traces off() {
    return new Traces(null);
  }

  /// To a collector by OTLP over HTTP.
  ///
  /// @param endpoint of the collector, such as `http://localhost:4318`; `/v1/traces` is added
  /// @param headers of each export, such as a key
  /// @param share of calls without a sampled parent that are traced, in [0, 1]; a caller's own
  ///   decision wins
  public static Traces toOtlp(
      URI endpoint, Map<String, String> headers, double share, String version) {
    String base = endpoint.toString();
    OtlpHttpSpanExporterBuilder exporter =
        OtlpHttpSpanExporter.builder()
            .setEndpoint((base.endsWith("/") ? base : base + "/") + "v1/traces")
            .setTimeout(EXPORT_TIMEOUT);
    headers.forEach(exporter::addHeader);
    return to(
        BatchSpanProcessor.builder(exporter.build()).setMaxQueueSize(MAX_QUEUED).build(),
        share,
        version);
  }

  static Traces to(SpanProcessor processor, double share, String version) {
    Resource resource =
        Resource.getDefault().toBuilder()
            .put(AttributeKey.stringKey("service.name"), "tributary")
            .put(AttributeKey.stringKey("service.version"), version)
            .build();
    return new Traces(
        SdkTracerProvider.builder()
            .setResource(resource)
            .setSampler(Sampler.parentBased(Sampler.traceIdRatioBased(share)))
            .addSpanProcessor(processor)
            .build());
  }

  /// @param method `service/method`
  Span begin(String method, Function<String, @Nullable String> header) {
    if (provider == null) {
      return Span.getInvalid();
    }
    int slash = method.lastIndexOf('/');
    return tracer
        .spanBuilder(method)
        .setParent(W3CTraceContextPropagator.getInstance().extract(Context.root(), header, HEADERS))
        .setSpanKind(SpanKind.SERVER)
        .setAttribute("rpc.system", "grpc")
        .setAttribute("rpc.service", method.substring(0, Math.max(0, slash)))
        .setAttribute("rpc.method", method.substring(slash + 1))
        .startSpan();
  }

  /// A child that has been.
  void part(Span parent, String name, Instant from, Instant to) {
    tracer
        .spanBuilder(name)
        .setParent(Context.root().with(parent))
        .setStartTimestamp(from)
        .startSpan()
        .end(to);
  }

  static void end(Span span, String code) {
    span.setAttribute("rpc.response.status_code", code);
    if (!code.equals("OK")) {
      span.setStatus(StatusCode.ERROR, code);
    }
    span.end();
  }

  /// Sends what is left, for a short time.
  @Override
  public void close() {
    if (provider != null) {
      provider.shutdown().join(FLUSH.toMillis(), TimeUnit.MILLISECONDS);
    }
  }
}
