package dev.tributary.server.bench;

import java.util.List;
import java.util.Map;

/// What a load showed.
///
/// @param seconds that were measured
/// @param requests that were due in them
/// @param statuses how many ended with each
/// @param errors the texts of all that is not OK
/// @param unfinished cut off since they went on too long after the end
/// @param notSent left out since too many calls were open
/// @param generatedTokens arrived in the measured time
/// @param promptTokens of the answers that began, `cachedTokens` of them not computed again
/// @param firstTokenMs from when a call was due
/// @param interTokenMs between two deltas with tokens of one stream
/// @param queueMs as the server says it
/// @param loadMs waiting for weights that were not in memory
/// @param tiers where the adapter's weights were when the call came
/// @param hitRate part of the calls with an adapter whose weights were in memory; 1 without any
record LoadFigures(
    double seconds,
    int requests,
    Map<String, Integer> statuses,
    List<ErrorText> errors,
    int unfinished,
    int notSent,
    double requestsPerSecond,
    double tokensPerSecond,
    long generatedTokens,
    long promptTokens,
    long cachedTokens,
    Samples.Summary firstTokenMs,
    Samples.Summary interTokenMs,
    double interTokenP99OverP50,
    Samples.Summary queueMs,
    Samples.Summary loadMs,
    Map<String, Integer> tiers,
    double hitRate,
    ResidentMemory.Growth residentBytes) {

  /// A status, its text, and how often it came.
  record ErrorText(String status, String text, int count) {}

  String text() {
    if (requests == 0) {
      return "no call began in the %.0f s that count: answers of the warm-up took all of it%n"
          .formatted(seconds);
    }
    StringBuilder text = new StringBuilder();
    text.append(
        "%,d requests in %.0f s: %.2f answered a second, %.0f tokens/s%n"
            .formatted(requests, seconds, requestsPerSecond, tokensPerSecond));
    text.append("statuses   ").append(statuses).append(System.lineSeparator());
    if (notSent > 0 || unfinished > 0) {
      text.append("           not sent: %d, cut off: %d%n".formatted(notSent, unfinished));
    }
    for (ErrorText error : errors) {
      text.append(
          "           %d x %s: %s%n".formatted(error.count(), error.status(), error.text()));
    }
    text.append(
        "prompts    %,d tokens, %,d of them cached%n".formatted(promptTokens, cachedTokens));
    if (!tiers.isEmpty()) {
      text.append("adapters   %s, in memory: %.1f%%%n".formatted(tiers, 100 * hitRate));
    }
    if (residentBytes.most() > 0) {
      text.append(
          "memory     %,d MB at the start, %,d in the middle, %,d at the end, %,d at most%n"
              .formatted(
                  megabytes(residentBytes.start()),
                  megabytes(residentBytes.middle()),
                  megabytes(residentBytes.end()),
                  megabytes(residentBytes.most())));
    }
    Table table = new Table("ms", "count", "mean", "p50", "p95", "p99", "max");
    add(table, "first token", firstTokenMs);
    add(table, "between tokens", interTokenMs);
    add(table, "queue", queueMs);
    add(table, "adapter load", loadMs);
    text.append(System.lineSeparator()).append(table.text());
    text.append("between tokens, p99 / p50: %.2f%n".formatted(interTokenP99OverP50));
    return text.toString();
  }

  private static void add(Table table, String name, Samples.Summary summary) {
    table.add(
        name,
        "%,d".formatted(summary.count()),
        "%.1f".formatted(summary.mean()),
        "%.1f".formatted(summary.p50()),
        "%.1f".formatted(summary.p95()),
        "%.1f".formatted(summary.p99()),
        "%.1f".formatted(summary.max()));
  }

  private static long megabytes(long bytes) {
    return bytes / 1_000_000;
  }
}
