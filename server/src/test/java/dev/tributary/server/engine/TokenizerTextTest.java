package dev.tributary.server.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tributary.server.tokenize.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class TokenizerTextTest {
  private final Tokenizer tokenizer = bytesAndAnEnd();
  private final TokenText text = TokenText.of(tokenizer);

  @Test
  void stopIds_areTheTokenizers() {
    assertThat(text.stopIds()).containsExactly(256);
  }

  @Test
  void decoder_holdsSplitCharactersAndContinuesItsContext() {
    int[] emoji = tokenizer.encode("😀", false);
    assertThat(emoji).hasSize(4);
    TokenText.Decoder decoder = text.decoder(emoji[0], emoji[1]);

    assertThat(decoder.push(emoji[2])).isEmpty();
    assertThat(decoder.push(emoji[3])).isEqualTo("😀");
    assertThat(decoder.push(256)).isEmpty();
    assertThat(decoder.push(emoji[0])).isEmpty();
    assertThat(decoder.finish()).isEqualTo("\ufffd");
  }

  /// Byte-level BPE without a merge: a token for each byte in GPT-2's spelling, and an end token.
  private static Tokenizer bytesAndAnEnd() {
    List<String> tokens = new ArrayList<>();
    int unprintable = 256;
    for (int b = 0; b < 256; b++) {
      boolean printable = b >= '!' && b <= '~' || b >= 0xA1 && b != 0xAD;
      tokens.add(Character.toString(printable ? b : unprintable++));
    }
    tokens.add("<|end|>");
    Integer[] types = new Integer[257];
    Arrays.fill(types, 1);
    types[256] = 3;
    return Tokenizer.fromGguf(
        Map.of(
            "tokenizer.ggml.model",
            "gpt2",
            "tokenizer.ggml.pre",
            "smollm",
            "tokenizer.ggml.tokens",
            tokens,
            "tokenizer.ggml.token_type",
            List.of(types),
            "tokenizer.ggml.merges",
            List.of(),
            "tokenizer.ggml.eos_token_id",
            256));
  }
}
