package dev.tributary.server.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class CallRecordTest {
  private static final String METHOD = "tributary.v1.Inference/Generate";
  private static final VersionKey BOT = new VersionKey("acme", "bot", 2, "sha256:2");

  private final FakeTime time = new FakeTime();
  private final Metrics metrics = new Metrics(Traces.off(), time, time);

  private CallRecord begin() {
    CallRecord call = metrics.begin(METHOD, name -> null);
    call.serves("id", "acme");
    return call;
  }

  /// The value of the series of this name and these labels, in any order; NaN without one.
  private double value(String name, String... labels) {
    return metrics
        .scrape()
        .lines()
        .filter(line -> line.startsWith(name + "{") || line.startsWith(name + " "))
        .filter(line -> List.of(labels).stream().allMatch(line::contains))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
        .reduce(Double.NaN, (a, b) -> Double.isNaN(a) ? b : a + b);
  }

  private CallRecord answer(VersionKey... versions) {
    CallRecord call = begin();
    time.passMillis(1);
    call.named(List.of(versions));
    time.passMillis(30);
    call.leased(List.of(new CallRecord.Load("disk", Duration.ofMillis(30))));
    time.passMillis(4);
    call.started(12, 8);
    time.passMillis(20);
    call.generated(1);
    time.passMillis(7);
    call.generated(1);
    call.generated(0);
    call.finished(Outcome.LENGTH);
    return call;
  }

  @Test
  void anAnswer_isInEveryFigure() {
    CallRecord call = answer(BOT);
    call.rowOver();
    call.ended("OK", "OK");

    String own = "tenant=\"acme\"";
    String bot = "adapter=\"acme/bot\"";
    assertThat(value("tributary_answers_total", own, bot, "outcome=\"length\"")).isEqualTo(1);
    assertThat(value("tributary_prompt_tokens_total", own, bot)).isEqualTo(12);
    assertThat(value("tributary_prompt_tokens_cached_total", own, bot)).isEqualTo(8);
    assertThat(value("tributary_generation_tokens_total", own, bot)).isEqualTo(2);
    assertThat(value("tributary_requests_total", "code=\"OK\"", METHOD)).isEqualTo(1);
    assertThat(value("tributary_request_queue_time_seconds_sum", own, bot)).isEqualTo(0.005);
    assertThat(value("tributary_time_to_first_token_seconds_sum", own, bot)).isEqualTo(0.055);
    assertThat(value("tributary_time_to_first_token_seconds_bucket", own, "le=\"0.05\"")).isZero();
    assertThat(value("tributary_time_to_first_token_seconds_bucket", own, "le=\"0.1\""))
        .isEqualTo(1);
    assertThat(value("tributary_inter_token_latency_seconds_sum", own, bot)).isEqualTo(0.007);
    assertThat(value("tributary_e2e_request_latency_seconds_sum", own, bot)).isEqualTo(0.062);
    assertThat(value("tributary_request_prefill_time_seconds_sum")).isEqualTo(0.02);
    assertThat(value("tributary_request_decode_time_seconds_sum")).isEqualTo(0.007);
    assertThat(value("tributary_adapter_leases_total", "tier=\"disk\"")).isEqualTo(1);
    assertThat(value("tributary_adapter_load_time_seconds_sum", "tier=\"disk\"")).isEqualTo(0.03);
    assertThat(value("tributary_rejections_total")).isNaN();
    VersionFigures figures = metrics.versions().of(BOT);
    assertThat(figures.answers()).isEqualTo(1);
    assertThat(figures.meanCompletionTokens()).isEqualTo(2);
    assertThat(figures.firstTokenP50()).isPresent();
    assertThat(figures.betweenTokensP50()).isPresent();
  }

  @Test
  void aCall_isWhereItsRowIs() {
    CallRecord call = begin();
    call.named(List.of(BOT));
    assertThat(metrics.inUse().now(9).waiting()).containsExactly("acme/bot");
    call.leased(List.of(new CallRecord.Load("device", Duration.ZERO)));
    assertThat(value("tributary_adapter_leases_open")).isEqualTo(1);
    call.started(1, 0);
    assertThat(metrics.inUse().now(9).waiting()).isEmpty();
    assertThat(metrics.inUse().now(9).running()).containsExactly("acme/bot");
    call.rowOver();
    assertThat(metrics.inUse().now(9).running()).as("the reader may be slow").isEmpty();
    assertThat(value("tributary_adapter_leases_open")).isZero();
    call.ended("OK", "OK");
    assertThat(value("tributary_adapter_leases_open")).as("given back once").isZero();
  }

  @Test
  void refused_namesTheReason() {
    CallRecord call = begin();
    call.named(List.of(BOT));
    call.ended("RESOURCE_EXHAUSTED", "QUEUE_FULL");

    assertThat(value("tributary_rejections_total", "reason=\"QUEUE_FULL\"")).isEqualTo(1);
    assertThat(value("tributary_answers_total", "outcome=\"refused\"")).isEqualTo(1);
    assertThat(metrics.versions().of(BOT).refusals()).isEqualTo(1);
    assertThat(metrics.inUse().now(9).waiting()).isEmpty();
  }

  @Test
  void refusedBeforeItNamedAnything_isNoAnswer() {
    begin().ended("INVALID_ARGUMENT", "INVALID_ARGUMENT");

    assertThat(value("tributary_requests_total", "code=\"INVALID_ARGUMENT\"")).isEqualTo(1);
    assertThat(value("tributary_rejections_total")).isEqualTo(1);
    assertThat(value("tributary_answers_total")).isNaN();
  }

  @Test
  void failedAfterItStarted_isAnError() {
    CallRecord call = answer(BOT);
    call.ended("INTERNAL", "INTERNAL");

    assertThat(value("tributary_answers_total", "outcome=\"error\"")).isEqualTo(1);
    assertThat(value("tributary_rejections_total")).isNaN();
    assertThat(metrics.versions().of(BOT).errors()).isEqualTo(1);
    assertThat(metrics.versions().of(BOT).answers()).isZero();
  }

  @Test
  void cancelled_isNobodysFault() {
    CallRecord call = answer(BOT);
    call.ended("CANCELLED", "CANCELLED");
    call.generated(1);
    call.ended("INTERNAL", "INTERNAL");

    assertThat(value("tributary_answers_total", "outcome=\"cancelled\"")).isEqualTo(1);
    assertThat(value("tributary_generation_tokens_total")).as("told after the end").isEqualTo(2);
    assertThat(value("tributary_requests_total")).as("only the first end").isEqualTo(1);
    assertThat(metrics.versions().of(BOT)).isEqualTo(VersionFigures.NONE);
  }

  @Test
  void adaptersOfOneCall_areOneLabel() {
    VersionKey other = new VersionKey("public", "guide", 1, "sha256:1");
    answer(BOT, other).ended("OK", "OK");
    answer().ended("OK", "OK");

    assertThat(value("tributary_answers_total", "adapter=\"acme/bot+public/guide\"")).isEqualTo(1);
    assertThat(value("tributary_answers_total", "adapter=\"base\"")).isEqualTo(1);
    assertThat(metrics.versions().of(other).answers()).isEqualTo(1);
  }

  @Test
  void tenThousandAdapters_areBoundedSeries() {
    for (int i = 0; i < 10_000; i++) {
      CallRecord call = metrics.begin(METHOD, name -> null);
      call.serves("id", "tenant" + i % 100);
      call.named(List.of(new VersionKey("tenant" + i % 100, "a" + i, 1, "")));
      call.started(1, 0);
      call.generated(1);
      call.finished(Outcome.STOP);
      call.ended("OK", "OK");
    }
    List<String> answers =
        metrics.scrape().lines().filter(l -> l.startsWith("tributary_answers_total{")).toList();
    assertThat(answers)
        .hasSizeLessThanOrEqualTo(Labels.MAX_PAIRS + Labels.MAX_TENANTS + 1)
        .anyMatch(line -> line.contains("adapter=\"other\"") && line.contains("tenant=\"other\""));
    assertThat(value("tributary_answers_total")).as("none is lost").isEqualTo(10_000);
  }

  @Test
  void reasons_areBounded() {
    for (int i = 0; i < 200; i++) {
      begin().ended("FAILED_PRECONDITION", "REASON_" + i);
    }
    assertThat(metrics.scrape().lines().filter(l -> l.startsWith("tributary_rejections_total")))
        .hasSize(65);
    assertThat(value("tributary_rejections_total", "reason=\"other\"")).isEqualTo(136);
  }

  @Test
  void finished_byWhatIsNoAnswer_isABug() {
    assertThatThrownBy(() -> begin().finished(Outcome.ERROR))
        .isInstanceOf(IllegalArgumentException.class);
  }

  /// The tiers are counted in a database.
  @Test
  void scrape_asksOnceHowFullTheTiersAre() {
    AtomicInteger asked = new AtomicInteger();
    metrics.watchTiers(() -> new TierFigures(asked.incrementAndGet(), 0, 0, 0, 0, 0, 0));
    assertThat(value("tributary_adapters", "tier=\"device\"")).isEqualTo(1);
    assertThat(value("tributary_adapters", "tier=\"device\"")).isEqualTo(2);
  }

  @Test
  void scrape_hasEngineTiersAndMachine() {
    metrics.serves(
        "Base", () -> new EngineFigures(3, 64, 2, 1_024, 32, 100, 16, 75, 10, 400, 100, 50, 1, 0));
    metrics.watchTiers(() -> new TierFigures(2, 4_096, 3, 300, 0, 0, 9));
    metrics.stepTimes().accept(15_000_000);

    assertThat(value("tributary_num_requests_running")).isEqualTo(3);
    assertThat(value("tributary_num_requests_waiting")).isEqualTo(2);
    assertThat(value("tributary_kv_cache_usage_perc")).isEqualTo(0.25);
    assertThat(value("tributary_kv_pages_used")).isEqualTo(25);
    assertThat(value("tributary_kv_pages_limit")).isEqualTo(100);
    assertThat(value("tributary_prefix_cache_queries_total")).isEqualTo(500);
    assertThat(value("tributary_prefix_cache_hits_total")).isEqualTo(100);
    assertThat(value("tributary_preemptions_total")).isEqualTo(1);
    assertThat(value("tributary_adapters", "tier=\"device\"")).isEqualTo(2);
    assertThat(value("tributary_adapter_bytes", "tier=\"device\"")).isEqualTo(4_096);
    assertThat(value("tributary_adapters", "tier=\"host\"")).isEqualTo(3);
    assertThat(value("tributary_adapter_bytes", "tier=\"host\"")).isEqualTo(300);
    assertThat(value("tributary_adapters", "tier=\"disk\"")).isZero();
    assertThat(value("tributary_step_time_seconds_bucket", "le=\"0.01\"")).isZero();
    assertThat(value("tributary_step_time_seconds_bucket", "le=\"0.02\"")).isEqualTo(1);
    assertThat(value("jvm_memory_used_bytes")).isPositive();
    assertThat(value("process_uptime_seconds")).isPositive();
    assertThat(value("vllm:num_requests_waiting", "model_name=\"Base\"")).isEqualTo(2);
  }

  /// Every line of the exposition is a comment or one sample, as Prometheus' text format has it.
  @Test
  void scrape_isWellFormed() {
    answer(BOT).ended("OK", "OK");
    assertThat(metrics.scrape().lines())
        .allMatch(
            line ->
                line.matches("# (HELP|TYPE) [a-zA-Z_:][a-zA-Z0-9_:]* .*")
                    || line.matches(
                        "[a-zA-Z_:][a-zA-Z0-9_:]*(\\{([a-zA-Z_]+=\"([^\"\\\\]|\\\\.)*\",?)*\\})?"
                            + " ([0-9.eE+-]+|NaN|[+-]Inf)"));
  }
}
