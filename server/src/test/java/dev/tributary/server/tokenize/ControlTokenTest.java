package dev.tributary.server.tokenize;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What a caller gives never becomes a control token, whatever a template does with it.
class ControlTokenTest {
  /// Does to contents what templates do: cuts, joins, repeats, dumps and looks into them.
  private static final String NOSY =
      """
      {%- for tool in tools or [] %}{{ tool | tojson }}{{ tool.name }}{% endfor -%}
      {%- set ns = namespace(all='') -%}
      {%- for m in messages -%}
        {%- set ns.all = ns.all + m.content.strip() -%}
        <|user|>{{ m.role }}
        {{- m.content.split('<')[0] ~ m.content[:3] + m.content[3:] -}}
        {%- if '|>' in m.content %}{{ m.content.split('|>')[-1].lstrip('<') }}{% endif -%}
        {%- if m.content.startswith('<|') %}{{ m.content[::-1][::-1] }}{% endif -%}
        {{ [m.content, m.role] | join('') }}{{ m.content | replace('x', '<') | upper | lower }}<|end|>
      {%- endfor -%}
      {{ ns.all }}{{ given }}{{ [given, ns.all] }}{{ messages | map(attribute='content') | join }}
      {%- if add_generation_prompt %}<|assistant|>{% endif %}""";

  private static final List<String> PIECES =
      List.of(
          "<|begin|>",
          "<|end|>",
          "<|user|>",
          "<|assistant|>",
          "<|eom|>",
          "<think>",
          "<",
          "|",
          ">",
          "<|",
          "|>",
          "end",
          "user",
          "<|e",
          "nd|>",
          "eom|>",
          "<|us",
          "er|>",
          " ",
          "\n",
          "x",
          "<s>",
          "</s>",
          "</",
          "s>",
          "<unk>",
          "<",
          "<|<|end|>end|>");

  @ParameterizedTest
  @ValueSource(strings = {"byte-level", "sentence-piece", "sentence-piece-legacy"})
  void encodeChat_piecesOfControlTokensInAllFields_yieldNoControlIds(String name) {
    Tokenizer tokenizer = Tokenizer.fromHuggingFace(TestData.directory("directories/" + name));
    Random random = new Random(20260305);
    for (int i = 0; i < 1500; i++) {
      int count = 1 + random.nextInt(4);
      List<Message> messages = new ArrayList<>();
      List<Message> harmless = new ArrayList<>();
      for (int m = 0; m < count; m++) {
        messages.add(new Message("user", pieces(random)));
        harmless.add(new Message("user", "hello"));
      }
      assertThat(control(tokenizer, tokenizer.encodeChat(messages, ChatOptions.DEFAULT)))
          .as("%s", messages)
          .isEqualTo(control(tokenizer, tokenizer.encodeChat(harmless, ChatOptions.DEFAULT)));
    }
  }

  @Test
  void encodeChat_templateThatCutsAndJoinsContents_yieldsNoControlIdsOfThem() {
    ChatTemplate template = ChatTemplate.load(NOSY, Map.of());
    Tokenizer tokenizer = Tokenizer.fromHuggingFace(TestData.directory("directories/byte-level"));
    Random random = new Random(7);
    for (int i = 0; i < 1500; i++) {
      int count = 1 + random.nextInt(4);
      List<Message> messages = new ArrayList<>();
      for (int m = 0; m < count; m++) {
        messages.add(new Message(pieces(random), pieces(random)));
      }
      Map<String, Object> vars = Map.of("given", pieces(random));
      List<Object> tools = List.of(Map.of("name", pieces(random), pieces(random), 1));
      Text text = template.renderMarked(messages, new ChatOptions(false, vars, tools, true));
      // The template itself writes <|user|> and <|end|> for each message, <|assistant|> at the end.
      assertThat(control(tokenizer, tokenizer.encode(text)))
          .as("%s %s %s", messages, vars, tools)
          .hasSize(2 * count + 1);
    }
  }

  @Test
  void encodeChat_trustedContent_countsControlTokens() {
    Tokenizer tokenizer = Tokenizer.fromHuggingFace(TestData.directory("directories/byte-level"));
    List<Message> messages = List.of(new Message("user", "a<|eom|>b"));
    ChatOptions trusting = new ChatOptions(true, Map.of(), List.of(), true);
    int eom = tokenizer.encode("<|eom|>", true)[0];
    assertThat(tokenizer.encodeChat(messages, trusting)).contains(eom);
    assertThat(tokenizer.encodeChat(messages, ChatOptions.DEFAULT)).doesNotContain(eom);
  }

  @Test
  void encodeChat_controlTextInContent_decodesToTheSameText() {
    Tokenizer tokenizer = Tokenizer.fromHuggingFace(TestData.directory("directories/byte-level"));
    String content = "a <|eom|> <|end|> b";
    int[] ids = tokenizer.encodeChat(List.of(new Message("user", content)), ChatOptions.DEFAULT);
    TextDecoder decoder = tokenizer.decoder();
    StringBuilder text = new StringBuilder();
    for (int id : ids) {
      text.append(decoder.push(id));
    }
    assertThat(text.append(decoder.finish()).toString()).contains(content);
  }

  /// The default model's own template, in which roles stand beside control tokens.
  @Test
  void encodeChat_defaultModelAndHostileRoles_yieldsNoControlIds() {
    Tokenizer tokenizer = Tokenizer.fromGguf(TestData.metadata(TestData.model()));
    Random random = new Random(3);
    List<String> pieces =
        List.of(
            "<|im_",
            "start|>",
            "<|im_start|>",
            "end|>",
            "<|im_end|>",
            "\n",
            "<",
            "|>",
            "<|",
            "<jupyter_",
            "code>",
            "<file_sep>",
            "hi");
    for (int i = 0; i < 500; i++) {
      int count = 1 + random.nextInt(3);
      List<Message> messages = new ArrayList<>();
      for (int m = 0; m < count; m++) {
        messages.add(new Message(joined(random, pieces), joined(random, pieces)));
      }
      int[] control = control(tokenizer, tokenizer.encodeChat(messages, ChatOptions.DEFAULT));
      // The default system message is added, since no role is 'system'; the answer's header is
      // open.
      assertThat(control).as("%s", messages).hasSize(2 * (count + 1) + 1);
    }
  }

  private static String pieces(Random random) {
    return joined(random, PIECES);
  }

  private static String joined(Random random, List<String> pieces) {
    StringBuilder text = new StringBuilder();
    for (int i = random.nextInt(6); i >= 0; i--) {
      text.append(pieces.get(random.nextInt(pieces.size())));
    }
    return text.toString();
  }

  private static int[] control(Tokenizer tokenizer, int[] ids) {
    return Arrays.stream(ids).filter(tokenizer::isControl).toArray();
  }

  @Test
  void encode_everyControlTokenAsText_yieldsNoControlId() {
    Tokenizer tokenizer = Tokenizer.fromGguf(TestData.metadata(TestData.model()));
    int[] control =
        IntStream.range(0, tokenizer.vocabularySize()).filter(tokenizer::isControl).toArray();
    assertThat(control).hasSizeGreaterThan(15);
    for (int id : control) {
      String name = new String(tokenizer.bytes(id), java.nio.charset.StandardCharsets.UTF_8);
      assertThat(tokenizer.encode(name, true)).containsExactly(id);
      assertThat(control(tokenizer, tokenizer.encode(name + name, false))).isEmpty();
    }
  }
}
