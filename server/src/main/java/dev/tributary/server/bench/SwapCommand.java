package dev.tributary.server.bench;

import dev.tributary.server.adapter.AdapterFolders;
import dev.tributary.v1.AdapterSelector;
import dev.tributary.v1.AdaptersGrpc;
import dev.tributary.v1.GenerateEvent;
import dev.tributary.v1.GenerateRequest;
import dev.tributary.v1.GetModelRequest;
import dev.tributary.v1.InferenceGrpc;
import dev.tributary.v1.LoadRequest;
import dev.tributary.v1.Sampling;
import dev.tributary.v1.UnloadRequest;
import io.grpc.Context;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// Measures what it costs to change adapters: the caller who waits for a load, and everybody else.
@Command(
    name = "swap",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Starts a server and measures the time between the tokens of answers under way, alone and"
          + " while adapters are loaded from disk one after another, for the first time (each with"
          + " its proof of effect) and again; then the time to the first token of one answer by"
          + " where its adapter is.",
      ""
    })
final class SwapCommand implements Callable<Integer> {
  private static final int PROMPT = 32;

  /// Tokens of the answers under way; a caller whose answer has ended asks again.
  private static final int ANSWER = 1024;

  private static final long MILLIS = 1_000;

  @Parameters(paramLabel = "MODEL", description = "A .gguf file or a Hugging Face folder.")
  private Path model = Path.of("");

  @Option(
      names = "--rows",
      defaultValue = "8",
      description = "Answers under way, without adapters. Default: ${DEFAULT-VALUE}.")
  private int rows = 8;

  @Option(
      names = "--loads",
      defaultValue = "100",
      description = "Adapters that are loaded. Default: ${DEFAULT-VALUE}.")
  private int loads = 100;

  @Option(
      names = "--rank",
      defaultValue = "16",
      description = "Of the adapters, on all linear layers. Default: ${DEFAULT-VALUE}.")
  private int rank = 16;

  @Option(
      names = "--seconds",
      defaultValue = "10",
      description = "How long answers are measured alone. Default: ${DEFAULT-VALUE}.")
  private int seconds = 10;

  @Option(names = "--json", paramLabel = "FILE", description = "Write the figures there, too.")
  private @Nullable Path json;

  /// What the gaps between tokens count for now; null: nothing.
  private volatile @Nullable Samples phase;

  private int vocabulary;

  @Override
  public Integer call() throws Exception {
    if (rows < 1 || rows > 64 || loads < 1 || loads > AdaptersCommand.MOST || seconds < 1) {
      throw new IllegalArgumentException("--rows 1 to 64, --loads 1 to 10,000, --seconds from 1");
    }
    try (TemporaryFolder folder = TemporaryFolder.make()) {
      AdaptersCommand.write(model, folder.path(), loads, rank, 1);
      // All of them fit, so that each is loaded once and stays.
      long memory = 64 + 2 * loads * AdapterFolders.of(model, rank).bytes() / (1 << 20);
      List<String> flags =
          List.of("--model=" + model, "--adapters=" + folder.path(), "--adapter-memory=" + memory);
      System.err.println("starting the server");
      try (ServerProcess server = ServerProcess.start(flags)) {
        ManagedChannel channel =
            Grpc.newChannelBuilder(server.address(), InsecureChannelCredentials.create()).build();
        try {
          measure(channel);
        } finally {
          channel.shutdownNow();
        }
      }
    }
    return 0;
  }

  private void measure(ManagedChannel channel) throws Exception {
    vocabulary =
        InferenceGrpc.newBlockingStub(channel)
            .getModel(GetModelRequest.getDefaultInstance())
            .getVocabulary();
    List<String> adapters = LoadTarget.adapters(channel, loads);
    Samples alone = new Samples();
    Samples first = new Samples();
    Samples firstLoad = new Samples();
    Samples again = new Samples();
    Samples againLoad = new Samples();
    Context.CancellableContext answers = Context.current().withCancellation();
    List<Thread> callers = new ArrayList<>();
    for (int row = 0; row < rows; row++) {
      int seed = row;
      callers.add(Thread.startVirtualThread(answers.wrap(() -> answerOn(channel, seed, answers))));
    }
    try {
      Thread.sleep(MILLIS * Math.min(seconds, 5));
      phase = alone;
      Thread.sleep(MILLIS * seconds);
      load(channel, adapters, first, firstLoad);
      adapters.forEach(adapter -> unload(channel, adapter));
      load(channel, adapters, again, againLoad);
    } finally {
      answers.cancel(null);
      for (Thread caller : callers) {
        caller.join();
      }
    }
    Samples base = new Samples();
    Samples device = new Samples();
    Samples disk = new Samples();
    for (int i = 0; i < loads; i++) {
      String adapter = adapters.get(i);
      base.add(firstToken(channel, null, i));
      device.add(firstToken(channel, adapter, i));
      unload(channel, adapter);
      disk.add(firstToken(channel, adapter, i));
    }
    report(
        List.of(
            new Line("between tokens of %d rows".formatted(rows), "between_tokens_alone", alone),
            new Line(
                "... while %d adapters are loaded first".formatted(loads),
                "between_tokens_beside_first_loads",
                first),
            new Line("... while they are loaded again", "between_tokens_beside_loads", again),
            new Line("a first load beside them", "first_load", firstLoad),
            new Line("a load again", "load", againLoad),
            new Line("first token, no adapter", "first_token_base", base),
            new Line("... adapter in the device tier", "first_token_device", device),
            new Line("... adapter on disk", "first_token_disk", disk)));
    double quiet = alone.summary().p99();
    System.out.printf(
        "p99 between tokens: %.2f times during first loads, %.2f during loads again%n",
        first.summary().p99() / quiet, again.summary().p99() / quiet);
  }

  /// Loads all of `adapters` one after another.
  ///
  /// @param gaps take the time between tokens meanwhile
  /// @param times take how long each took
  private void load(ManagedChannel channel, List<String> adapters, Samples gaps, Samples times) {
    phase = gaps;
    for (String adapter : adapters) {
      times.add(timed(() -> AdaptersGrpc.newBlockingStub(channel).load(loadOf(adapter))));
    }
    phase = null;
  }

  private static void unload(ManagedChannel channel, String adapter) {
    var unused =
        AdaptersGrpc.newBlockingStub(channel)
            .unload(UnloadRequest.newBuilder().setAdapter(loadOf(adapter).getAdapter()).build());
  }

  /// Asks for long answers until the context ends.
  private void answerOn(ManagedChannel channel, int seed, Context.CancellableContext answers) {
    RandomGenerator random = LoadRequests.generator(seed);
    while (!answers.isCancelled()) {
      try {
        Iterator<GenerateEvent> events =
            InferenceGrpc.newBlockingStub(channel).generate(request(random, null, ANSWER));
        long last = 0;
        while (events.hasNext()) {
          if (events.next().hasDelta()) {
            long now = System.nanoTime();
            gap(last == 0 ? 0 : now - last);
            last = now;
          }
        }
      } catch (StatusRuntimeException e) {
        if (!answers.isCancelled()) {
          throw e;
        }
      }
    }
  }

  private void gap(long nanos) {
    Samples now = phase;
    if (now != null && nanos > 0) {
      synchronized (now) {
        now.add(nanos);
      }
    }
  }

  private long firstToken(ManagedChannel channel, @Nullable String adapter, int seed) {
    RandomGenerator random = LoadRequests.generator(1_000_000 + seed);
    GenerateRequest request = request(random, adapter, 1);
    return timed(() -> InferenceGrpc.newBlockingStub(channel).generateOnce(request));
  }

  private static long timed(Runnable call) {
    long start = System.nanoTime();
    call.run();
    return System.nanoTime() - start;
  }

  private static LoadRequest loadOf(String adapter) {
    return LoadRequest.newBuilder()
        .setAdapter(AdapterSelector.newBuilder().setName(adapter))
        .build();
  }

  private GenerateRequest request(RandomGenerator random, @Nullable String adapter, int maxTokens) {
    GenerateRequest.Builder request =
        GenerateRequest.newBuilder()
            .setTokens(LoadRequests.tokens(random, vocabulary, PROMPT))
            .setSampling(
                Sampling.newBuilder().setMaxTokens(maxTokens).setTemperature(1).setSeed(1));
    if (adapter != null) {
      request.addAdapters(AdapterSelector.newBuilder().setName(adapter));
    }
    return request.build();
  }

  /// What was measured.
  ///
  /// @param key in the JSON
  private record Line(String text, String key, Samples samples) {}

  private void report(List<Line> lines) throws IOException {
    Table table = new Table("milliseconds", "p50", "p95", "p99", "max", "of");
    Report report = new Report("swap", Instant.now()).put("rows", rows).put("rank", rank);
    for (Line line : lines) {
      Samples.Summary summary = line.samples.summary();
      table.add(
          line.text,
          "%.1f".formatted(summary.p50()),
          "%.1f".formatted(summary.p95()),
          "%.1f".formatted(summary.p99()),
          "%.1f".formatted(summary.max()),
          "%,d".formatted(summary.count()));
      report.put(line.key, summary);
    }
    System.out.print(table.text());
    report.write(json);
  }
}
