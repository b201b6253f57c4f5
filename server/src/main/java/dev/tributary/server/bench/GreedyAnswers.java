package dev.tributary.server.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.tributary.identity.ComputePath;
import dev.tributary.server.model.AdapterUse;
import dev.tributary.server.model.Llama;
import dev.tributary.server.model.Span;
import dev.tributary.server.tensor.KvCache;
import dev.tributary.server.tensor.Matrix;
import dev.tributary.server.tokenize.Tokenizer;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.stream.IntStream;

/// What a model answers greedily, one question after the other, without an engine.
final class GreedyAnswers {
  private final Llama llama;
  private final Tokenizer tokenizer;
  private final BitSet stops;
  private final int[] pages;

  /// @param pages of the model's cache, all of which are used
  GreedyAnswers(Llama llama, Tokenizer tokenizer, int pages) {
    this.llama = llama;
    this.tokenizer = tokenizer;
    stops = tokenizer.stopIds();
    this.pages = IntStream.range(0, pages).toArray();
  }

  /// @param most tokens of the answer
  String answer(int[] prompt, AdapterUse adapter, int most) {
    if (prompt.length + most > pages.length * KvCache.PAGE) {
      throw new IllegalArgumentException("a prompt of " + prompt.length + " tokens");
    }
    List<AdapterUse> adapters = List.of(adapter);
    List<Integer> answer = new ArrayList<>();
    int next = best(new Span(prompt, 0, pages, adapters, path(prompt.length), prompt.length - 1));
    while (!stops.get(next) && answer.size() < most) {
      answer.add(next);
      int position = prompt.length + answer.size() - 1;
      next = best(new Span(new int[] {next}, position, pages, adapters, path(1), 0));
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    answer.forEach(id -> bytes.writeBytes(tokenizer.bytes(id)));
    return bytes.toString(UTF_8);
  }

  private ComputePath path(int tokens) {
    return PathChoice.AUTO.of(tokens, llama.wideFrom());
  }

  private int best(Span span) {
    Matrix logits = llama.run(List.of(span));
    float[] row = new float[logits.cols()];
    logits.row(0, row);
    int best = 0;
    for (int id = 1; id < row.length; id++) {
      best = row[id] > row[best] ? id : best;
    }
    return best;
  }
}
