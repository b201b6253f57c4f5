package dev.tributary.server.bench;

import dev.tributary.identity.PeftConfig;
import dev.tributary.server.tensor.Libtorch;
import dev.tributary.server.tensor.Ops;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// The graph beside llama.cpp, in turns.
@Command(
    name = "peer",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Measures the graph and llama.cpp on the same model, adapter and threads, in turns, and prints"
          + " the ratios beside their targets. llama.cpp runs the model requantised to Q4_0, its"
          + " fastest kind, in Python.",
      ""
    })
final class PeerCommand implements Callable<Integer> {
  private static final int PREFILL = 512;
  private static final int ROWS = 32;

  /// The launcher sets it to the checkout.
  private static final String HOME = "tributary.home";

  @Parameters(index = "0", paramLabel = "MODEL", description = "A .gguf file.")
  private Path file = Path.of("");

  @Parameters(
      index = "1",
      paramLabel = "ADAPTER",
      description =
          "A PEFT folder with LoRA on all linear layers. llama.cpp runs it; Tributary runs random"
              + " weights of the same rank, which cost the same.")
  private Path adapter = Path.of("");

  @Option(
      names = "--python",
      paramLabel = "PROGRAM",
      defaultValue = "python3",
      description = "A Python with llama-cpp-python. Default: ${DEFAULT-VALUE}.")
  private String python = "python3";

  @Option(
      names = "--script",
      paramLabel = "FILE",
      description = "The peer. Default: .ci/peers/llamacpp.py of this checkout.")
  private @Nullable Path script;

  @Option(
      names = "--rounds",
      defaultValue = "3",
      description = "Turns of each; the best counts, for both. Default: ${DEFAULT-VALUE}.")
  private int rounds = 3;

  @Option(
      names = "--seconds",
      defaultValue = "1",
      description = "How long each of our figures is measured. Default: ${DEFAULT-VALUE}.")
  private double seconds = 1;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Threads of either. Default: the processors of this process.")
  private int threads = Runtime.getRuntime().availableProcessors();

  @Option(names = "--json", paramLabel = "FILE", description = "Write the figures there, too.")
  private @Nullable Path json;

  /// A figure that both have.
  ///
  /// @param rows sequences, or 0 for prefill
  private record Race(String order, int rows, Company company, double target) {
    String text() {
      return (rows == 0 ? "prefill " + PREFILL : "decode " + rows) + ", " + company.text();
    }
  }

  private static final List<Race> RACES =
      List.of(
          new Race("decode 1 none", 1, Company.NONE, 1.3),
          new Race("decode 1 one", 1, Company.ONE, 1.5),
          new Race("decode 8 none", 8, Company.NONE, 1.8),
          new Race("decode 8 one", 8, Company.ONE, 2.2),
          new Race("decode 32 none", ROWS, Company.NONE, 2.5),
          new Race("decode 32 one", ROWS, Company.ONE, 3),
          new Race("decode 32 different", ROWS, Company.DIFFERENT, 10),
          new Race("prefill 512 none", 0, Company.NONE, 6),
          new Race("prefill 512 one", 0, Company.ONE, 7));

  @Override
  public Integer call() throws Exception {
    int rank = PeftConfig.parse(Files.readAllBytes(adapter.resolve("adapter_config.json"))).r();
    Path peerScript = script();
    Machine machine = Machine.measure(threads);
    System.out.print(machine.text());
    Map<String, Double> ours = new LinkedHashMap<>();
    Map<String, Double> theirs = new LinkedHashMap<>();
    List<PeerLine> lines = new ArrayList<>();
    System.err.println("llama.cpp requantises the base");
    try (PeerProcess peer = new PeerProcess(python, peerScript, file, adapter, threads);
        OfflineModel model =
            OfflineModel.open(
                file, Ops.cpu(Libtorch.bundled(), threads), rank, PathChoice.AUTO, ROWS, PREFILL)) {
      System.out.printf(
          "llama.cpp: llama-cpp-python %s, %s%n",
          peer.facts().path("binding").asText(), peer.facts().path("base").asText());
      for (int round = 0; round < rounds; round++) {
        for (Race race : RACES) {
          System.err.printf("round %d of %d: %s%n", round + 1, rounds, race.text());
          ours.merge(race.order(), ours(model, race, round == 0), Math::max);
          theirs.merge(race.order(), peer.measure(race.order()), Math::max);
        }
      }
      for (Race race : RACES) {
        lines.add(
            PeerLine.race(
                race.text(), get(ours, race.order()), get(theirs, race.order()), race.target()));
      }
      lines.addAll(costs(model, ours));
      Table table = PeerLine.table();
      lines.forEach(line -> line.addTo(table));
      System.out.print(table.text());
      new Report("peer", Instant.now())
          .put("machine", machine)
          .put("peer", peer.facts())
          .put("rank", rank)
          .put("rounds", rounds)
          .put("lines", lines)
          .write(json);
    }
    return 0;
  }

  /// Tokens a second.
  private double ours(OfflineModel model, Race race, boolean first) {
    Runnable step =
        race.rows() == 0
            ? model.prefill(PREFILL, race.company().distinct(1))
            : model.decode(race.rows(), race.company().distinct(race.rows()));
    double millis = OfflineModel.median(step, first ? seconds : seconds / 4, seconds);
    return (race.rows() == 0 ? PREFILL : race.rows()) * 1e3 / millis;
  }

  /// What the table asks of us alone.
  private List<PeerLine> costs(OfflineModel model, Map<String, Double> ours) {
    double tax1 = 1 - get(ours, "decode 1 one") / get(ours, "decode 1 none");
    double tax32 = 1 - get(ours, "decode 32 different") / get(ours, "decode 32 none");
    double slowest = Double.MAX_VALUE;
    double fastest = 0;
    for (int distinct = 1; distinct <= ROWS; distinct *= 2) {
      double millis = OfflineModel.median(model.decode(ROWS, distinct), seconds / 2, seconds);
      slowest = Math.min(slowest, ROWS * 1e3 / millis);
      fastest = Math.max(fastest, ROWS * 1e3 / millis);
    }
    double same = OfflineModel.median(model.decode(1, 1), seconds / 2, seconds);
    double swapped = OfflineModel.median(model.swapping(ROWS), seconds / 2, seconds);
    return List.of(
        PeerLine.cost("LoRA tax, 1 row", "part", tax1, 0.10),
        PeerLine.cost("LoRA tax, 32 rows, a LoRA each", "part", tax32, 0.20),
        PeerLine.cost("throughput spread, 1 to 32 adapters", "part", 1 - slowest / fastest, 0.10),
        PeerLine.cost("warm adapter swap", "steps", swapped / same - 1, 1));
  }

  private static double get(Map<String, Double> figures, String key) {
    Double figure = figures.get(key);
    if (figure == null) {
      throw new IllegalStateException("not measured: " + key);
    }
    return figure;
  }

  private Path script() throws IOException {
    Path found = script;
    if (found == null) {
      found = Path.of(System.getProperty(HOME, "."), ".ci", "peers", "llamacpp.py");
    }
    if (!Files.isReadable(found)) {
      throw new IOException("there is no peer at " + found + "; name it by --script");
    }
    return found;
  }
}
