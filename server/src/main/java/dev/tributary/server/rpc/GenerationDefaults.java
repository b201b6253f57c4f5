package dev.tributary.server.rpc;

/// What absent fields of a request's sampling mean: the model's own generation defaults, where it
/// has some. Ranges are those of [dev.tributary.server.engine.Sampling].
public record GenerationDefaults(
    int maxTokens, float temperature, int topK, float topP, float minP, float repetitionPenalty) {
  /// For models that state nothing: the most likely tokens, at most 512.
  public static final GenerationDefaults GREEDY = new GenerationDefaults(512, 0, 0, 1, 0, 1);
}
