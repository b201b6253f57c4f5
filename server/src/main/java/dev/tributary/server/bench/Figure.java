package dev.tributary.server.bench;

import dev.tributary.identity.ComputePath;
import java.util.Locale;

/// Speed of one kind of step.
///
/// @param measure `decode` or `prefill`
/// @param tokens computed by a step
/// @param adapters which the rows carry
/// @param millis median of a step
/// @param gigabytesPerSecond what the step must read, over its time
/// @param ofBandwidth the same as a part of the machine's limit; above 1 where caches hold weights
/// @param gigaflops what the step must compute, over its time
/// @param ofFlops the same as a part of the machine's float32 limit; above 1 where the step
///   computes in narrower numbers
record Figure(
    String measure,
    int tokens,
    String adapters,
    String path,
    double millis,
    double tokensPerSecond,
    double gigabytesPerSecond,
    double ofBandwidth,
    double gigaflops,
    double ofFlops) {

  static Figure of(
      String measure,
      int tokens,
      Company company,
      ComputePath path,
      double millis,
      Work work,
      Machine machine) {
    double gigabytes = work.bytes() / millis / 1e6;
    double gigaflops = work.flops() / millis / 1e6;
    return new Figure(
        measure,
        tokens,
        company.text(),
        path.name().toLowerCase(Locale.ROOT),
        millis,
        tokens * 1e3 / millis,
        gigabytes,
        gigabytes / machine.gigabytesPerSecond(),
        gigaflops,
        gigaflops / machine.gigaflops());
  }

  /// The columns of [#addTo].
  static Table table() {
    return new Table(
        "", "adapters", "path", "ms a step", "tokens/s", "GB/s", "of limit", "GFLOP/s", "of limit");
  }

  void addTo(Table table) {
    table.add(
        measure + " " + tokens,
        adapters,
        path,
        "%.2f".formatted(millis),
        "%.0f".formatted(tokensPerSecond),
        "%.1f".formatted(gigabytesPerSecond),
        "%.0f%%".formatted(100 * ofBandwidth),
        "%.0f".formatted(gigaflops),
        "%.0f%%".formatted(100 * ofFlops));
  }
}
