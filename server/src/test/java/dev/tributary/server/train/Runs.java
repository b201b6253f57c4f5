package dev.tributary.server.train;

import dev.tributary.server.model.LlamaConfig;
import dev.tributary.server.model.RotaryScaling;
import dev.tributary.server.tensor.AttentionShape;
import dev.tributary.tlog.Hash;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;

/// Runs of tests: small members, trained where they are.
final class Runs {
  static final LlamaConfig SHAPE =
      new LlamaConfig(
          "llama",
          1,
          16,
          24,
          new AttentionShape(2, 1, 8),
          40,
          128,
          1e-5f,
          new RotaryScaling(10_000, new RotaryScaling.Plain()),
          false,
          false,
          false,
          false,
          true);

  static final TrainingBase BASE =
      new TrainingBase("sha256:" + "ab".repeat(32), "tests/tiny", SHAPE, "toy");

  /// A batch of 4 fills more than one micro-batch.
  static final Capacity CAPACITY = new Capacity(24, 64);

  static final Device HERE =
      pieces -> {
        while (pieces.getAsBoolean()) {
          Thread.onSpinWait();
        }
        return CompletableFuture.completedFuture(null);
      };

  static final TrainingListener DEAF = progress -> {};

  static final BooleanSupplier NEVER = () -> false;

  private Runs() {}

  /// Random examples of 4 to 12 tokens, of two contributors.
  static List<Example> examples(int count, long seed) {
    Random random = new Random(seed);
    List<Example> examples = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int[] tokens = random.ints(random.nextInt(4, 13), 0, 40).toArray();
      Hash digest = Hash.sha256((seed + " " + i).getBytes(StandardCharsets.UTF_8));
      examples.add(
          new Example(i + 1, i % 2 == 0 ? "a" : "b", digest, tokens, random.nextInt(1, 4)));
    }
    return examples;
  }

  static RunSettings settings(int rank, long seed) {
    return new RunSettings(
        new LoraShape(rank, 2 * rank, false, List.of("q_proj", "down_proj")),
        new Optimization(0.01, 3, 0, 4, 2, 1, 0.01, 0),
        24,
        0,
        seed);
  }

  /// A member that takes 3 epochs of 4 steps.
  static Member member(String name, long seed) {
    return new Member(
        name, settings(2 + (int) (seed % 3), seed), examples(14, seed), examples(3, seed + 100));
  }

  static Surroundings place(Gradients gradients, int checkpointEvery, Disk disk) {
    return new Surroundings(
        gradients,
        HERE,
        BASE,
        CAPACITY,
        new Cadence(checkpointEvery, Duration.ofDays(1)),
        List.of(new int[] {1, 2, 3}, new int[] {4, 5, 6, 7}),
        () -> 0,
        disk);
  }

  static Trainer trainer(int checkpointEvery) {
    return new Trainer(place(new ToyGradients(64), checkpointEvery, new LocalDisk()));
  }

  /// Trains `members` to their end, and returns the digests of their adapters.
  static List<String> digests(Trainer trainer, Path folder, List<Member> members)
      throws IOException {
    return trainer.train(folder, members, DEAF, NEVER).stream()
        .map(outcome -> ((Outcome.Trained) outcome).report().adapterDigest())
        .toList();
  }
}
