package dev.tributary.server.tokenize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Small directories against transformers: `.ci/goldens/tokenize_goldens.py directories`.
class HuggingFaceDirectoryTest {
  private static final JsonNode GOLDENS = TestData.json("directory-goldens.json");

  @TempDir Path temp;

  @ParameterizedTest
  @ValueSource(strings = {"byte-level", "sentence-piece", "sentence-piece-legacy"})
  void encodeAndDecode_directory_equalTransformers(String name) {
    Tokenizer tokenizer = Tokenizer.fromHuggingFace(TestData.directory("directories/" + name));
    for (JsonNode golden : GOLDENS.get(name + " texts")) {
      String text = golden.get("text").asText();
      assertThat(tokenizer.encode(text, true))
          .as("'%s'", text)
          .isEqualTo(TestData.ids(golden.get("ids")));
    }
    for (JsonNode golden : GOLDENS.get(name + " prompts")) {
      String text = golden.get("text").asText();
      assertThat(tokenizer.encodePrompt(text))
          .as("prompt '%s'", text)
          .isEqualTo(TestData.ids(golden.get("ids")));
    }
    for (JsonNode golden : GOLDENS.get(name + " decoded")) {
      TextDecoder decoder = tokenizer.decoder();
      StringBuilder text = new StringBuilder();
      for (int id : TestData.ids(golden.get("ids"))) {
        text.append(decoder.push(id));
      }
      assertThat(text.append(decoder.finish()).toString())
          .as("%s", golden.get("ids"))
          .isEqualTo(golden.get("text").asText());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"byte-level", "sentence-piece", "sentence-piece-legacy"})
  void encodeChat_directory_equalsTransformers(String name) {
    Tokenizer tokenizer = Tokenizer.fromHuggingFace(TestData.directory("directories/" + name));
    JsonNode conversations = TestData.json("conversations.json");
    for (int i = 0; i < conversations.size(); i++) {
      JsonNode golden = GOLDENS.get(name + " chats").get(i);
      ChatOptions options =
          new ChatOptions(true, Map.of(), List.of(), TestData.wantsPrompt(conversations.get(i)));
      assertThat(tokenizer.encodeChat(TestData.messages(conversations.get(i)), options))
          .as(golden.get("name").asText())
          .isEqualTo(TestData.ids(golden.get("ids")));
    }
  }

  @Test
  void stopIds_generationConfig_areAdded() {
    Tokenizer tokenizer = Tokenizer.fromHuggingFace(TestData.directory("directories/byte-level"));
    int end = tokenizer.encode("<|end|>", true)[0];
    int message = tokenizer.encode("<|eom|>", true)[0];
    assertThat(tokenizer.stopIds().stream().toArray()).containsExactlyInAnyOrder(end, message);
    assertThat(tokenizer.isControl(message)).isTrue();
    assertThat(tokenizer.bosId()).hasValue(tokenizer.encode("<|begin|>", true)[0]);
  }

  @Test
  void fromHuggingFace_addBosTokenFalse_overrulesPostProcessor() throws IOException {
    Path directory = copyWith("tokenizer_config.json", json -> json.put("add_bos_token", false));
    assertThat(Tokenizer.fromHuggingFace(directory).encodePrompt("x")).hasSize(1);
  }

  @Test
  void fromHuggingFace_malformedFiles_areRefusedByName() throws IOException {
    assertRefused(
        "tokenizer.json", json -> json.putObject("model").put("type", "Unigram"), "model.type");
    assertRefused(
        "tokenizer.json", json -> json.putObject("decoder").put("type", "WordPiece"), "decoder");
    assertRefused(
        "tokenizer.json",
        json -> ((ObjectNode) json.get("model").get("vocab")).put("a", -1),
        "model.vocab");
    assertRefused(
        "tokenizer.json",
        json -> ((ObjectNode) json.get("added_tokens").get(0)).put("id", "x"),
        "added_tokens.id");
    assertRefused(
        "tokenizer.json",
        json -> json.putObject("post_processor").put("type", "BertProcessing"),
        "post_processor");
    assertRefused(
        "tokenizer.json",
        json -> json.putObject("pre_tokenizer").put("type", "Nonsense"),
        "tokenizers library");
    assertRefused("tokenizer_config.json", json -> json.put("eos_token", "<|nope|>"), "eos_token");
    assertRefused("tokenizer_config.json", json -> json.put("add_bos_token", 1), "add_bos_token");
    assertRefused(
        "generation_config.json", json -> json.put("eos_token_id", 1 << 20), "eos_token_id");
    assertThatThrownBy(() -> Tokenizer.fromHuggingFace(temp.resolve("absent")))
        .isInstanceOf(TokenizerException.class)
        .hasMessageContaining("tokenizer.json");
  }

  private void assertRefused(String file, Consumer<ObjectNode> change, String named)
      throws IOException {
    Path directory = copyWith(file, change);
    assertThatThrownBy(() -> Tokenizer.fromHuggingFace(directory))
        .isInstanceOf(TokenizerException.class)
        .hasMessageContaining(named);
  }

  private Path copyWith(String changed, Consumer<ObjectNode> change) throws IOException {
    Path source = TestData.directory("directories/byte-level");
    Path copy = Files.createTempDirectory(temp, "copy");
    try (var files = Files.list(source)) {
      for (Path file : files.toList()) {
        Files.copy(file, copy.resolve(file.getFileName()));
      }
    }
    ObjectNode json = (ObjectNode) TestData.MAPPER.readTree(copy.resolve(changed).toFile());
    change.accept(json);
    TestData.MAPPER.writeValue(copy.resolve(changed).toFile(), json);
    return copy;
  }
}
