package dev.tributary.server.rpc;

import dev.tributary.server.engine.TokenText;
import dev.tributary.server.tokenize.TextDecoder;
import dev.tributary.server.tokenize.Tokenizer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/// A tokenizer with a token for each byte, whose id is the byte, and two control tokens.
final class ByteTokens {
  static final int START = 256;
  static final int END = 257;
  static final int SIZE = 258;

  private static final String TEMPLATE =
      "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
          + "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

  private ByteTokens() {}

  static Tokenizer tokenizer(boolean chatTemplate) {
    List<String> tokens = new ArrayList<>();
    List<Integer> types = new ArrayList<>();
    int shifted = 256;
    for (int b = 0; b < 256; b++) {
      // GPT-2's spelling of bytes: those that print stand for themselves.
      boolean prints = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
      tokens.add(String.valueOf((char) (prints ? b : shifted++)));
      types.add(1);
    }
    tokens.addAll(List.of("<|im_start|>", "<|im_end|>"));
    types.addAll(List.of(3, 3));
    Map<String, Object> metadata = new HashMap<>();
    metadata.put("tokenizer.ggml.model", "gpt2");
    metadata.put("tokenizer.ggml.pre", "gpt-2");
    metadata.put("tokenizer.ggml.tokens", tokens);
    metadata.put("tokenizer.ggml.token_type", types);
    metadata.put("tokenizer.ggml.merges", List.of());
    metadata.put("tokenizer.ggml.eos_token_id", END);
    if (chatTemplate) {
      metadata.put("tokenizer.chat_template", TEMPLATE);
    }
    return Tokenizer.fromGguf(metadata);
  }

  /// What the engine needs of it.
  static TokenText text(Tokenizer tokenizer) {
    Set<Integer> stops = tokenizer.stopIds().stream().boxed().collect(Collectors.toSet());
    return new TokenText() {
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
        return stops;
      }
    };
  }
}
