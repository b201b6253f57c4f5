package dev.tributary.server;

import dev.tributary.identity.ComputePath;
import dev.tributary.server.adapter.AdapterStore;
import dev.tributary.server.adapter.Probe;
import dev.tributary.server.adapter.ProbeExample;
import dev.tributary.server.engine.Engine;
import dev.tributary.server.engine.ScoreJob;
import dev.tributary.server.model.AdapterUse;
import dev.tributary.server.schedule.Priority;
import dev.tributary.server.schedule.Request;
import dev.tributary.server.tokenize.ChatOptions;
import dev.tributary.server.tokenize.Message;
import dev.tributary.server.tokenize.Tokenizer;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;

/// Runs the adapters' proofs of effect on the engine.
final class EngineProbe implements Probe {
  /// Short, since others' steps wait for it; two tokens, so that attention has something to choose.
  private static final String PROMPT = "A quick";

  private final Engine engine;
  private final Tokenizer tokenizer;

  EngineProbe(Engine engine, Tokenizer tokenizer) {
    this.engine = engine;
    this.tokenizer = tokenizer;
  }

  @Override
  public CompletableFuture<List<float[]>> logits(List<List<AdapterUse>> uses) {
    return engine.probe(tokenizer.encodePrompt(PROMPT), uses, ComputePath.NARROW);
  }

  @Override
  public CompletableFuture<Double> logProb(ProbeExample example, List<AdapterUse> adapters) {
    List<Message> prompt =
        example.prompt().stream()
            .map(message -> new Message(message.role(), message.content()))
            .toList();
    int[] input = tokenizer.encodeChat(prompt, ChatOptions.DEFAULT);
    int[] answer = tokenizer.encode(example.answer(), false);
    int[] tokens = IntStream.concat(IntStream.of(input), IntStream.of(answer)).toArray();
    ScoreJob job =
        new ScoreJob(
            "probe",
            AdapterStore.TENANT,
            Request.DEFAULT_WEIGHT,
            tokens,
            input.length,
            adapters,
            0,
            OptionalLong.empty(),
            Priority.NORMAL,
            false);
    return engine.score(job).thenApply(ScoreJob.Scores::sum);
  }

  @Override
  public boolean isBusy() {
    return engine.stats().running() > 0;
  }
}
