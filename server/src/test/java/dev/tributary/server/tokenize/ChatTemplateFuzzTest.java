package dev.tributary.server.tokenize;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.fasterxml.jackson.databind.JsonNode;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/// Random templates: nothing but a [TemplateException] may come out, and soon.
class ChatTemplateFuzzTest {
  private static final RenderBudget.Limits LIMITS =
      new RenderBudget.Limits(Duration.ofSeconds(1), 200_000, 200, 100_000, 10_000);

  /// Words of the language, and texts around it.
  private static final List<String> WORDS =
      List.of(
          "{{",
          "}}",
          "{%",
          "%}",
          "{{-",
          "-}}",
          "{%-",
          "-%}",
          "{#",
          "#}",
          " ",
          "\n",
          "'",
          "\"",
          "\\",
          "(",
          ")",
          "[",
          "]",
          "{",
          "}",
          ":",
          ",",
          ".",
          "|",
          "+",
          "-",
          "*",
          "/",
          "//",
          "**",
          "%",
          "~",
          "=",
          "==",
          "!=",
          "<",
          ">",
          "<=",
          " if ",
          " else ",
          " elif ",
          " endif ",
          " for ",
          " in ",
          " endfor ",
          " set ",
          " endset ",
          " macro ",
          " endmacro ",
          " is ",
          " not ",
          " and ",
          " or ",
          " defined ",
          " none ",
          " string ",
          " true ",
          " false ",
          "x",
          "messages",
          "loop",
          "content",
          "role",
          "ns",
          "namespace",
          "range",
          "0",
          "1",
          "-1",
          "1.5",
          "99",
          "'a'",
          "'\\n'",
          "tojson",
          "trim",
          "length",
          "join",
          "map",
          "select",
          "items",
          "first",
          "last",
          "split",
          "strip",
          "replace",
          "raise_exception",
          "strftime_now",
          "break",
          "continue",
          "raw",
          "endraw",
          "generation",
          "endgeneration",
          "with",
          "endwith",
          "filter",
          "endfilter",
          "é",
          "😀",
          "\0");

  private static final String VALUES =
      "1;0;-2;2.5;'ab';'';none;true;x;messages;[];messages[0];'a b';{};messages[0].content;range(5)";
  private static final String FILTERS =
      "length;list;tojson;string;first;last;reverse;sort;unique | list;join(',');items | list;int;"
          + "title;trim;upper;max";
  private static final String TESTS = "defined;string;none;mapping;iterable;sequence;number;odd";
  private static final String METHODS =
      "strip();split();upper();items();keys();get('role');title();splitlines()";

  @FuzzTest(maxDuration = "30s")
  void render_anyBytes_throwsNothingElse(byte[] source) {
    tryTemplate(new String(source, java.nio.charset.StandardCharsets.UTF_8));
  }

  @Test
  void render_randomWords_throwNothingElse() {
    Random random = new Random(99);
    int rendered = 0;
    for (int i = 0; i < 20_000; i++) {
      StringBuilder source = new StringBuilder();
      for (int w = random.nextInt(30); w >= 0; w--) {
        source.append(WORDS.get(random.nextInt(WORDS.size())));
      }
      rendered += tryTemplate(source.toString()) ? 1 : 0;
    }
    assertThat(rendered).isPositive();
  }

  @Test
  void render_randomExpressions_throwNothingElse() {
    Random random = new Random(5);
    int rendered = 0;
    for (int i = 0; i < 20_000; i++) {
      rendered += tryTemplate("{{ " + expression(random, 4) + " }}") ? 1 : 0;
    }
    assertThat(rendered).isGreaterThan(1000);
  }

  @Test
  void render_mutatedRealTemplate_throwsNothingElse() {
    JsonNode tinyLlama = TestData.json("template-texts.json");
    assertThat(tinyLlama).isNotEmpty();
    String source =
        "{%- if messages[0]['role'] == 'system' %}{%- set s = messages[0].content %}{%- endif -%}\n"
            + "{% for m in messages if m.role != 'system' %}{% if loop.first %}{{ s | default('') }}"
            + "{% endif %}{{- '<|' ~ m['role'] ~ '|>' + m.content | trim }}{% endfor %}"
            + "{% macro a(b, c=1) %}{{ b[::-1] ~ c }}{% endmacro %}{{ a(messages | length) }}";
    Random random = new Random(17);
    for (int i = 0; i < 10_000; i++) {
      StringBuilder mutated = new StringBuilder(source);
      for (int m = random.nextInt(4); m >= 0; m--) {
        int at = random.nextInt(mutated.length());
        int end = Math.min(mutated.length(), at + random.nextInt(4));
        mutated.replace(at, end, WORDS.get(random.nextInt(WORDS.size())));
      }
      tryTemplate(mutated.toString());
    }
  }

  private static String expression(Random random, int depth) {
    if (depth == 0 || random.nextInt(5) == 0) {
      return any(random, VALUES);
    }
    String a = expression(random, depth - 1);
    String b = expression(random, depth - 1);
    return switch (random.nextInt(16)) {
      case 0 -> a + " + " + b;
      case 1 -> a + " ~ " + b;
      case 2 -> a + " == " + b;
      case 3 -> a + " in " + b;
      case 4 -> "(" + a + " if " + b + " else 'c')";
      case 5 -> "[" + a + ", " + b + "]";
      case 6 -> "(" + a + ")[" + b + "]";
      case 7 -> "(" + a + ")[" + b + ":]";
      case 8 -> "(" + a + ") | " + any(random, FILTERS);
      case 9 -> "(" + a + ") is " + any(random, TESTS);
      case 10 -> "(" + a + ")." + any(random, METHODS);
      case 11 -> "not " + a;
      case 12 -> a + " and " + b;
      case 13 -> a + " * " + b;
      case 14 -> "{'k': " + a + ", 'l': " + b + "}";
      default -> "(" + a + ") | default(" + b + ", true)";
    };
  }

  private static String any(Random random, String words) {
    String[] all = words.split(";");
    return all[random.nextInt(all.length)];
  }

  /// Whether the template was accepted.
  private static boolean tryTemplate(String source) {
    try {
      ChatTemplate template =
          ChatTemplate.load(
              source,
              Map.of("bos_token", "<s>"),
              Clock.systemUTC(),
              LIMITS,
              System::nanoTime,
              List.of());
      List<Message> messages = new ArrayList<>();
      messages.add(new Message("user", "  a<b \n"));
      messages.add(new Message("assistant", ""));
      Text untrusted = template.renderMarked(messages, ChatOptions.DEFAULT);
      Text trusted =
          template.renderMarked(messages, new ChatOptions(true, Map.of(), List.of(), true));
      assertThat(untrusted).isEqualTo(trusted);
      return true;
    } catch (TemplateException e) {
      assertThat(e.getMessage()).isNotEmpty();
      return false;
    }
  }
}
