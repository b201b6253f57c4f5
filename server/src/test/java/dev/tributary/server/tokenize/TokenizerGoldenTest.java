package dev.tributary.server.tokenize;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.Normalizer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Ids and texts against transformers: `.ci/goldens/tokenize_goldens.py model` and `vocabularies`.
class TokenizerGoldenTest {
  private static final JsonNode MODEL = TestData.json("model-goldens.json");
  private static final JsonNode VOCABULARIES = TestData.json("vocabulary-goldens.json");

  @Test
  void encode_defaultModel_equalsTransformers() {
    Tokenizer tokenizer = Tokenizer.fromGguf(TestData.metadata(TestData.model()));
    assertThat(MODEL.get("texts")).hasSizeGreaterThan(100);
    assertEncodes(tokenizer, MODEL.get("texts"));
  }

  @Test
  void encodeChat_defaultModel_equalsTransformers() {
    Tokenizer tokenizer = Tokenizer.fromGguf(TestData.metadata(TestData.model()));
    JsonNode conversations = TestData.json("conversations.json");
    for (int i = 0; i < conversations.size(); i++) {
      JsonNode conversation = conversations.get(i);
      JsonNode golden = MODEL.get("chats").get(i);
      List<Message> messages = TestData.messages(conversation);
      boolean prompt = TestData.wantsPrompt(conversation);
      int[] trusted =
          tokenizer.encodeChat(messages, new ChatOptions(true, Map.of(), List.of(), prompt));
      int[] untrusted =
          tokenizer.encodeChat(messages, new ChatOptions(false, Map.of(), List.of(), prompt));
      String name = golden.get("name").asText();
      assertThat(trusted).as(name).isEqualTo(TestData.ids(golden.get("ids")));
      if (!name.equals("control-text")) {
        assertThat(untrusted).as(name).isEqualTo(trusted);
      }
    }
  }

  @Test
  void decoder_defaultModel_equalsTransformers() {
    assertDecodes(Tokenizer.fromGguf(TestData.metadata(TestData.model())), MODEL.get("decoded"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "gpt-2",
        "llama-bpe",
        "llama-spm",
        "qwen2",
        "qwen35",
        "starcoder",
        "refact",
        "command-r"
      })
  void encodeAndDecode_realVocabulary_equalTransformers(String name) throws IOException {
    Path file = TestData.fetched().resolve("vocabularies/ggml-vocab-" + name + ".gguf");
    Map<String, Object> metadata = TestData.metadata(file);
    // What these old files say about chats is not under test here.
    metadata.keySet().removeIf(key -> key.startsWith("tokenizer.chat_template"));
    Tokenizer tokenizer = Tokenizer.fromGguf(metadata);
    assertEncodes(tokenizer, VOCABULARIES.get(name + " texts"));
    assertDecodes(tokenizer, VOCABULARIES.get(name + " decoded"));
    assertEncodesAsLlamaCpp(tokenizer, file);
  }

  /// llama.cpp's own test data lies beside its vocabularies: texts, and the ids it makes of them.
  private static void assertEncodesAsLlamaCpp(Tokenizer tokenizer, Path file) throws IOException {
    Path input = file.resolveSibling(file.getFileName() + ".inp");
    if (!Files.exists(input)) {
      return;
    }
    String[] texts = Files.readString(input).split("\n__ggml_vocab_test__\n", -1);
    List<String> lines = Files.readAllLines(file.resolveSibling(file.getFileName() + ".out"));
    boolean spm = file.toString().contains("spm");
    for (int i = 0; i < lines.size(); i++) {
      int[] expected =
          lines.get(i).isBlank()
              ? new int[0]
              : Arrays.stream(lines.get(i).trim().split(" ")).mapToInt(Integer::parseInt).toArray();
      // llama.cpp's SentencePiece makes other ids of a few texts than transformers does, which is
      // followed: a text that starts with a space or is nothing but spaces.
      // Nor does llama.cpp normalise to NFC, as the published Qwen tokenizers do.
      boolean normal = Normalizer.isNormalized(texts[i], Normalizer.Form.NFC);
      if (normal && (!spm || !texts[i].startsWith(" ") && !texts[i].isBlank())) {
        assertThat(tokenizer.encode(texts[i], false))
            .as("%s: '%s'", file.getFileName(), texts[i])
            .isEqualTo(expected);
      }
    }
  }

  private static void assertEncodes(Tokenizer tokenizer, JsonNode goldens) {
    for (JsonNode golden : goldens) {
      String text = golden.get("text").asText();
      assertThat(tokenizer.encode(text, true))
          .as("'%s'", text)
          .isEqualTo(TestData.ids(golden.get("ids")));
      assertThat(tokenizer.leastTokens(text)).isLessThanOrEqualTo(golden.get("ids").size());
    }
    assertThat(tokenizer.leastTokens("x".repeat(10_000_000))).isGreaterThan(1000);
  }

  private static void assertDecodes(Tokenizer tokenizer, JsonNode goldens) {
    for (JsonNode golden : goldens) {
      TextDecoder decoder = tokenizer.decoder();
      StringBuilder text = new StringBuilder();
      for (int id : TestData.ids(golden.get("ids"))) {
        String delta = decoder.push(id);
        assertThat(delta.codePoints()).noneMatch(c -> c >= 0xD800 && c <= 0xDFFF);
        text.append(delta);
      }
      text.append(decoder.finish());
      assertThat(text.toString())
          .as("%s", golden.get("ids"))
          .isEqualTo(golden.get("text").asText());
    }
  }
}
