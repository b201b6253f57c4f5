package dev.tributary.server.bench;

import dev.tributary.v1.GetModelRequest;
import dev.tributary.v1.InferenceGrpc;
import dev.tributary.v1.Model;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// A server under a load of real streams.
@Command(
    name = "load",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Puts a load of gRPC streams on a server and reports statuses, throughput, latencies, where"
          + " adapters were and what memory the server took.",
      "",
      "With --model it starts a server of its own, with adapters of random weights; with --target it"
          + " calls one that runs. Callers either arrive by a Poisson process (--rate) or each wait"
          + " for their answer (--callers); they name adapters by Zipf's law.",
      ""
    })
final class LoadCommand implements Callable<Integer> {
  @ArgGroup(multiplicity = "1")
  private Server server = new Server();

  @ArgGroup(multiplicity = "1")
  private Callers callers = new Callers();

  private static final class Server {
    @Option(names = "--model", paramLabel = "MODEL", description = "Start a server on this model.")
    private @Nullable Path model;

    @Option(names = "--target", paramLabel = "HOST:PORT", description = "Call this server.")
    private @Nullable String target;
  }

  private static final class Callers {
    @Option(names = "--rate", paramLabel = "R", description = "Poisson arrivals a second.")
    private @Nullable Double rate;

    @Option(
        names = "--callers",
        paramLabel = "N",
        description = "Callers who each wait for their answer before they ask again.")
    private @Nullable Integer count;
  }

  @Option(
      names = "--adapters",
      paramLabel = "N",
      defaultValue = "0",
      description = "How many are registered and named; 0: the base alone. Default: 0.")
  private int adapters;

  @Option(
      names = "--zipf",
      paramLabel = "S",
      defaultValue = "1.0",
      description = "The k-th adapter is named in proportion to 1/k^S. Default: ${DEFAULT-VALUE}.")
  private double zipf = 1;

  @Option(
      names = "--prompt-tokens",
      paramLabel = "N|A-B",
      defaultValue = "128",
      converter = TokenRange.Converter.class,
      description = "Length of prompts, random tokens. Default: ${DEFAULT-VALUE}.")
  private TokenRange promptTokens = new TokenRange(128, 128);

  @Option(
      names = "--max-tokens",
      paramLabel = "N|A-B",
      defaultValue = "64",
      converter = TokenRange.Converter.class,
      description = "Length of answers. Default: ${DEFAULT-VALUE}.")
  private TokenRange maxTokens = new TokenRange(64, 64);

  @Option(
      names = "--shared-prefix",
      paramLabel = "N",
      defaultValue = "0",
      description = "First tokens that all prompts share. Default: 0.")
  private int sharedPrefix;

  @Option(
      names = "--temperature",
      defaultValue = "0",
      description = "0 is greedy. Default: ${DEFAULT-VALUE}.")
  private float temperature;

  @Option(
      names = "--duration",
      paramLabel = "TIME",
      defaultValue = "60s",
      converter = Seconds.class,
      description = "How long is measured: 30s, 10m. Default: ${DEFAULT-VALUE}.")
  private Duration duration = Duration.ofSeconds(60);

  @Option(
      names = "--warm-up",
      paramLabel = "TIME",
      defaultValue = "5s",
      converter = Seconds.class,
      description = "The same load before that, not counted. Default: ${DEFAULT-VALUE}.")
  private Duration warmUp = Duration.ofSeconds(5);

  @Option(
      names = "--seed",
      defaultValue = "1",
      description = "Of arrivals, prompts, adapters. Default: ${DEFAULT-VALUE}.")
  private long seed = 1;

  @Option(names = "--json", paramLabel = "FILE", description = "Write the figures there, too.")
  private @Nullable Path json;

  @Option(
      names = "--rank",
      defaultValue = "8",
      description = "With --model: of the adapters, on all linear layers. Default: 8.")
  private int rank = 8;

  @Option(
      names = "--adapter-memory",
      paramLabel = "MIB",
      defaultValue = "1024",
      description =
          "With --model: the server's memory for adapters; what does not fit is loaded from disk"
              + " when it is named. Default: ${DEFAULT-VALUE}.")
  private int adapterMemory = 1024;

  @Option(
      names = "--adapter-folder",
      paramLabel = "DIR",
      description = "With --model: write the adapters there and keep them. Default: a temporary.")
  private @Nullable Path adapterFolder;

  @Option(
      names = "--contributions",
      paramLabel = "FILE",
      description =
          "With --model: what each adapter is said to be trained on, JSONL: answers are attributed"
              + " then.")
  private @Nullable Path contributions;

  @Option(
      names = "--server-flag",
      paramLabel = "FLAG",
      description =
          "With --model: another flag of the server, as --server-flag=--threads=2;"
              + " repeatable.")
  private List<String> serverFlags = List.of();

  @Option(
      names = "--pid",
      paramLabel = "PID",
      description = "With --target: the server's process on this machine, to report its memory.")
  private @Nullable Long pid;

  @Override
  public Integer call() throws Exception {
    LoadPlan plan =
        new LoadPlan(
            callers.rate,
            callers.count,
            adapters,
            zipf,
            promptTokens,
            maxTokens,
            sharedPrefix,
            temperature,
            warmUp,
            duration,
            seed);
    if (server.target != null) {
      load(plan, server.target, pid == null ? OptionalLong.empty() : OptionalLong.of(pid));
    } else if (server.model != null) {
      withServer(plan, server.model);
    }
    return 0;
  }

  private void withServer(LoadPlan plan, Path model) throws Exception {
    if (adapterFolder != null) {
      withServer(plan, model, adapterFolder);
    } else {
      try (TemporaryFolder folder = TemporaryFolder.make()) {
        withServer(plan, model, folder.path());
      }
    }
  }

  private void withServer(LoadPlan plan, Path model, Path folder) throws Exception {
    if (plan.adapters() > 0) {
      AdaptersCommand.write(model, folder, plan.adapters(), rank, seed);
      if (contributions != null) {
        list(contributions, folder);
      }
    }
    List<String> flags =
        new ArrayList<>(
            List.of(
                "--model=" + model, "--adapters=" + folder, "--adapter-memory=" + adapterMemory));
    flags.addAll(serverFlags);
    System.err.println("starting the server");
    try (ServerProcess process = ServerProcess.start(flags)) {
      load(plan, process.address(), OptionalLong.of(process.pid()));
    }
  }

  /// Beside the weights of every adapter.
  private static void list(Path contributions, Path folder) throws IOException {
    try (DirectoryStream<Path> adapters = Files.newDirectoryStream(folder, Files::isDirectory)) {
      for (Path adapter : adapters) {
        Files.copy(
            contributions,
            adapter.resolve("contributions.jsonl"),
            StandardCopyOption.REPLACE_EXISTING);
      }
    }
  }

  private void load(LoadPlan plan, String address, OptionalLong process) throws Exception {
    ManagedChannel channel =
        Grpc.newChannelBuilder(address, InsecureChannelCredentials.create()).build();
    try {
      Model model = ask(channel, address);
      if (plan.promptTokens().to() + plan.maxTokens().to() > model.getContext()) {
        throw new IllegalArgumentException(
            "prompt and answer do not fit the model's context of " + model.getContext());
      }
      Served served = Served.of(model);
      System.out.print(served.text());
      LoadRun run =
          new LoadRun(
              channel,
              plan,
              new LoadRequests(
                  plan, LoadTarget.adapters(channel, plan.adapters()), model.getVocabulary()),
              new ResidentMemory(process),
              System.err);
      LoadFigures figures = run.run();
      System.out.print(figures.text());
      new Report("load", Instant.now())
          .put("server", served)
          .put("plan", plan.settings())
          .put("adapter_rank", server.model == null ? null : rank)
          .put("adapter_memory_mib", server.model == null ? null : adapterMemory)
          .put("attributed", contributions != null)
          .put("server_flags", serverFlags)
          .put("figures", figures)
          .write(json);
    } finally {
      channel.shutdownNow();
    }
  }

  private static Model ask(ManagedChannel channel, String address) throws IOException {
    try {
      return InferenceGrpc.newBlockingStub(channel).getModel(GetModelRequest.getDefaultInstance());
    } catch (StatusRuntimeException e) {
      throw new IOException("no server answers at " + address + ": " + e.getStatus().getCode(), e);
    }
  }

  /// What answers, as it says itself.
  record Served(
      String base,
      String baseDigest,
      String device,
      List<String> features,
      int threads,
      int maxRows,
      int maxQueued) {
    static Served of(Model model) {
      return new Served(
          model.getBaseName(),
          model.getBaseDigest(),
          model.getDevice().getName(),
          model.getDevice().getFeaturesList(),
          model.getDevice().getThreads(),
          model.getLimits().getMaxConcurrentRows(),
          model.getLimits().getMaxQueuedRequests());
    }

    String text() {
      return "%s on %s, %d threads, %s; at most %d rows, %d waiting%n"
          .formatted(base, device, threads, String.join(" ", features), maxRows, maxQueued);
    }
  }
}
