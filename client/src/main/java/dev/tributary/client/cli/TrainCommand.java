package dev.tributary.client.cli;

import com.google.protobuf.ByteString;
import dev.tributary.client.ContributionFile;
import dev.tributary.client.TributaryClient;
import dev.tributary.v1.AdapterSelector;
import dev.tributary.v1.RegisterContributionsRequest.Contribution;
import dev.tributary.v1.TrainingRun;
import dev.tributary.v1.TrainingStartRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `tributary train`: a file of contributions becomes a served version.
@Command(
    name = "train",
    description = {
      "Train an adapter on the contributions of a JSON-lines file, and publish it as a version.",
      "Each line has `contributor`, and `messages` or `prompt` and `completion`; all of them are"
          + " registered first. The server trains beside answering; Ctrl-C leaves the run going."
    },
    footer = {
      "%nExamples:",
      "  tributary train pirate.jsonl --name pirate --rank 8 --alpha 16",
      "  tributary train guide.jsonl --name guide --eval guide.questions.jsonl --alias canary"
    })
final class TrainCommand implements Callable<Integer> {
  /// Of a request, besides what the files have.
  private static final int ENVELOPE_BYTES = 64 << 10;

  private final Tributary tributary;

  @Option(
      names = "--name",
      paramLabel = "NAME",
      required = true,
      description = "Adapter that gets the version; made if there is none.")
  private String name = "";

  @Mixin private TrainingOptions options = new TrainingOptions();

  @Option(
      names = "--eval",
      paramLabel = "FILE",
      description = "Examples to evaluate on and not to train on, as FILE; asked before and after.")
  private @Nullable Path eval;

  @Option(
      names = "--ask",
      paramLabel = "N",
      defaultValue = "20",
      description = "How many of them are asked (default: ${DEFAULT-VALUE}).")
  private int ask = 20;

  @Option(
      names = "--show",
      paramLabel = "N",
      defaultValue = "8",
      description = "How many answers are shown (default: ${DEFAULT-VALUE}).")
  private int show = 8;

  @Option(
      names = "--dataset",
      paramLabel = "NAME",
      defaultValue = "",
      description = "What the examples are registered as (default: the adapter's name).")
  private String dataset = "";

  @Option(
      names = "--licence",
      paramLabel = "SPDX",
      defaultValue = "",
      description = "Under which they are given, such as CC-BY-4.0 (default: NOASSERTION).")
  private String licence = "";

  @Option(
      names = "--request-id",
      paramLabel = "ID",
      defaultValue = "",
      description = "Refuse to start twice under this id.")
  private String requestId = "";

  @Option(names = "--detach", description = "Return once the run is queued.")
  private boolean detach;

  @Mixin private TimeoutOption timeout = new TimeoutOption();

  @Parameters(paramLabel = "FILE", description = "JSON lines.")
  private Path file = Path.of("");

  TrainCommand(Tributary tributary) {
    this.tributary = tributary;
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    List<Contribution> questions = new ArrayList<>();
    if (eval != null) {
      long unused = new ContributionFile(eval, "").read(questions::add);
    }
    try (TributaryClient client = tributary.client()) {
      TrainingRun run =
          client
              .trainings()
              .start(request(client.model().getLimits().getMaxMessageBytes()), timeout.time());
      RunFollower follower = new RunFollower(tributary, client);
      follower.started(run);
      if (detach) {
        return 0;
      }
      TrainingRun ended = follower.follow(run.getRunId());
      int code = follower.report(ended);
      if (code == 0 && !questions.isEmpty()) {
        AdapterSelector version =
            AdapterSelector.newBuilder()
                .setName(ended.getAdapter())
                .setNumber(ended.getVersion())
                .build();
        new BeforeAfter(tributary, client, version).show(questions, ask, show);
      }
      return code;
    }
  }

  /// @param most bytes of a request
  private TrainingStartRequest request(long most) throws IOException {
    long bytes = Files.size(file) + (eval == null ? 0 : Files.size(eval)) + ENVELOPE_BYTES;
    if (bytes > most) {
      throw new IOException(
          "%s is too much for one run: the server takes %s, held-out examples included"
              .formatted(Texts.bytes(bytes - ENVELOPE_BYTES), Texts.bytes(most - ENVELOPE_BYTES)));
    }
    TrainingStartRequest.Builder request =
        TrainingStartRequest.newBuilder()
            .setAdapter(name)
            .setData(ByteString.copyFrom(Files.readAllBytes(file)))
            .setSettings(options.settings())
            .setRequestId(requestId)
            .setDataset(dataset)
            .setLicence(licence);
    if (eval != null) {
      request.setHeldOut(ByteString.copyFrom(Files.readAllBytes(eval)));
    }
    return request.build();
  }
}
