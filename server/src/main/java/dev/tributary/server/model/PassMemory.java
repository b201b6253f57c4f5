package dev.tributary.server.model;

import dev.tributary.server.tensor.Matrix;
import dev.tributary.server.tensor.Region;
import java.util.ArrayList;
import java.util.List;

/// Working memory of a [GradientPass]: reserved once, viewed anew for each pass's number of tokens.
final class PassMemory implements AutoCloseable {
  /// Bounds of [#headRows].
  private static final int LEAST_HEAD_ROWS = 32;

  private static final int MOST_HEAD_ROWS = 128;

  /// What a block computes forward and needs again backward, float32.
  ///
  /// @param qkv rotated, `[tokens, width]`
  /// @param attended `[tokens, queryWidth]`
  /// @param residual after attention, `[tokens, hidden]`
  /// @param gateUp `[tokens, 2 feedForward]`; the backward leaves its gradient there
  record Kept(Matrix qkv, Matrix attended, Matrix residual, Matrix gateUp) {}

  /// What no block keeps, and the gradients under way: float32, `[tokens, any]`.
  ///
  /// @param dResidual gradient of the residual stream
  record Work(
      Matrix normed,
      Matrix activated,
      Matrix dResidual,
      Matrix dNormed,
      Matrix dQkv,
      Matrix dAttended,
      Matrix dActivated) {}

  /// Of the head, float32.
  ///
  /// @param rows residuals of targets, `[headRows, hidden]`
  /// @param normed `[headRows, hidden]`
  /// @param logits `[headRows, vocabulary]`
  record Head(Matrix rows, Matrix normed, Matrix dNormed, Matrix dRows, Matrix logits) {}

  private final LlamaConfig config;
  private final int maxTokens;
  private final long activationBytes;
  private final Region inputs;
  private final Region kept;
  private final Region work;
  private final Region head;

  PassMemory(LlamaConfig config, int maxTokens, long activationBytes) {
    this.config = config;
    this.maxTokens = maxTokens;
    int layers = config.layers();
    // One block's is always there to work in.
    long least = maxTokens * keptBytes();
    this.activationBytes = Math.clamp(activationBytes, least, layers * least);
    inputs = Region.allocate((layers + 1L) * maxTokens * rowBytes(config.hidden()));
    kept = Region.allocate(this.activationBytes);
    work = Region.allocate(maxTokens * workWidth() * Float.BYTES);
    head =
        Region.allocate(
            headRows() * (4 * rowBytes(config.hidden()) + rowBytes(config.vocabulary())));
  }

  int maxTokens() {
    return maxTokens;
  }

  /// Targets whose logits are computed together: so many that a piece of the head takes as long as
  /// one of a block in a pass of `maxTokens`; dequantising the head again for each piece costs the
  /// less the more there are.
  int headRows() {
    return Math.clamp(maxTokens / 8, LEAST_HEAD_ROWS, MOST_HEAD_ROWS);
  }

  private static long rowBytes(int width) {
    return (long) Float.BYTES * width;
  }

  /// Bytes that a block keeps of a token.
  private long keptBytes() {
    return rowBytes(config.attention().width())
        + rowBytes(config.attention().queryWidth())
        + rowBytes(config.hidden())
        + rowBytes(2 * config.feedForward());
  }

  private long workWidth() {
    return 3L * config.hidden()
        + 2L * config.feedForward()
        + config.attention().width()
        + config.attention().queryWidth();
  }

  /// Blocks whose activations are kept in a pass of so many tokens; where that is fewer than all,
  /// one place is shared by the others.
  int places(int tokens) {
    return (int) Math.min(config.layers(), activationBytes / (tokens * keptBytes()));
  }

  /// The residual stream before each block, and after the last: `[tokens, hidden]`.
  List<Matrix> inputs(int tokens) {
    Cut cut = new Cut(inputs.bytes(), tokens);
    List<Matrix> matrices = new ArrayList<>();
    for (int i = 0; i <= config.layers(); i++) {
      matrices.add(cut.next(config.hidden()));
    }
    return matrices;
  }

  List<Kept> kept(int tokens) {
    Cut cut = new Cut(kept.bytes(), tokens);
    List<Kept> places = new ArrayList<>();
    for (int i = 0; i < places(tokens); i++) {
      places.add(
          new Kept(
              cut.next(config.attention().width()),
              cut.next(config.attention().queryWidth()),
              cut.next(config.hidden()),
              cut.next(2 * config.feedForward())));
    }
    return places;
  }

  Work work(int tokens) {
    Cut cut = new Cut(work.bytes(), tokens);
    return new Work(
        cut.next(config.hidden()),
        cut.next(config.feedForward()),
        cut.next(config.hidden()),
        cut.next(config.hidden()),
        cut.next(config.attention().width()),
        cut.next(config.attention().queryWidth()),
        cut.next(config.feedForward()));
  }

  Head head(int rows) {
    Cut cut = new Cut(head.bytes(), rows);
    return new Head(
        cut.next(config.hidden()),
        cut.next(config.hidden()),
        cut.next(config.hidden()),
        cut.next(config.hidden()),
        cut.next(config.vocabulary()));
  }

  @Override
  public void close() {
    inputs.close();
    kept.close();
    work.close();
    head.close();
  }
}
