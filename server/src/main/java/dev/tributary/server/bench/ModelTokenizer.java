package dev.tributary.server.bench;

import dev.tributary.server.tokenize.Tokenizer;
import dev.tributary.server.weights.Checkpoint;
import dev.tributary.server.weights.Gguf;
import dev.tributary.server.weights.HfDirectory;

/// A model's own tokenizer.
final class ModelTokenizer {
  private ModelTokenizer() {}

  static Tokenizer of(Checkpoint checkpoint) {
    return switch (checkpoint) {
      case Gguf gguf -> Tokenizer.fromGguf(gguf.metadata());
      case HfDirectory directory -> Tokenizer.fromHuggingFace(directory.path());
    };
  }
}
