package dev.tributary.server.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class TracesTest {
  private static final String METHOD = "tributary.v1.Inference/Generate";
  private static final String PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

  private final List<SpanData> spans = new ArrayList<>();
  private final FakeTime time = new FakeTime();

  private Traces traces(double share) {
    return Traces.to(
        SimpleSpanProcessor.create(
            new SpanExporter() {
              @Override
              public CompletableResultCode export(Collection<SpanData> ended) {
                spans.addAll(ended);
                return CompletableResultCode.ofSuccess();
              }

              @Override
              public CompletableResultCode flush() {
                return CompletableResultCode.ofSuccess();
              }

              @Override
              public CompletableResultCode shutdown() {
                return CompletableResultCode.ofSuccess();
              }
            }),
        share,
        "1");
  }

  private void call(Traces traces, Map<String, String> headers, String code) {
    CallRecord call = new Metrics(traces, time, time).begin(METHOD, headers::get);
    call.serves("the-id", "acme");
    time.passMillis(1);
    call.named(List.of(new VersionKey("acme", "bot", 2, "sha256:2")));
    time.passMillis(30);
    call.leased(List.of(new CallRecord.Load("disk", Duration.ofMillis(30))));
    time.passMillis(4);
    call.started(12, 8);
    time.passMillis(20);
    call.generated(1);
    time.passMillis(7);
    call.generated(1);
    call.finished(Outcome.STOP);
    call.ended(code, code);
  }

  private SpanData span(String name) {
    return spans.stream().filter(span -> span.getName().equals(name)).findFirst().orElseThrow();
  }

  @Test
  void aCall_isASpanWithItsParts() {
    call(traces(1), Map.of(), "OK");

    SpanData whole = span(METHOD);
    assertThat(whole.getKind()).isEqualTo(SpanKind.SERVER);
    assertThat(whole.getParentSpanContext().isValid()).isFalse();
    Map<String, String> attributes =
        whole.getAttributes().asMap().entrySet().stream()
            .collect(Collectors.toMap(e -> e.getKey().getKey(), e -> e.getValue().toString()));
    assertThat(attributes)
        .isEqualTo(
            Map.of(
                "rpc.system", "grpc",
                "rpc.service", "tributary.v1.Inference",
                "rpc.method", "Generate",
                "rpc.response.status_code", "OK",
                "tributary.generation_id", "the-id",
                "tributary.tenant", "acme",
                "tributary.adapters", "acme/bot@2",
                "gen_ai.usage.input_tokens", "12",
                "gen_ai.usage.output_tokens", "2"));
    assertThat(spans)
        .extracting(SpanData::getName)
        .containsExactlyInAnyOrder("load", "queue", "prefill", "decode", METHOD);
    for (String part : Set.of("load", "queue", "prefill", "decode")) {
      assertThat(span(part).getParentSpanId()).isEqualTo(whole.getSpanId());
      assertThat(span(part).getTraceId()).isEqualTo(whole.getTraceId());
      assertThat(span(part).getAttributes().isEmpty()).isTrue();
    }
    assertThat(millis("load")).isEqualTo(30);
    assertThat(millis("queue")).isEqualTo(4);
    assertThat(millis("prefill")).isEqualTo(20);
    assertThat(millis("decode")).isEqualTo(7);
    assertThat(span("load").getStartEpochNanos())
        .isEqualTo(FakeTime.START.plusMillis(1).toEpochMilli() * 1_000_000);
  }

  private long millis(String part) {
    return (span(part).getEndEpochNanos() - span(part).getStartEpochNanos()) / 1_000_000;
  }

  @Test
  void aCallersTrace_goesOn() {
    call(traces(0), Map.of("traceparent", PARENT), "OK");

    assertThat(span(METHOD).getTraceId()).isEqualTo("0af7651916cd43dd8448eb211c80319c");
    assertThat(span(METHOD).getParentSpanId()).isEqualTo("b7ad6b7169203331");
  }

  @Test
  void aCallersDecisionNotTo_isHeard() {
    call(traces(1), Map.of("traceparent", PARENT.replaceAll("01$", "00")), "OK");
    assertThat(spans).isEmpty();
  }

  @Test
  void aTraceparentThatIsNone_isIgnored() {
    call(traces(1), Map.of("traceparent", "00-zz"), "OK");
    assertThat(span(METHOD).getParentSpanContext().isValid()).isFalse();
  }

  @Test
  void shareZero_tracesNothing() {
    call(traces(0), Map.of(), "OK");
    assertThat(spans).isEmpty();
  }

  @Test
  void aFailure_isAnErrorWithItsCode() {
    call(traces(1), Map.of(), "INTERNAL");
    assertThat(span(METHOD).getStatus().getStatusCode()).isEqualTo(StatusCode.ERROR);
    assertThat(span(METHOD).getStatus().getDescription()).isEqualTo("INTERNAL");
  }

  @Test
  void toOtlp_reachesACollector() throws IOException {
    CompletableFuture<String> posted = new CompletableFuture<>();
    HttpServer collector =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    collector.createContext(
        "/v1/traces",
        exchange -> {
          String body =
              new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.ISO_8859_1);
          posted.complete(
              exchange.getRequestHeaders().getFirst("Content-Type")
                  + " "
                  + exchange.getRequestHeaders().getFirst("x-key")
                  + " "
                  + body);
          exchange.sendResponseHeaders(200, -1);
          exchange.close();
        });
    collector.start();
    try {
      URI endpoint = URI.create("http://localhost:" + collector.getAddress().getPort());
      try (Traces traces = Traces.toOtlp(endpoint, Map.of("x-key", "secret"), 1, "1")) {
        call(traces, Map.of(), "OK");
      }
      assertThat(posted.join())
          .startsWith("application/x-protobuf secret ")
          .contains("tributary.v1.Inference/Generate", "prefill", "the-id");
    } finally {
      collector.stop(0);
    }
  }
}
