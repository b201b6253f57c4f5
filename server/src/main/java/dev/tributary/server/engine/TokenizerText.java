package dev.tributary.server.engine;

import dev.tributary.server.tokenize.TextDecoder;
import dev.tributary.server.tokenize.Tokenizer;
import java.util.Set;
import java.util.stream.Collectors;

/// [TokenText] by a model's [Tokenizer].
final class TokenizerText implements TokenText {
  private final Tokenizer tokenizer;
  private final Set<Integer> stopIds;

  TokenizerText(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
    stopIds = tokenizer.stopIds().stream().boxed().collect(Collectors.toUnmodifiableSet());
  }

  @Override
  public Decoder decoder(int... context) {
    TextDecoder decoder = tokenizer.decoder(context);
    return new Decoder() {
      @Override
      public String push(int id) {
        return decoder.push(id);
      }

      @Override
      public String finish() {
        return decoder.finish();
      }
    };
  }

  @Override
  public Set<Integer> stopIds() {
    return stopIds;
  }
}
