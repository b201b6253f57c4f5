package dev.tributary.server.rpc;

import dev.tributary.identity.ComputePath;
import dev.tributary.server.model.AdapterUse;
import dev.tributary.server.model.LoraWeights;
import dev.tributary.server.model.Span;
import dev.tributary.server.model.StepRunner;
import dev.tributary.server.tensor.DType;
import dev.tributary.server.tensor.KvCache;
import dev.tributary.server.tensor.Matrix;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/// A model that repeats its first line, then ends; without a line it says `x` for ever. Under
/// adapters letters come as capitals. Asked `#` it says the first number of the first adapter's
/// weights, as a letter from `a` for 0. It reads back what it was given through the page table, so
/// an answer that got into another's row shows.
final class EchoModel implements StepRunner {
  private final int maxTokens;
  private final int[][] cache;

  /// Paths that were asked for.
  final Set<ComputePath> paths = ConcurrentHashMap.newKeySet();

  /// From this length of a sequence on it says y for x.
  volatile int wrongFrom = Integer.MAX_VALUE;

  /// Run by the engine's thread at the start of every step.
  volatile Runnable onStep = () -> {};

  EchoModel(int pages, int maxTokens) {
    this.maxTokens = maxTokens;
    cache = new int[pages][KvCache.PAGE];
  }

  @Override
  public int maxTokens() {
    return maxTokens;
  }

  @Override
  public int wideFrom() {
    return 1; // more rows than a step has
  }

  @Override
  public void claimThread() {}

  @Override
  public Matrix run(List<Span> spans) {
    onStep.run();
    int rows = spans.stream().mapToInt(Span::logitRows).sum();
    Matrix logits = Matrix.allocate(DType.F32, rows, ByteTokens.SIZE);
    int row = 0;
    for (Span span : spans) {
      paths.add(span.path());
      for (int i = 0; i < span.tokens().length; i++) {
        int position = span.position() + i;
        cache[span.pages()[position / KvCache.PAGE]][position % KvCache.PAGE] = span.tokens()[i];
        if (i >= span.logitsFrom()) {
          logits.set(row++, next(span, position + 1), 20);
        }
      }
    }
    return logits;
  }

  private int next(Span span, int length) {
    int line = 0;
    while (line < length && token(span, line) != '\n') {
      line++;
    }
    if (line == length) {
      return length < wrongFrom ? 'x' : 'y';
    }
    int said = length - line - 1;
    int token = said < line ? token(span, said) : ByteTokens.END;
    if (token == '#' && !span.adapters().isEmpty()) {
      LoraWeights weights = span.adapters().getFirst().weights();
      return 'a' + Math.round(weights.pairs().values().iterator().next().a().get(0, 0));
    }
    boolean capital = span.adapters().stream().map(AdapterUse::scale).anyMatch(scale -> scale > 0);
    return capital && token >= 'a' && token <= 'z' ? token - 'a' + 'A' : token;
  }

  private int token(Span span, int position) {
    return cache[span.pages()[position / KvCache.PAGE]][position % KvCache.PAGE];
  }
}
