package dev.tributary.server.tokenize;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/// Real templates against transformers: `.ci/goldens/tokenize_goldens.py templates`.
class ChatTemplateGoldenTest {
  private static final Clock CLOCK =
      Clock.fixed(Instant.parse("2026-03-05T14:07:09Z"), ZoneOffset.UTC);
  private static final Map<String, String> SPECIAL =
      Map.of("bos_token", "<s>", "eos_token", "</s>", "unk_token", "<unk>", "pad_token", "<pad>");

  /// Templates that transformers can't render without more variables or tools either, that need
  /// filters it doesn't have (`from_json`), that change a list in place, which its sandbox forbids
  /// (`append`), that add to what `safe` gave, which Python then escapes, or that format strings.
  private static final Set<String> REFUSED =
      Set.of(
          "CohereForAI-c4ai-command-r-plus-tool_use.jinja",
          "Kimi-K2-Instruct.jinja",
          "Kimi-K2-Thinking.jinja",
          "NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use.jinja",
          "NousResearch-Hermes-3-Llama-3.1-8B-tool_use.jinja",
          "ai-sage-GigaChat-20B-A3B-instruct.inline.jinja",
          "deepseek-ai-DeepSeek-V3.2.jinja",
          "deepseek-ai-DeepSeek-V4-Flash-0731.jinja",
          "deepseek-ai-DeepSeek-V4.jinja",
          "fireworks-ai-llama-3-firefunction-v2.jinja",
          "meetkai-functionary-medium-v3.1.jinja",
          "tencent-Hy3.jinja");

  @Test
  void render_tinyLlama_equalsTransformers() throws IOException {
    assertEqualsGoldens(tinyLlama(), "TinyLlama-1.1B-Chat-v1.0.jinja");
  }

  @Test
  void render_promisedFamilies_equalTransformers() throws IOException {
    Path templates = TestData.fetched().resolve("templates");
    Set<String> seen = new TreeSet<>();
    for (var file : TestData.json("template-texts.json").properties()) {
      if (!file.getKey().startsWith("TinyLlama")) {
        assertEqualsGoldens(Files.readString(templates.resolve(file.getKey())), file.getKey());
        seen.add(file.getKey());
      }
    }
    assertThat(seen).hasSize(6);
  }

  private static void assertEqualsGoldens(String source, String file) {
    JsonNode texts = TestData.json("template-texts.json").get(file);
    for (JsonNode conversation : TestData.json("conversations.json")) {
      String name = conversation.get("name").asText();
      JsonNode expected = texts.get(name);
      String result = render(load(source), conversation);
      if (expected.isTextual()) {
        assertThat(result).as("%s: %s", file, name).isEqualTo(expected.asText());
      } else if (expected.has("raised")) {
        assertThat(result)
            .as("%s: %s", file, name)
            .isEqualTo("raised: " + expected.get("raised").asText());
      } else {
        assertThat(result).as("%s: %s", file, name).startsWith("fails: ");
      }
    }
  }

  /// Every fetched template is either refused at load or renders as in transformers, to the letter.
  @Test
  void render_allFetchedTemplates_equalTransformersOrAreRefused() throws Exception {
    Path templates = TestData.fetched().resolve("templates");
    Map<String, String> refused = new TreeMap<>();
    List<String> different = new ArrayList<>();
    for (var file : TestData.json("template-goldens.json").properties()) {
      if (file.getKey().startsWith("TinyLlama")) {
        continue;
      }
      ChatTemplate template;
      try {
        template = load(Files.readString(templates.resolve(file.getKey())));
      } catch (TemplateException e) {
        refused.put(file.getKey(), e.getMessage());
        continue;
      }
      for (JsonNode conversation : TestData.json("conversations.json")) {
        String name = conversation.get("name").asText();
        String result = render(template, conversation);
        if (!matches(file.getValue().get(name), result)) {
          different.add(file.getKey() + " / " + name + ":\n" + result);
        }
      }
    }
    assertThat(different).isEmpty();
    assertThat(refused.keySet()).as(refused.toString()).isEqualTo(REFUSED);
  }

  private static boolean matches(JsonNode expected, String result) throws Exception {
    if (expected.has("sha256")) {
      return expected.get("sha256").asText().equals(sha256(result));
    }
    return expected.has("raised")
        ? result.equals("raised: " + expected.get("raised").asText())
        : result.startsWith("fails: ");
  }

  private static String render(ChatTemplate template, JsonNode conversation) {
    List<Message> messages = TestData.messages(conversation);
    Map<String, Object> vars =
        conversation.has("vars") ? TestData.plain(conversation.get("vars")) : Map.of();
    List<Object> tools =
        conversation.has("tools") ? TestData.plain(conversation.get("tools")) : List.of();
    boolean prompt = TestData.wantsPrompt(conversation);
    try {
      String untrusted = template.render(messages, new ChatOptions(false, vars, tools, prompt));
      String trusted = template.render(messages, new ChatOptions(true, vars, tools, prompt));
      assertThat(untrusted).isEqualTo(trusted);
      return untrusted;
    } catch (TemplateException e) {
      return (e.isRefusal() ? "raised: " : "fails: ") + e.getMessage();
    }
  }

  private static ChatTemplate load(String source) {
    return ChatTemplate.load(
        source, SPECIAL, CLOCK, RenderBudget.Limits.DEFAULT, System::nanoTime, List.of());
  }

  private static String tinyLlama() throws IOException {
    String resource = "/tokenize/templates/TinyLlama-1.1B-Chat-v1.0.jinja";
    try (InputStream in = ChatTemplateGoldenTest.class.getResourceAsStream(resource)) {
      return new String(in.readAllBytes(), UTF_8);
    }
  }

  private static String sha256(String text) throws NoSuchAlgorithmException {
    byte[] digest = MessageDigest.getInstance("SHA-256").digest(text.getBytes(UTF_8));
    return HexFormat.of().formatHex(digest, 0, 8);
  }
}
