package dev.tributary.identity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Random;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ModulePatternTest {
  private static final String ALPHABET = "ab.1_";

  @Test
  void matches_randomPatterns_agreesWithJavaUtilRegex() {
    Random random = new Random(20261121);
    int matched = 0;
    for (int i = 0; i < 4_000; i++) {
      String source = expression(random, 3);
      ModulePattern pattern = ModulePattern.compile(source);
      ModulePattern suffix = ModulePattern.compileSuffix(source);
      Pattern java = Pattern.compile(source);
      Pattern javaSuffix = Pattern.compile("(.*\\.)?(" + source + ")");
      for (int j = 0; j < 10; j++) {
        String name = name(random);
        boolean expected = java.matcher(name).matches();
        assertThat(pattern.matches(name)).as("%s on %s", source, name).isEqualTo(expected);
        assertThat(suffix.matches(name))
            .as("suffix %s on %s", source, name)
            .isEqualTo(javaSuffix.matcher(name).matches());
        matched += expected ? 1 : 0;
      }
    }
    assertThat(matched).isBetween(2_000, 38_000);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "(",
        ")",
        "a)|(b",
        "[",
        "[]a]",
        "[a",
        "[[a]",
        "a**",
        "a*+",
        "a++",
        "a?+",
        "a{2}{3}",
        "*a",
        "{2}",
        "a{",
        "a{x}",
        "a{3,2}",
        "a{1001}",
        "a}",
        "a]",
        "^*",
        "\\b+",
        "(?=a)*",
        "(?i)a",
        "(?P<x>a)",
        "(?P=x)",
        "(?<=a)b",
        "(?<!a)b",
        "(?>a)",
        "(?#c)",
        "\\1",
        "\\Z",
        "\\A",
        "\\n",
        "\\x41",
        "\\p{L}",
        "\\",
        "[\\b]",
        "[b-a]",
        "[\\d-z]",
        "(?=(?=a))",
        "\u00e9",
        "a\n"
      })
  void compile_unsupported_isRefused(String source) {
    assertThatThrownBy(() -> ModulePattern.compile(source))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> ModulePattern.compileSuffix(source))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void compile_beyondItsBounds_isRefused() {
    for (String source :
        new String[] {
          "a".repeat(ModulePattern.MAX_CHARS + 11),
          "(".repeat(40) + ")".repeat(40),
          "((a{100}){100}){100}",
          "((((){1000}){1000}){1000}){1000}",
          "(?:(?=((){1000}){1000})){1000}",
          "(?:(?=(){900})){900}"
        }) {
      assertThatThrownBy(() -> ModulePattern.compile(source))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void matches_whatBacktrackingNeverFinishes_finishes() {
    String name = "a".repeat(ModulePattern.MAX_NAME_CHARS - 1) + "!";
    assertThat(ModulePattern.compile("(a+)+").matches(name)).isFalse();
    assertThat(ModulePattern.compile("(a|a|a|aa)*b").matches(name)).isFalse();
    assertThat(ModulePattern.compile("(.*a){20}b").matches(name)).isFalse();
    assertThat(ModulePattern.compile("((?=.*b)a|(?!.*c)a)*!").matches(name)).isTrue();
  }

  @Test
  void matches_whatIsNoModuleName_isTheCallersBug() {
    ModulePattern any = ModulePattern.compile(".*");
    for (String name : new String[] {"a b", "\u00e9", "a\n", "a".repeat(257)}) {
      assertThatThrownBy(() -> any.matches(name)).isInstanceOf(IllegalArgumentException.class);
    }
  }

  private static String expression(Random random, int depth) {
    StringBuilder text = new StringBuilder();
    int parts = random.nextInt(4);
    for (int i = 0; i < parts; i++) {
      text.append(part(random, depth));
      if (random.nextInt(6) == 0) {
        text.append('|');
      }
    }
    return text.toString();
  }

  private static String part(Random random, int depth) {
    String quantifier =
        new String[] {"", "", "", "*", "+", "?", "*?", "+?", "{2}", "{0,2}", "{1,}", "{2,3}?"}
            [random.nextInt(12)];
    return switch (random.nextInt(depth == 0 ? 8 : 12)) {
      case 0 -> "\\." + quantifier;
      case 1 -> "." + quantifier;
      case 2 -> "[ab]" + quantifier;
      case 3 -> "[^.1-9]" + quantifier;
      case 4 -> new String[] {"\\d", "\\w", "\\W", "\\D", "[\\d_]"}[random.nextInt(5)] + quantifier;
      case 5 -> new String[] {"^", "$", "\\b", "\\B"}[random.nextInt(4)];
      case 6, 7 -> "ab1_".charAt(random.nextInt(4)) + quantifier;
      case 8 -> depth == 3 ? "(?=[ab]*\\.)" : "a";
      case 9 -> depth == 3 ? "(?!.*b)" : "b";
      case 10 -> "(?:" + expression(random, depth - 1) + ")" + quantifier;
      default -> "(" + expression(random, depth - 1) + ")" + quantifier;
    };
  }

  private static String name(Random random) {
    StringBuilder text = new StringBuilder();
    int length = random.nextInt(8);
    for (int i = 0; i < length; i++) {
      text.append(ALPHABET.charAt(random.nextInt(ALPHABET.length())));
    }
    return text.toString();
  }
}
