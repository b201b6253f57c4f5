package dev.tributary.server.bench;

import dev.tributary.server.ledger.Log;
import dev.tributary.server.ledger.LogSettings;
import dev.tributary.tlog.SigningKey;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// Measures the ledger's log: leaves a second, and the time until one is durable and until it can
/// be proved.
@Command(
    name = "ledger",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Appends random leaves to a new log, first with a fixed number under way, then at a fixed rate;"
          + " one leaf in 256 is proved against the first checkpoint that covers it.",
      ""
    })
final class LedgerCommand implements Callable<Integer> {
  private static final int MOST = 1_000_000;
  private static final int WARM_UP_SECONDS = 2;

  /// @param heap bytes after a collection
  /// @param resident bytes of the process
  record Memory(long treeSize, long heap, long resident) {}

  @Option(
      names = "--folder",
      paramLabel = "DIR",
      description = "On the disk to measure; a new folder in it is used. Default: here.")
  private Path folder = Path.of("");

  @Option(
      names = "--in-flight",
      split = ",",
      defaultValue = "1,16,64,256,1024,4096",
      description = "Leaves under way at a time. Default: ${DEFAULT-VALUE}.")
  private List<Integer> flights = List.of();

  @Option(
      names = "--rate",
      defaultValue = "20000",
      description = "Leaves a second of the last run; 0 for none. Default: ${DEFAULT-VALUE}.")
  private int rate = 20_000;

  @Option(
      names = "--bytes",
      defaultValue = "256",
      description = "Of a leaf. Default: ${DEFAULT-VALUE}.")
  private int bytes = 256;

  @Option(
      names = "--seconds",
      defaultValue = "10",
      description = "For which each run appends. Default: ${DEFAULT-VALUE}.")
  private int seconds = 10;

  @Option(names = "--json", paramLabel = "FILE", description = "Write the figures there, too.")
  private @Nullable Path json;

  private final List<Memory> memory = new ArrayList<>();

  @Override
  public Integer call() throws Exception {
    boolean sound = flights.stream().allMatch(flight -> flight >= 1 && flight <= MOST);
    if (!sound || rate < 0 || bytes < 1 || bytes > Log.MAX_LEAF || seconds < 1) {
      throw new IllegalArgumentException(
          "--in-flight 1 to 1,000,000, --rate from 0, --bytes 1 to 65,535, --seconds from 1");
    }
    try (TemporaryFolder data = TemporaryFolder.in(folder)) {
      SigningKey key = SigningKey.generate("bench.example/log", new SecureRandom());
      LogSettings usual = LogSettings.of(data.path().resolve("ledger"), key);
      LogSettings settings =
          new LogSettings(
              usual.folder(),
              key,
              usual.nextKey(),
              usual.anchor(),
              usual.witnesses(),
              usual.publishEvery(),
              MOST);
      try (Log log = Log.open(settings)) {
        report(measure(log));
      }
    }
    return 0;
  }

  private List<LedgerRun.Result> measure(Log log) throws InterruptedException {
    List<LedgerRun.Result> results = new ArrayList<>();
    new LedgerRun(log, MOST / 1_000, 0, bytes, LoadRequests.generator(0)).run(WARM_UP_SECONDS);
    sampleMemory(log);
    for (int flight : flights) {
      results.add(
          new LedgerRun(log, flight, 0, bytes, LoadRequests.generator(flight)).run(seconds));
      sampleMemory(log);
    }
    if (rate > 0) {
      results.add(new LedgerRun(log, MOST, rate, bytes, LoadRequests.generator(1)).run(seconds));
      sampleMemory(log);
    }
    return results;
  }

  private void sampleMemory(Log log) {
    System.gc();
    long heap = ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
    long resident = new ResidentMemory(OptionalLong.of(ProcessHandle.current().pid())).sample();
    memory.add(new Memory(log.durable(), heap, resident));
  }

  private void report(List<LedgerRun.Result> results) throws Exception {
    Table table =
        new Table(
            "leaves",
            "a second",
            "durable p50 ms",
            "p99 ms",
            "proof p50 ms",
            "p99 ms",
            "max ms",
            "tree size");
    for (LedgerRun.Result result : results) {
      table.add(
          result.rate() == 0
              ? "%,d under way".formatted(result.flight())
              : "%,d a second".formatted(result.rate()),
          "%,.0f".formatted(result.perSecond()),
          "%.1f".formatted(result.durable().p50()),
          "%.1f".formatted(result.durable().p99()),
          "%.1f".formatted(result.proof().p50()),
          "%.1f".formatted(result.proof().p99()),
          "%.1f".formatted(result.proof().max()),
          "%,d".formatted(result.treeSize()));
    }
    System.out.print(table.text());
    Table held = new Table("tree size", "heap MiB", "process MiB");
    for (Memory sample : memory) {
      held.add(
          "%,d".formatted(sample.treeSize()),
          "%.1f".formatted(sample.heap() / 1048576.0),
          "%.0f".formatted(sample.resident() / 1048576.0));
    }
    System.out.print(held.text());
    new Report("ledger", Instant.now())
        .put("bytes", bytes)
        .put("seconds", seconds)
        .put("runs", results)
        .put("memory", memory)
        .write(json);
  }
}
