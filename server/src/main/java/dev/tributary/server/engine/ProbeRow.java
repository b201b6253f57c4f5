package dev.tributary.server.engine;

import dev.tributary.server.model.AdapterUse;
import dev.tributary.server.model.Span;
import dev.tributary.server.schedule.Plan;
import dev.tributary.server.schedule.Sequence;
import dev.tributary.server.tensor.KvCache;
import dev.tributary.server.tensor.Matrix;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;

/// A prompt whose last logits are wanted under several lists of adapters.
///
/// To the scheduler it is one sequence of one chunk: the prompt once for each list, padded to whole
/// pages. So all of them are computed in one step, which is what makes their bits comparable.
final class ProbeRow extends Row {
  private final int[] prompt;
  private final List<List<AdapterUse>> uses;
  private final CompletableFuture<List<float[]>> result;
  private final List<float[]> logits = new ArrayList<>();

  /// @param sequence of [#length] tokens of no meaning
  ProbeRow(
      Sequence sequence,
      long submitted,
      int[] prompt,
      List<List<AdapterUse>> uses,
      CompletableFuture<List<float[]>> result) {
    super(sequence, "probe", List.of(), submitted, OptionalLong.empty());
    this.prompt = prompt;
    this.uses = uses;
    this.result = result;
  }

  /// Tokens that a probe takes of a step.
  static int length(int promptTokens, int uses) {
    return uses * pages(promptTokens) * KvCache.PAGE;
  }

  private static int pages(int promptTokens) {
    return Math.ceilDiv(promptTokens, KvCache.PAGE);
  }

  @Override
  List<Span> spans(Plan.Slice slice) {
    int pages = pages(prompt.length);
    List<Span> spans = new ArrayList<>(uses.size());
    for (int i = 0; i < uses.size(); i++) {
      int[] own = Arrays.copyOfRange(slice.pages(), i * pages, (i + 1) * pages);
      spans.add(new Span(prompt, 0, own, uses.get(i), slice.path(), prompt.length - 1));
    }
    return spans;
  }

  @Override
  List<AdapterUse> uses() {
    return uses.stream().flatMap(List::stream).toList();
  }

  @Override
  void started(long now) {}

  @Override
  void sample(Sampler sampler, Logits read, Plan.Slice slice) {
    for (int i = 0; i < uses.size(); i++) {
      Matrix row = read.row(i);
      float[] copy = new float[row.cols()];
      row.row(0, copy);
      logits.add(copy);
    }
  }

  @Override
  boolean publish(long now) {
    result.complete(List.copyOf(logits));
    return true;
  }

  @Override
  boolean expire(long now) {
    return false;
  }

  @Override
  void fail(Failure failure) {
    result.completeExceptionally(new JobFailedException(failure));
  }
}
