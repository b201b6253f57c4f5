package dev.tributary.server.bench;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// Tokens a second of the graph alone, one token a row.
@Command(
    name = "decode",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Tokens a second of the graph alone: each row has a prompt of 64 tokens, then steps of one"
          + " token a row with the logits of every row. No scheduler, sampler or network.",
      ""
    })
final class DecodeCommand implements Callable<Integer> {
  private static final int MOST_ROWS = 512;

  @Mixin private final GraphOptions options = new GraphOptions();

  @Option(
      names = "--rows",
      split = ",",
      paramLabel = "N",
      defaultValue = "1,8,32",
      description = "Sequences that decode together. Default: ${DEFAULT-VALUE}.")
  private int[] rows = {1, 8, 32};

  @Override
  public Integer call() throws Exception {
    options.check();
    int most = Arrays.stream(rows).max().orElse(1);
    if (most > MOST_ROWS || Arrays.stream(rows).anyMatch(r -> r < 1)) {
      throw new IllegalArgumentException("--rows must be between 1 and " + MOST_ROWS);
    }
    Machine machine = Machine.measure(options.threads);
    System.out.print(machine.text() + options.lora());
    List<Figure> figures = new ArrayList<>();
    Table table = Figure.table();
    try (OfflineModel model = options.open(most, 1)) {
      for (Company company : options.adapters) {
        for (int count : rows) {
          int distinct = company.distinct(count);
          if (company == Company.DIFFERENT && count == 1) {
            continue; // the same as one
          }
          double millis =
              OfflineModel.median(model.decode(count, distinct), options.seconds, options.seconds);
          Figure figure =
              Figure.of(
                  "decode",
                  count,
                  company,
                  model.path(count),
                  millis,
                  model.decodeWork(count, distinct),
                  machine);
          figure.addTo(table);
          figures.add(figure);
        }
      }
    }
    System.out.print(table.text());
    new Report("decode", Instant.now())
        .put("machine", machine)
        .put("rank", options.rank)
        .put("figures", figures)
        .write(options.json);
    return 0;
  }
}
