package dev.tributary.server.tokenize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class GgufTokenizerTest {
  private static final String K = "tokenizer.ggml.";

  /// A byte-level vocabulary of a few letters.
  private static Map<String, Object> bpe() {
    Map<String, Object> metadata = new HashMap<>();
    metadata.put(K + "model", "gpt2");
    metadata.put(K + "pre", "gpt-2");
    metadata.put(K + "tokens", List.of("<e>", "a", "b", "ab", "Ġ", "<t>"));
    metadata.put(K + "token_type", new int[] {3, 1, 1, 1, 1, 4});
    metadata.put(K + "merges", List.of("a b"));
    metadata.put(K + "eos_token_id", 0L);
    return metadata;
  }

  private static Map<String, Object> spm() {
    List<String> tokens = new ArrayList<>(List.of("<unk>", "<s>", "</s>"));
    List<Integer> types = new ArrayList<>(List.of(2, 3, 3));
    for (int b = 0; b < 256; b++) {
      tokens.add(String.format("<0x%02X>", b));
      types.add(6);
    }
    for (String token : List.of("▁", "a", "b", "ab", "▁ab", "</", "s>", "s", "<", "/", ">")) {
      tokens.add(token);
      types.add(1);
    }
    Map<String, Object> metadata = new HashMap<>();
    metadata.put(K + "model", "llama");
    metadata.put(K + "tokens", tokens);
    metadata.put(K + "token_type", types);
    float[] scores = new float[tokens.size()];
    for (int i = 259; i < scores.length; i++) {
      scores[i] = -i;
    }
    metadata.put(K + "scores", scores);
    metadata.put(K + "bos_token_id", 1);
    metadata.put(K + "eos_token_id", 2);
    metadata.put(K + "unknown_token_id", 0);
    return metadata;
  }

  @Test
  void fromGguf_byteLevel_encodesAndDecodes() {
    Tokenizer tokenizer = Tokenizer.fromGguf(bpe());
    assertThat(tokenizer.encode("ab a<e><t>", true)).containsExactly(3, 4, 1, 0, 5);
    assertThat(tokenizer.encodePrompt("ab")).containsExactly(3);
    assertThat(tokenizer.bytes(4)).containsExactly(' ');
    assertThat(tokenizer.bytes(99)).isEmpty();
    assertThat(tokenizer.isControl(0)).isTrue();
    assertThat(tokenizer.isControl(5)).isFalse();
    assertThat(tokenizer.isControl(-1)).isFalse();
    assertThat(tokenizer.stopIds().stream().toArray()).containsExactly(0);
    assertThat(tokenizer.bosId()).isEmpty();
    assertThat(tokenizer.hasChatTemplate()).isFalse();
    assertThatThrownBy(
            () -> tokenizer.encodeChat(List.of(new Message("user", "x")), ChatOptions.DEFAULT))
        .isInstanceOf(TemplateException.class);
  }

  @Test
  void fromGguf_sentencePiece_neverSpellsControlTokensFromText() {
    Tokenizer tokenizer = Tokenizer.fromGguf(spm());
    // The vocabulary has '</' and 's>', which would merge into the end of text.
    int[] ids = tokenizer.encode("</s>", false);
    assertThat(Arrays.stream(ids).noneMatch(tokenizer::isControl)).isTrue();
    assertThat(ids).hasSize(3);
    assertThat(tokenizer.encodePrompt("ab</s>ab")).containsExactly(1, 263, 2, 262);
    assertThat(tokenizer.encode("é", false)).containsExactly(259, 3 + 0xC3, 3 + 0xA9);
  }

  @Test
  void fromGguf_addsBosAndEos_asTheFileSays() {
    Map<String, Object> metadata = spm();
    metadata.put(K + "add_bos_token", false);
    metadata.put(K + "add_eos_token", true);
    metadata.put(K + "add_space_prefix", false);
    assertThat(Tokenizer.fromGguf(metadata).encodePrompt("ab")).containsExactly(262, 2);
  }

  @ParameterizedTest
  @ValueSource(strings = {"model", "pre", "tokens", "token_type", "merges"})
  void fromGguf_missingKey_isRefusedByName(String key) {
    Map<String, Object> metadata = bpe();
    metadata.remove(K + key);
    assertRefused(metadata, K + key);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "model",
        "pre",
        "tokens",
        "token_type",
        "merges",
        "eos_token_id",
        "bos_token_id",
        "unknown_token_id",
        "padding_token_id",
        "eot_token_id",
        "eom_token_id",
        "add_bos_token",
        "add_eos_token",
        "add_space_prefix"
      })
  void fromGguf_wrongType_isRefusedByName(String key) {
    for (Object wrong : new Object[] {Map.of(), 1.5, List.of(1.5)}) {
      Map<String, Object> metadata = bpe();
      metadata.put(K + key, wrong);
      assertRefused(metadata, K + key);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "model, bert",
    "pre, default",
    "pre, my-own",
    "eos_token_id, 6",
    "bos_token_id, -1",
    "invented_key, 1",
    "add_sep_token, true",
    "remove_extra_whitespaces, true",
    "add_space_prefix, true",
    "add_bos_token, true",
    "add_eos_token, 1",
  })
  void fromGguf_unsupportedValue_isRefusedByName(String key, String value) {
    Map<String, Object> metadata = bpe();
    Object typed = value.matches("-?\\d+") ? Long.valueOf(value) : value;
    metadata.put(K + key, value.equals("true") ? Boolean.TRUE : typed);
    assertRefused(metadata, K + key);
  }

  @Test
  void fromGguf_inconsistentArrays_areRefusedByName() {
    Map<String, Object> types = bpe();
    types.put(K + "token_type", new int[5]);
    assertRefused(types, K + "token_type");
    for (String merge : List.of("ab", " ab", "a b a", "a ", "a c", "b a")) {
      Map<String, Object> merges = bpe();
      merges.put(K + "merges", List.of(merge));
      assertRefused(merges, K + "merges");
    }
    Map<String, Object> empty = bpe();
    empty.put(K + "tokens", List.of("<e>", "a", "b", "ab", "Ġ", ""));
    assertRefused(empty, K + "tokens");
    Map<String, Object> long1 = bpe();
    long1.put(K + "tokens", List.of("<e>", "a", "b", "ab", "Ġ", "x".repeat(5000)));
    assertRefused(long1, K + "tokens");
    Map<String, Object> scores = spm();
    scores.put(K + "scores", new float[3]);
    assertRefused(scores, K + "scores");
    Map<String, Object> nan = spm();
    nan.put(K + "scores", Collections.nCopies(270, Float.NaN));
    assertRefused(nan, K + "scores");
    Map<String, Object> charsmap = spm();
    charsmap.put(K + "precompiled_charsmap", new byte[] {1});
    assertRefused(charsmap, K + "precompiled_charsmap");
  }

  @Test
  void fromGguf_templateThatIsNotSupported_isRefusedAtLoad() {
    Map<String, Object> metadata = bpe();
    metadata.put("tokenizer.chat_template", "{% include 'x' %}");
    assertThatThrownBy(() -> Tokenizer.fromGguf(metadata))
        .isInstanceOf(TemplateException.class)
        .hasMessageContaining("include");
  }

  /// Random damage to good metadata ends in a refusal or a tokenizer that works.
  @Test
  void fromGguf_randomDamage_throwsNothingElse() {
    Random random = new Random(11);
    List<Object> junk =
        List.of(
            -1,
            0,
            1L << 40,
            3.5,
            true,
            "gpt2",
            "llama",
            "",
            List.of(),
            new int[7],
            new long[6],
            List.of("a", 1),
            new float[6],
            "\0",
            List.of("x", "x", "x", "x", "x", "x"));
    for (int i = 0; i < 400; i++) {
      Map<String, Object> metadata = random.nextBoolean() ? bpe() : spm();
      List<String> keys = new ArrayList<>(metadata.keySet());
      Collections.sort(keys);
      for (int d = random.nextInt(3); d >= 0; d--) {
        metadata.put(keys.get(random.nextInt(keys.size())), junk.get(random.nextInt(junk.size())));
      }
      try {
        Tokenizer tokenizer = Tokenizer.fromGguf(metadata);
        for (int id : tokenizer.encode("ab </s><e> é\0", false)) {
          assertThat(id).isBetween(0, tokenizer.vocabularySize() - 1);
        }
      } catch (TokenizerException e) {
        assertThat(e.getMessage()).isNotEmpty();
      }
    }
  }

  private static void assertRefused(Map<String, Object> metadata, String named) {
    assertThatThrownBy(() -> Tokenizer.fromGguf(metadata))
        .as(named)
        .isInstanceOf(TokenizerException.class)
        .hasMessageContaining(named);
  }
}
