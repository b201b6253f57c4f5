package dev.tributary.server.model;

import dev.tributary.identity.ComputePath;
import dev.tributary.server.model.Certificate.Slice;
import dev.tributary.server.tensor.KvCache;
import dev.tributary.server.tensor.Matrix;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/// Measures the resident base against its source on some texts, token by token, in pieces of a few
/// milliseconds between which the engine's thread may do other things.
///
/// The base takes the narrow path, which is exact: what is measured is what its four bits cost,
/// nothing else. Each text goes through the source first; then the head's logits of both are
/// compared a few rows at a time, so that no text's logits are ever all in memory.
public final class Comparison {
  /// Tokens of the base's steps: no more, since a piece should take no longer than a step of
  /// serving.
  private static final int STEP = 8;

  /// A text.
  ///
  /// @param tokens at least two: the first is not predicted
  public record Text(String name, int[] tokens) {
    public Text {
      if (tokens.length < 2) {
        throw new IllegalArgumentException(name + " has " + tokens.length + " tokens");
      }
    }
  }

  /// Does a bounded piece of work; returns whether it has more.
  private interface Piece {
    boolean advance();
  }

  private final Llama base;
  private final SourcePass source;
  private final List<Text> texts;
  private final int[] pages;
  private final List<List<Divergence>> found = new ArrayList<>();
  private final Deque<Piece> pieces = new ArrayDeque<>();
  private final AtomicInteger done = new AtomicInteger();

  /// @param base its weights are used, and nothing else of it
  /// @param source of the same shape; of `maxTokens` at least as many as the longest text has
  public Comparison(Llama base, SourcePass source, List<Text> texts) {
    this.source = source;
    this.texts = List.copyOf(texts);
    int longest = texts.stream().mapToInt(text -> text.tokens.length).max().orElseThrow();
    pages = new int[Math.ceilDiv(longest, KvCache.PAGE)];
    Arrays.setAll(pages, i -> i);
    this.base = base.beside(pages.length, STEP);
    for (Text text : texts) {
      List<Divergence> divergences = new ArrayList<>();
      found.add(divergences);
      add(text.tokens, divergences);
    }
  }

  /// Bytes of memory that comparing texts of so many tokens takes.
  public static long bytes(LlamaConfig config, int maxTokens) {
    long pages = Math.ceilDiv(maxTokens, KvCache.PAGE);
    long logits = (long) Float.BYTES * STEP * config.vocabulary();
    return SourcePass.bytes(config, maxTokens)
        + pages * KvCache.bytesPerPage(config.layers(), config.attention())
        // The base's logits, and copies of those of both on their way to be compared.
        + 3 * logits;
  }

  private void add(int[] tokens, List<Divergence> divergences) {
    once(() -> source.begin(tokens));
    pieces.add(source::advance);
    int predicting = tokens.length - 1;
    for (int from = 0; from < predicting; from += SourcePass.LOGITS) {
      int first = from;
      int to = Math.min(predicting, from + SourcePass.LOGITS);
      once(() -> source.beginLogits(first, to));
      pieces.add(source::advance);
      for (int at = first; at < to; at += STEP) {
        int step = at;
        once(() -> compare(tokens, first, step, Math.min(to, step + STEP), divergences));
      }
    }
  }

  private void once(Runnable work) {
    pieces.add(
        () -> {
          work.run();
          return false;
        });
  }

  /// Positions `[at, to)`.
  ///
  /// @param first position of the source's first row of logits
  private void compare(int[] tokens, int first, int at, int to, List<Divergence> divergences) {
    Span span =
        new Span(Arrays.copyOfRange(tokens, at, to), at, pages, List.of(), ComputePath.NARROW, 0);
    Matrix own = base.run(List.of(span));
    Matrix wanted = source.logits();
    Divergence[] each = new Divergence[to - at];
    base.forEach(
        each.length,
        (worker, i) -> {
          float[] sourceRow = new float[wanted.cols()];
          float[] baseRow = new float[own.cols()];
          wanted.row(at + i - first, sourceRow);
          own.row(i, baseRow);
          each[i] = Divergence.of(sourceRow, baseRow, tokens[at + i + 1]);
        });
    divergences.addAll(List.of(each));
    done.addAndGet(each.length);
  }

  /// Does one bounded piece; to be called by the thread that owns the base's operations.
  ///
  /// @return whether there is more to do
  /// @throws ModelException if what either model computes is not finite
  public boolean advance() {
    Piece piece = pieces.getFirst();
    if (!piece.advance()) {
      pieces.removeFirst();
    }
    return !pieces.isEmpty();
  }

  /// Tokens that were compared; any thread may ask.
  public int done() {
    return done.get();
  }

  /// Tokens that are to be compared.
  public int total() {
    return texts.stream().mapToInt(text -> text.tokens.length - 1).sum();
  }

  /// What was measured on each text, complete when [#advance] has returned false.
  public List<Slice> slices() {
    requireComplete();
    List<Slice> slices = new ArrayList<>();
    for (int i = 0; i < texts.size(); i++) {
      slices.add(Slice.of(texts.get(i).name, found.get(i)));
    }
    return slices;
  }

  /// The same of all texts together.
  public Slice all() {
    requireComplete();
    return Slice.of("all", found.stream().flatMap(List::stream).toList());
  }

  private void requireComplete() {
    if (!pieces.isEmpty()) {
      throw new IllegalStateException("the comparison is not complete");
    }
  }
}
