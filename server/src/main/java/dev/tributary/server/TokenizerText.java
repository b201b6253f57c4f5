package dev.tributary.server;

import dev.tributary.server.engine.TokenText;
import dev.tributary.server.tokenize.TextDecoder;
import dev.tributary.server.tokenize.Tokenizer;
import java.util.Set;
import java.util.stream.Collectors;

/// The tokenizer as the engine sees it.
record TokenizerText(Tokenizer tokenizer) implements TokenText {
  @Override
  public Decoder decoder() {
    TextDecoder decoder = tokenizer.decoder();
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
    return tokenizer.stopIds().stream().boxed().collect(Collectors.toUnmodifiableSet());
  }
}
