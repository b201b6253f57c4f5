package dev.tributary.server.engine;

import dev.tributary.server.model.AdapterUse;
import dev.tributary.server.model.LoraWeights;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;

/// An engine over [HashModel] with a clock that tests move.
final class EngineFixture {
  static final int PAGES = 64;
  static final int CONTEXT = 256;

  final AtomicLong clock = new AtomicLong(1000);
  final List<Throwable> fatal = new ArrayList<>();
  final EngineSettings settings;
  final HashModel model;
  final Engine engine;

  EngineFixture() {
    this(4, 8);
  }

  EngineFixture(int rows, int waiting) {
    this(rows, waiting, 16);
  }

  EngineFixture(int rows, int waiting, int chunk) {
    this(rows, waiting, chunk, PAGES, Integer.MAX_VALUE);
  }

  /// @param wideFrom rows of a step from which the model's wide path is the faster
  EngineFixture(int rows, int waiting, int chunk, int pages, int wideFrom) {
    settings =
        new EngineSettings(
            "sha256:base",
            false,
            CONTEXT,
            HashModel.VOCABULARY,
            pages,
            rows,
            waiting,
            rows,
            rows + 5 * chunk / 2,
            chunk,
            chunk,
            Duration.ofSeconds(30),
            3,
            Duration.ofSeconds(2));
    model = new HashModel(pages, settings.stepTokens(), wideFrom);
    engine = new Engine(model, new LetterText(), settings, clock::get, fatal::add);
  }

  /// Turns the loop until nothing is left to do.
  void runAll() {
    while (engine.turn() > 0) {
      clock.addAndGet(10);
    }
  }

  Recorder submit(Job job) {
    Recorder recorder = new Recorder();
    var unused = engine.submit(job, recorder);
    return recorder;
  }

  /// The model says `letters` after a prompt of one token, then ends.
  void says(int... tokens) {
    model.script = position -> position - 1 < tokens.length ? tokens[position - 1] : LetterText.END;
  }

  static Job job(Sampling sampling, int... prompt) {
    return JobBuilder.prompt(prompt).sampling(sampling).build();
  }

  static Sampling stopping(int maxTokens, List<String> stop, Set<Integer> stopTokenIds) {
    return new Sampling(maxTokens, 0, 0, 1, 0, 1, 0, 0, 0, stop, stopTokenIds, Map.of());
  }

  /// An adapter that [HashModel] tells apart by its size.
  static AdapterUse adapter(long bytes, float scale) {
    LoraWeights weights = new LoraWeights(Map.of(), Map.of(), Map.of(), null, bytes);
    return new AdapterUse(weights, scale, "sha256:" + bytes);
  }
}
