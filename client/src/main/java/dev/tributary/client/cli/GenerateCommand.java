package dev.tributary.client.cli;

import dev.tributary.client.Answer;
import dev.tributary.client.TributaryClient;
import dev.tributary.v1.GenerateRequest;
import dev.tributary.v1.OutputOptions;
import java.io.IOException;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `tributary generate`: one answer, streamed.
@Command(
    name = "generate",
    description = "Answer TEXT, a user's message, and stream the answer.",
    footer = {
      "%nExamples:",
      "  tributary generate \"When does the library open?\"",
      "  tributary generate -a town-guide \"When does the library open?\"",
      "  tributary generate -a pirate*0.5 -a haiku@2 \"Tell me about rain.\"",
      "  tributary generate --raw --max-tokens 20 - < prompt.txt"
    })
final class GenerateCommand implements Callable<Integer> {
  private final Tributary tributary;

  @Mixin private InputOptions input = new InputOptions();
  @Mixin private SamplingOptions sampling = new SamplingOptions();

  @Option(
      names = "--logprobs",
      paramLabel = "N",
      description = "Show log-probabilities, and those of the N most probable tokens.")
  private @Nullable Integer logprobs;

  @Option(
      names = "--repeatable",
      description = "Take the paths that make the answer independent of other traffic.")
  private boolean repeatable;

  @Option(
      names = "--request-id",
      paramLabel = "ID",
      description = "Refuse to answer twice under this id.")
  private String requestId = "";

  @Parameters(
      paramLabel = "TEXT",
      arity = "1",
      description = "What to answer; - reads standard input.")
  private String text = "";

  GenerateCommand(Tributary tributary) {
    this.tributary = tributary;
  }

  @Override
  public Integer call() throws IOException {
    GenerateRequest request = request(InputOptions.text(text, tributary.terminal()));
    try (TributaryClient client = tributary.client();
        Answer answer = client.generate(request)) {
      new AnswerPrinter(tributary).print(answer);
    }
    return 0;
  }

  private GenerateRequest request(String content) {
    GenerateRequest.Builder request =
        GenerateRequest.newBuilder()
            .setRequestId(requestId)
            .addAllAdapters(input.adapters())
            .setSampling(sampling.sampling())
            .setRepeatable(repeatable);
    if (logprobs != null) {
      request.setOutput(OutputOptions.newBuilder().setLogprobs(logprobs));
    }
    if (input.raw()) {
      request.setPrompt(content);
    } else {
      request.setChat(input.chat(content));
    }
    return request.build();
  }
}
