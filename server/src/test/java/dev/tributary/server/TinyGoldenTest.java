package dev.tributary.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tributary.identity.ComputePath;
import dev.tributary.server.adapter.AdapterRef;
import dev.tributary.server.adapter.BaseIdentity;
import dev.tributary.server.adapter.TestStore;
import dev.tributary.server.model.AdapterUse;
import dev.tributary.server.model.Llama;
import dev.tributary.server.model.LlamaConfig;
import dev.tributary.server.model.LlamaLoader;
import dev.tributary.server.model.Span;
import dev.tributary.server.tensor.EmulatedCuda;
import dev.tributary.server.tensor.KvCache;
import dev.tributary.server.tensor.Libtorch;
import dev.tributary.server.tensor.Matrix;
import dev.tributary.server.tensor.Ops;
import dev.tributary.server.weights.Checkpoint;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Tiny models of other shapes, and every kind of adapter, against transformers + PEFT in float32.
class TinyGoldenTest {
  private static final Path FOLDER = Path.of("src/test/resources/goldens/tiny");

  /// How far our KL from the oracle may be above that of transformers' own bfloat16 run.
  private static final double MARGIN = 1.5;

  static Stream<JsonNode> models() throws IOException {
    return entries("models");
  }

  static Stream<JsonNode> cases() throws IOException {
    return entries("cases");
  }

  private static Stream<JsonNode> entries(String kind) throws IOException {
    JsonNode list = new ObjectMapper().readTree(FOLDER.resolve("goldens.json").toFile()).get(kind);
    return IntStream.range(0, list.size()).mapToObj(list::get);
  }

  @ParameterizedTest
  @MethodSource("models")
  void model_onTheCpu_answersAsTheOracle(JsonNode entry) throws IOException {
    try (Ops ops = Ops.cpu(Libtorch.bundled(), 2)) {
      assertThat(kl(ops, entry)).isLessThan(MARGIN * entry.get("bf16_kl").asDouble());
    }
  }

  @ParameterizedTest
  @MethodSource("models")
  void model_onTheReference_answersAsTheOracle(JsonNode entry) throws IOException {
    assertThat(kl(Ops.reference(), entry)).isLessThan(MARGIN * entry.get("bf16_kl").asDouble());
  }

  @ParameterizedTest
  @MethodSource("models")
  void model_onTheEmulatedGpu_answersAsTheOracle(JsonNode entry) throws IOException {
    try (Ops ops = EmulatedCuda.ops()) {
      assertThat(kl(ops, entry)).isLessThan(MARGIN * entry.get("bf16_kl").asDouble());
    }
  }

  private static double kl(Ops ops, JsonNode entry) throws IOException {
    Path folder = FOLDER.resolve(entry.get("model").asText());
    return kl(llama(ops, folder), new Golden(folder.resolve("golden.safetensors")), List.of());
  }

  @ParameterizedTest
  @MethodSource("cases")
  void adapters_ofEveryKind_answerAsTheOracle(JsonNode entry) throws IOException {
    adapters(Ops.cpu(Libtorch.bundled(), 2), entry);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void adapters_onTheEmulatedGpu_answerAsTheOracle(JsonNode entry) throws IOException {
    adapters(EmulatedCuda.ops(), entry);
  }

  private static void adapters(Ops device, JsonNode entry) throws IOException {
    String model = entry.get("model").asText();
    try (Ops ops = device) {
      Llama llama = llama(ops, FOLDER.resolve(model));
      BaseIdentity identity = new BaseIdentity("sha256:0", Set.of("tributary/tiny-" + model));
      try (TestStore store =
          TestStore.offering(
              FOLDER.resolve(model).resolve("adapters"),
              llama,
              identity,
              new DirectProbe(llama),
              1 << 20)) {
        List<AdapterUse> uses = new ArrayList<>();
        for (JsonNode adapter : entry.get("adapters")) {
          String name = Path.of(adapter.get("path").asText()).getFileName().toString();
          AdapterRef ref = new AdapterRef(name, new AdapterRef.Number(1));
          uses.add(
              store
                  .lease(store.resolve("public", ref))
                  .join()
                  .use((float) adapter.get("scale").asDouble()));
        }
        Golden golden = new Golden(FOLDER.resolve(entry.get("golden").asText()));
        assertThat(kl(llama, golden, uses)).isLessThan(MARGIN * entry.get("bf16_kl").asDouble());
      }
    }
  }

  private static Llama llama(Ops ops, Path folder) throws IOException {
    ops.claimThread();
    Checkpoint checkpoint = Checkpoint.open(folder);
    LlamaConfig config = LlamaLoader.config(checkpoint);
    return LlamaLoader.load(checkpoint, config, ops, 16, 128);
  }

  /// Mean KL(oracle || ours) over the golden's rows.
  private static double kl(Llama llama, Golden golden, List<AdapterUse> adapters) {
    int[] ids = golden.ints("ids");
    int[] starts = golden.ints("starts");
    int[] rows = golden.ints("rows");
    float[] expected = golden.floats("logits");
    int vocabulary = llama.config().vocabulary();
    int[] pages = IntStream.range(0, 16).toArray();
    double sum = 0;
    int at = 0;
    for (int s = 0; s + 1 < starts.length; s++) {
      int[] tokens = Arrays.copyOfRange(ids, starts[s], starts[s + 1]);
      // In two spans, so that the second reads what the first wrote.
      int cut = Math.min(tokens.length - 1, KvCache.PAGE + 3);
      Matrix head =
          llama.run(
              List.of(
                  new Span(Arrays.copyOf(tokens, cut), 0, pages, adapters, ComputePath.NARROW, 0)));
      List<float[]> logits = new ArrayList<>();
      IntStream.range(0, cut).forEach(i -> logits.add(row(head, i)));
      int[] rest = Arrays.copyOfRange(tokens, cut, tokens.length);
      Matrix tail = llama.run(List.of(new Span(rest, cut, pages, adapters, ComputePath.NARROW, 0)));
      IntStream.range(0, rest.length).forEach(i -> logits.add(row(tail, i)));
      for (; at < rows.length && rows[at] < starts[s + 1]; at++) {
        float[] oracle = Arrays.copyOfRange(expected, at * vocabulary, (at + 1) * vocabulary);
        float[] ours = logits.get(rows[at] - starts[s]);
        sum += Golden.kl(Golden.logSoftmax(oracle), Golden.logSoftmax(ours));
      }
    }
    assertThat(at).isEqualTo(rows.length);
    return sum / rows.length;
  }

  private static float[] row(Matrix matrix, int row) {
    float[] values = new float[matrix.cols()];
    matrix.row(row, values);
    return values;
  }
}
