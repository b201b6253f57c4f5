package dev.tributary.server.bench;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// Prompt tokens a second of the graph alone.
@Command(
    name = "prefill",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Prompt tokens a second of the graph alone: a prompt in one step, with the logits of its last"
          + " token. No scheduler, sampler or network.",
      ""
    })
final class PrefillCommand implements Callable<Integer> {
  @Mixin private final GraphOptions options = new GraphOptions();

  @Option(
      names = "--tokens",
      split = ",",
      paramLabel = "N",
      defaultValue = "512",
      description = "Lengths of prompts. Default: ${DEFAULT-VALUE}.")
  private int[] tokens = {512};

  @Override
  public Integer call() throws Exception {
    options.check();
    int most = Arrays.stream(tokens).max().orElse(1);
    if (Arrays.stream(tokens).anyMatch(n -> n < 1)) {
      throw new IllegalArgumentException("--tokens must be above 0");
    }
    Machine machine = Machine.measure(options.threads);
    System.out.print(machine.text() + options.lora());
    List<Figure> figures = new ArrayList<>();
    Table table = Figure.table();
    try (OfflineModel model = options.open(1, most)) {
      for (Company company : options.adapters) {
        if (company == Company.DIFFERENT) {
          continue; // a prompt has one
        }
        for (int count : tokens) {
          int distinct = company.distinct(1);
          double millis =
              OfflineModel.median(model.prefill(count, distinct), options.seconds, options.seconds);
          Figure figure =
              Figure.of(
                  "prefill",
                  count,
                  company,
                  model.path(count),
                  millis,
                  model.prefillWork(count, distinct),
                  machine);
          figure.addTo(table);
          figures.add(figure);
        }
      }
    }
    System.out.print(table.text());
    new Report("prefill", Instant.now())
        .put("machine", machine)
        .put("rank", options.rank)
        .put("figures", figures)
        .write(options.json);
    return 0;
  }
}
