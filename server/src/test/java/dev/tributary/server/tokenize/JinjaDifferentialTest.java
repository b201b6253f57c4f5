package dev.tributary.server.tokenize;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/// Thousands of small templates against Jinja as transformers sets it up:
/// `.ci/goldens/tokenize_goldens.py snippets`.
class JinjaDifferentialTest {
  private static final Clock CLOCK =
      Clock.fixed(Instant.parse("2026-03-05T14:07:09Z"), ZoneOffset.UTC);
  private static final Map<String, String> SPECIAL =
      Map.of("bos_token", "<s>", "eos_token", "</s>", "unk_token", "<unk>", "pad_token", "<pad>");
  private static final List<Message> MESSAGES =
      List.of(new Message("user", "  a<b \n"), new Message("assistant", "Ünï"));

  /// What Jinja renders and this doesn't: a range as text, `%` on text, and slices of constants
  /// that can't be sliced, which Jinja's optimiser makes undefined.
  private static final Pattern KNOWN =
      Pattern.compile(
          "can't be printed|is not supported|can be called|VARIABLE_END is expected"
              + "|has no slices|whole number is needed");

  /// What is rendered is what Jinja renders; what Jinja refuses is refused. The other way round,
  /// little of what Jinja renders is refused here.
  @Test
  void render_snippets_equalJinjaOrAreRefused() {
    JsonNode goldens = TestData.json("snippet-goldens.json");
    String prelude = goldens.get("prelude").get(0).asText();
    List<String> different = new ArrayList<>();
    List<String> refused = new ArrayList<>();
    int same = 0;
    for (JsonNode golden : goldens.get("snippets")) {
      String snippet = golden.get(0).asText();
      JsonNode expected = golden.get(1);
      String result = render(prelude + snippet);
      boolean failed = result.startsWith("fails: ");
      boolean equal =
          expected.isTextual()
              ? result.equals("text: " + expected.asText())
              : expected.has("raised")
                  ? result.equals("raised: " + expected.get("raised").asText())
                  : failed;
      if (equal) {
        same++;
      } else if (failed) {
        refused.add(snippet + " -> " + result);
      } else {
        different.add(snippet + "\n  expected " + expected + "\n  but was  " + result);
      }
    }
    assertThat(different).as("%s", String.join("\n", different)).isEmpty();
    assertThat(same).isGreaterThan(2500);
    assertThat(refused)
        .allMatch(refusal -> KNOWN.matcher(refusal).find() || refusal.contains("1_000"))
        .hasSizeLessThan(65);
  }

  private static String render(String source) {
    try {
      ChatTemplate template =
          ChatTemplate.load(
              source, SPECIAL, CLOCK, RenderBudget.Limits.DEFAULT, System::nanoTime, List.of());
      return "text: " + template.render(MESSAGES, ChatOptions.DEFAULT);
    } catch (TemplateException e) {
      return (e.isRefusal() ? "raised: " : "fails: ") + e.getMessage();
    }
  }
}
