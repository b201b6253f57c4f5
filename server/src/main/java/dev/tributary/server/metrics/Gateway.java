package dev.tributary.server.metrics;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The gauges that the endpoint picker of Kubernetes' inference gateway reads, under the names and
/// labels that it looks for unless it is told otherwise: those of vLLM (gateway-api-inference-
/// extension, proposal 003, "Model Server Protocol").
///
/// Written by hand, since the metrics library forbids names that end in `_info` to gauges whose
/// value is not 1, and labels that change their values from scrape to scrape.
final class Gateway {
  /// Names in either list of `vllm:lora_requests_info`.
  static final int MAX_NAMES = 64;

  private final String model;

  /// @param model the base's name
  Gateway(String model) {
    this.model = model;
  }

  /// Lines of the Prometheus text format, version 0.0.4.
  String lines(EngineFigures engine, AdaptersInUse.Now adapters) {
    StringBuilder out = new StringBuilder();
    Map<String, String> served = Map.of("model_name", model);
    gauge(
        out,
        "vllm:num_requests_running",
        "Requests whose rows are in work.",
        served,
        engine.running());
    gauge(out, "vllm:num_requests_waiting", "Requests in the queue.", served, engine.waiting());
    gauge(
        out,
        "vllm:kv_cache_usage_perc",
        "Share of the pages of the cache of keys and values that rows hold: 1 is all.",
        served,
        engine.kvUse());
    gauge(
        out,
        "vllm:cache_config_info",
        "Pages of the cache of keys and values, and tokens of a page.",
        ordered(
            "model_name", model,
            "block_size", Integer.toString(engine.pageTokens()),
            "num_gpu_blocks", Integer.toString(engine.pages())),
        1);
    gauge(
        out,
        "vllm:lora_requests_info",
        "Adapters of the requests that run and wait; the value is when they last changed, in seconds.",
        ordered(
            "max_lora", Integer.toString(engine.maxAdapters()),
            "running_lora_adapters", names(adapters.running()),
            "waiting_lora_adapters", names(adapters.waiting())),
        adapters.changed());
    return out.toString();
  }

  private static String names(List<String> adapters) {
    return String.join(",", adapters);
  }

  private static Map<String, String> ordered(String... keysAndValues) {
    Map<String, String> map = new LinkedHashMap<>();
    for (int i = 0; i < keysAndValues.length; i += 2) {
      map.put(keysAndValues[i], keysAndValues[i + 1]);
    }
    return map;
  }

  private static void gauge(
      StringBuilder out, String name, String help, Map<String, String> labels, double value) {
    out.append("# HELP ").append(name).append(' ').append(help).append('\n');
    out.append("# TYPE ").append(name).append(" gauge\n");
    out.append(name).append('{');
    String separator = "";
    for (Map.Entry<String, String> label : labels.entrySet()) {
      out.append(separator).append(label.getKey()).append("=\"");
      out.append(escaped(label.getValue())).append('"');
      separator = ",";
    }
    out.append("} ").append(value).append('\n');
  }

  private static String escaped(String value) {
    return value.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n");
  }
}
