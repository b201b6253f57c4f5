package dev.tributary.server.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.nio.file.Path;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ModelSourceTest {
  private static final String COMMIT = FakeHub.COMMIT;

  @Test
  void parse_everyForm() {
    assertThat(ModelSource.parse("a/b.gguf")).isEqualTo(new ModelSource.Local(Path.of("a/b.gguf")));
    assertThat(ModelSource.parse("hf:o/r")).isEqualTo(new ModelSource.Hf("o/r", "main", null));
    assertThat(ModelSource.parse("hf:o/r@" + COMMIT))
        .isEqualTo(new ModelSource.Hf("o/r", COMMIT, null));
    assertThat(ModelSource.parse("hf:o/r/d/f.gguf"))
        .isEqualTo(new ModelSource.Hf("o/r", "main", "d/f.gguf"));
    assertThat(ModelSource.parse("hf:o/r.x@v1.0/f.gguf"))
        .isEqualTo(new ModelSource.Hf("o/r.x", "v1.0", "f.gguf"));
    assertThat(ModelSource.parse("pip:a-b==1.0.post1/a_b/f.gguf"))
        .isEqualTo(new ModelSource.Pip("a-b", "1.0.post1", "a_b/f.gguf"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "dir/model.gguf",
        "hf:o/r",
        "hf:o/r@v1",
        "hf:o/r/f.gguf",
        "hf:o/r@v1/d/f.gguf",
        "pip:p==1/f.gguf"
      })
  void toString_givesTheTextBack(String text) {
    assertThat(ModelSource.parse(text)).hasToString(text);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "https://example.org/model.gguf",
        "hf:",
        "hf:repo",
        "hf:/repo",
        "hf:owner/",
        "hf:../..",
        "hf:o/r..x",
        "hf:o--x/r",
        "hf:o/r@",
        "hf:o/r@..",
        "hf:o/r@a b",
        "hf:o/r/",
        "hf:o/r/model.bin",
        "hf:o/r/../f.gguf",
        "hf:o/r//f.gguf",
        "hf:o/r/a\\b.gguf",
        "hf:o/r/C:/f.gguf",
        "hf:o/r/a\nb.gguf",
        "pip:",
        "pip:p/f.gguf",
        "pip:p==1",
        "pip:p==1/",
        "pip:p==1/../f.gguf",
        "pip:p==1//f.gguf",
        "pip:p==1/f.txt",
        "pip:-r==1/f.gguf",
        "pip:p==--x/f.gguf",
        "pip:p>=1/f.gguf"
      })
  void parse_anythingElse_saysTheForms(String text) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ModelSource.parse(text))
        .withMessageContaining(ModelSource.FORMS);
  }

  @Test
  void parse_brokenText_isRefusedOrStaysBelowItsFolder() {
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(3);
    String[] pieces = {
      "hf:", "pip:", "o", "/", "..", ".", "@", "==", "-", "--", "f.gguf", "\\", "\0", ":", " ", "é"
    };
    int parsed = 0;
    for (int i = 0; i < 20_000; i++) {
      StringBuilder text = new StringBuilder(random.nextBoolean() ? "hf:o/" : "pip:o==1/");
      for (int n = random.nextInt(7); n >= 0; n--) {
        text.append(pieces[random.nextInt(pieces.length)]);
      }
      ModelSource source;
      try {
        source = ModelSource.parse(text.toString());
      } catch (IllegalArgumentException e) {
        continue;
      }
      String file =
          switch (source) {
            case ModelSource.Local local -> "";
            case ModelSource.Hf hf -> hf.file() == null ? "" : hf.file();
            case ModelSource.Pip pip -> pip.file();
          };
      Path root = Path.of("/root/below");
      assertThat(root.resolve(file).normalize()).startsWithRaw(root).isEqualTo(root.resolve(file));
      parsed++;
    }
    assertThat(parsed).isGreaterThan(100);
  }
}
