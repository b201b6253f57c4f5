package dev.tributary.client.cli;

import dev.tributary.client.TributaryClient;
import dev.tributary.v1.ScoreRequest;
import dev.tributary.v1.ScoreResponse;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `tributary score`: how probable completions are.
@Command(
    name = "score",
    description = "Say how probable each COMPLETION of INPUT is.",
    footer = {
      "%nExample:",
      "  tributary score --raw \"The capital of France is\" \" Paris\" \" Rome\"",
    })
final class ScoreCommand implements Callable<Integer> {
  private final Tributary tributary;

  @Mixin private InputOptions input = new InputOptions();

  @Option(
      names = "--top-n",
      paramLabel = "N",
      description = "Ask for the N most probable tokens of each position (with --json).")
  private @Nullable Integer topN;

  @Parameters(
      index = "0",
      paramLabel = "INPUT",
      description = "A user's message; - reads standard input.")
  private String text = "";

  @Parameters(
      index = "1..*",
      arity = "1..*",
      paramLabel = "COMPLETION",
      description = "What could follow.")
  private List<String> completions = List.of();

  ScoreCommand(Tributary tributary) {
    this.tributary = tributary;
  }

  @Override
  public Integer call() throws IOException {
    ScoreRequest request = request(InputOptions.text(text, tributary.terminal()));
    ScoreResponse response;
    try (TributaryClient client = tributary.client()) {
      response = client.score(request);
    }
    if (response.getScoresCount() != completions.size()) {
      throw new IOException(
          "%d scores came for %d completions"
              .formatted(response.getScoresCount(), completions.size()));
    }
    if (tributary.json()) {
      tributary.printJson(response);
    } else {
      print(response);
    }
    return 0;
  }

  private ScoreRequest request(String content) {
    ScoreRequest.Builder request = ScoreRequest.newBuilder().addAllAdapters(input.adapters());
    if (topN != null) {
      request.setTopN(topN);
    }
    for (String completion : completions) {
      ScoreRequest.Item.Builder item = request.addItemsBuilder().setCompletion(completion);
      if (input.raw()) {
        item.setPrompt(content);
      } else {
        item.setChat(input.chat(content));
      }
    }
    return request.build();
  }

  private void print(ScoreResponse response) {
    Table table = new Table().row("LOG P", "PER TOKEN", "TOKENS", "GREEDY", "COMPLETION");
    for (int i = 0; i < completions.size(); i++) {
      ScoreResponse.Score score = response.getScores(i);
      int tokens = score.getTokenLogprobsCount();
      table.row(
          String.format(Locale.ROOT, "%.4f", score.getSum()),
          String.format(Locale.ROOT, "%.4f", score.getSum() / Math.max(1, tokens)),
          Integer.toString(tokens),
          score.getIsGreedy() ? "yes" : "no",
          Texts.quoted(completions.get(i)));
    }
    Terminal terminal = tributary.terminal();
    table.lines().forEach(terminal.out()::println);
    terminal.err().println(terminal.dim("[" + Texts.adapters(response.getAdaptersList()) + "]"));
  }
}
