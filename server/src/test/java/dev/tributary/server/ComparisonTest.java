package dev.tributary.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tributary.server.model.Certificate.Slice;
import dev.tributary.server.model.Comparison;
import dev.tributary.server.model.Comparison.Text;
import dev.tributary.server.model.Llama;
import dev.tributary.server.model.LlamaConfig;
import dev.tributary.server.model.LlamaLoader;
import dev.tributary.server.model.ModelException;
import dev.tributary.server.model.SourcePass;
import dev.tributary.server.tensor.Libtorch;
import dev.tributary.server.tensor.Ops;
import dev.tributary.server.weights.Checkpoint;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.StreamSupport;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Bases in four bits against their sources: torch's figures in float32 over the same weights.
class ComparisonTest {
  private static final Path GOLDENS = Path.of("src/test/resources/goldens/certify");
  private static final Path TINY = Path.of("src/test/resources/goldens/tiny");
  private static final ObjectMapper JSON = new ObjectMapper();

  @Test
  void figures_onTheReference_areTheOracles() throws IOException {
    compareAll(Ops.reference());
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void figures_onTheCpu_areTheOracles(int threads) throws IOException {
    try (Ops ops = Ops.cpu(Libtorch.bundled(), threads)) {
      compareAll(ops);
    }
  }

  private static void compareAll(Ops ops) throws IOException {
    ops.claimThread();
    JsonNode golden = JSON.readTree(GOLDENS.resolve("goldens.json").toFile());
    List<Text> texts = new ArrayList<>();
    golden
        .get("texts")
        .properties()
        .forEach(text -> texts.add(new Text(text.getKey(), ints(text.getValue()))));
    for (JsonNode expected : golden.get("cases")) {
      Llama base = base(ops, GOLDENS.resolve(expected.get("base").textValue()));
      Path source = GOLDENS.resolve(expected.get("source").textValue());
      try (SourcePass pass = source(ops, source, 201)) {
        Comparison comparison = new Comparison(base, pass, texts);
        finish(comparison);
        assertThat(comparison.done()).isEqualTo(comparison.total()).isEqualTo(273);
        for (int i = 0; i < texts.size(); i++) {
          same(comparison.slices().get(i), expected.get("slices").get(i));
        }
        same(comparison.all(), expected.get("all"));
      }
    }
  }

  private static void same(Slice found, JsonNode golden) {
    Percentage close = Percentage.withPercentage(0.02);
    assertThat(found.name()).isEqualTo(golden.get("name").textValue());
    assertThat(found.tokens()).isEqualTo(golden.get("tokens").intValue());
    assertThat(found.sourcePerplexity())
        .isCloseTo(golden.get("source_perplexity").doubleValue(), close);
    assertThat(found.basePerplexity())
        .isCloseTo(golden.get("base_perplexity").doubleValue(), close);
    assertThat(found.klMean()).isCloseTo(golden.get("kl_mean").doubleValue(), close);
    assertThat(found.klP99()).isCloseTo(golden.get("kl_p99").doubleValue(), close);
    assertThat(found.flips()).isEqualTo(golden.get("flips").intValue());
  }

  /// The tiny models' linear layers lie on the grid of four bits, and nothing else is quantised.
  @ParameterizedTest
  @ValueSource(
      strings = {"llama-tied", "llama-untied", "llama-llama3", "llama-bias", "qwen2", "qwen3"})
  void aBaseThatLostNothing_isItsSource(String model) throws IOException {
    try (Ops ops = Ops.cpu(Libtorch.bundled(), 2)) {
      ops.claimThread();
      Llama base = base(ops, TINY.resolve(model));
      try (SourcePass pass = source(ops, TINY.resolve(model), 100)) {
        int[] tokens = new int[100];
        for (int i = 0; i < tokens.length; i++) {
          tokens[i] = 7 * i * i % 256;
        }
        Comparison comparison = new Comparison(base, pass, List.of(new Text("one", tokens)));
        finish(comparison);
        assertThat(comparison.all().klP99()).isCloseTo(0, within(1e-8));
        assertThat(comparison.all().flips()).isZero();
        assertThat(comparison.all().basePerplexity())
            .isCloseTo(comparison.all().sourcePerplexity(), Percentage.withPercentage(1e-2));
      }
    }
  }

  @Test
  void aQuantisedSource_isRefusedByTheTensorsName() throws IOException {
    Ops ops = Ops.reference();
    assertThatThrownBy(() -> source(ops, GOLDENS.resolve("base-q4_1.gguf"), 10))
        .isInstanceOf(ModelException.class)
        .hasMessage("tensor token_embd.weight is Q8_0: a source has F16, BF16 or F32");
  }

  @Test
  void results_beforeTheEnd_areRefused() throws IOException {
    Ops ops = Ops.reference();
    Llama base = base(ops, GOLDENS.resolve("base-q4_1.gguf"));
    try (SourcePass pass = source(ops, GOLDENS.resolve("source"), 10)) {
      Comparison comparison =
          new Comparison(base, pass, List.of(new Text("one", new int[] {1, 2, 3})));
      assertThat(comparison.advance()).isTrue();
      assertThatThrownBy(comparison::slices).isInstanceOf(IllegalStateException.class);
      assertThatThrownBy(comparison::all).isInstanceOf(IllegalStateException.class);
    }
  }

  private static void finish(Comparison comparison) {
    int before = 0;
    while (comparison.advance()) {
      assertThat(comparison.done()).isBetween(before, comparison.total());
      before = comparison.done();
    }
  }

  private static Llama base(Ops ops, Path path) throws IOException {
    Checkpoint checkpoint = Checkpoint.open(path);
    return LlamaLoader.load(checkpoint, LlamaLoader.config(checkpoint), ops, 1, 8);
  }

  private static SourcePass source(Ops ops, Path path, int maxTokens) throws IOException {
    Checkpoint checkpoint = Checkpoint.open(path);
    LlamaConfig config = LlamaLoader.config(checkpoint);
    return new SourcePass(checkpoint, config, ops, maxTokens);
  }

  private static int[] ints(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false).mapToInt(JsonNode::intValue).toArray();
  }
}
