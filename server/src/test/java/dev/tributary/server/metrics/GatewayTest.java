package dev.tributary.server.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class GatewayTest {
  private static final EngineFigures ENGINE =
      new EngineFigures(3, 64, 2, 1_024, 32, 100, 16, 75, 10, 0, 0, 0, 0, 0);

  @Test
  void lines_areWhatTheEndpointPickerReads() {
    AdaptersInUse.Now adapters =
        new AdaptersInUse.Now(List.of("a/x", "b/y"), List.of("c/z"), 1_500.25);

    assertThat(new Gateway("Base").lines(ENGINE, adapters).lines())
        .contains(
            "# TYPE vllm:lora_requests_info gauge",
            "vllm:num_requests_running{model_name=\"Base\"} 3.0",
            "vllm:num_requests_waiting{model_name=\"Base\"} 2.0",
            "vllm:kv_cache_usage_perc{model_name=\"Base\"} 0.25",
            "vllm:cache_config_info{model_name=\"Base\",block_size=\"16\",num_gpu_blocks=\"100\"} 1.0",
            "vllm:lora_requests_info{max_lora=\"32\",running_lora_adapters=\"a/x,b/y\","
                + "waiting_lora_adapters=\"c/z\"} 1500.25");
  }

  @Test
  void lines_escapeTheModelsName() {
    AdaptersInUse.Now none = new AdaptersInUse.Now(List.of(), List.of(), 0);
    assertThat(new Gateway("a\"b\\c\nd").lines(ENGINE, none))
        .contains("{model_name=\"a\\\"b\\\\c\\nd\"}")
        .contains("running_lora_adapters=\"\"");
  }

  @Test
  void inUse_countsEachCall() {
    long[] now = {7_000};
    AdaptersInUse inUse = new AdaptersInUse(() -> now[0]);
    inUse.waits(List.of("a", "b"));
    inUse.waits(List.of("a"));
    inUse.runs(List.of("a", "b"));
    now[0] = 9_000;
    inUse.stopsRunning(List.of("b"));
    assertThat(inUse.now(9)).isEqualTo(new AdaptersInUse.Now(List.of("a"), List.of("a"), 9));
    inUse.stopsRunning(List.of("a"));
    inUse.stopsWaiting(List.of("a"));
    assertThat(inUse.now(9)).isEqualTo(new AdaptersInUse.Now(List.of(), List.of(), 9));
  }

  @Test
  void inUse_namesAreBounded() {
    AdaptersInUse inUse = new AdaptersInUse(() -> 0);
    inUse.waits(List.of("d", "a", "c", "b"));
    assertThat(inUse.now(2).waiting()).containsExactly("a", "b");
  }
}
