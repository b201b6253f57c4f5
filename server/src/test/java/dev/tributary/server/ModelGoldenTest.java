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
import dev.tributary.server.tensor.Libtorch;
import dev.tributary.server.tensor.Matrix;
import dev.tributary.server.tensor.Ops;
import dev.tributary.server.weights.Checkpoint;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The default base and the demo adapters against transformers + PEFT in float32, with
/// transformers' own bfloat16 run as the measure of what an inexact run may lose.
class ModelGoldenTest {
  private static final Logger LOG = LoggerFactory.getLogger(ModelGoldenTest.class);
  private static final int CHUNK = 256;
  private static final double CERTAIN = 0.25;

  private static Ops ops;
  private static Llama llama;
  private static TestStore adapters;

  @BeforeAll
  static void load() throws IOException {
    Checkpoint checkpoint = Checkpoint.open(RealModel.require());
    ops = Ops.cpu(Libtorch.bundled(), Runtime.getRuntime().availableProcessors());
    ops.claimThread();
    LlamaConfig config = LlamaLoader.config(checkpoint);
    llama = LlamaLoader.load(checkpoint, config, ops, 128, CHUNK);
    adapters =
        TestStore.offering(
            RealModel.DEMO.resolve("adapters"),
            llama,
            new BaseIdentity("sha256:0", Set.of("HuggingFaceTB/SmolLM2-135M-Instruct")),
            new DirectProbe(llama),
            1 << 30);
  }

  @AfterAll
  static void close() {
    if (ops != null) {
      adapters.close();
      ops.close();
    }
  }

  static Stream<Arguments> sets() throws IOException {
    JsonNode sets =
        new ObjectMapper()
            .readTree(RealModel.goldens().resolve("goldens.json").toFile())
            .get("sets");
    return IntStream.range(0, sets.size())
        .boxed()
        .flatMap(i -> Stream.of(ComputePath.values()).map(path -> Arguments.of(sets.get(i), path)));
  }

  @ParameterizedTest
  @MethodSource("sets")
  void answers_areTheOracles(JsonNode set, ComputePath path) {
    Golden golden = new Golden(RealModel.goldens().resolve(set.get("file").asText()));
    Comparison ours = new Comparison(golden);
    int[] ids = golden.ints("ids");
    int[] starts = golden.ints("starts");
    List<AdapterUse> uses = uses(set.get("adapter").asText());
    for (int s = 0; s + 1 < starts.length; s++) {
      for (int at = starts[s]; at < starts[s + 1]; at += CHUNK) {
        int[] tokens = Arrays.copyOfRange(ids, at, Math.min(at + CHUNK, starts[s + 1]));
        Matrix logits =
            llama.run(
                List.of(
                    new Span(
                        tokens, at - starts[s], IntStream.range(0, 128).toArray(), uses, path, 0)));
        for (int i = 0; i < tokens.length; i++) {
          if (ours.counts(at + i)) {
            ours.add(row(logits, i));
          }
        }
      }
    }
    double rough = set.get("bf16_kl").asDouble();
    LOG.info(
        "{} {} {}: {} positions, KL {} (transformers bf16 {}), same top {}, largest lead lost {}",
        set.get("adapter").asText(),
        set.get("kind").asText(),
        path,
        ours.count,
        String.format("%.6f", ours.kl / ours.count),
        String.format("%.6f", rough),
        String.format("%.4f", (double) ours.same / ours.count),
        String.format("%.3f", ours.largestLeadLost));
    assertThat(ours.count)
        .isGreaterThanOrEqualTo(set.get("kind").asText().equals("own") ? 500 : 2000);
    assertThat(ours.kl / ours.count).isLessThanOrEqualTo(Math.min(1.5 * rough, 0.002));
    assertThat(ours.largestLeadLost).isLessThan(CERTAIN);
    assertThat((double) ours.same / ours.count).isGreaterThanOrEqualTo(0.98);
  }

  private static List<AdapterUse> uses(String adapter) {
    return adapter.equals("base")
        ? List.of()
        : List.of(adapters.lease(adapters.resolve("public", AdapterRef.of(adapter))).join().use(1));
  }

  private static float[] row(Matrix matrix, int row) {
    float[] values = new float[matrix.cols()];
    matrix.row(row, values);
    return values;
  }

  /// Ours against the golden, position by position.
  private static final class Comparison {
    private final int[] topIds;
    private final float[] topLogs;
    private final float[] restLogs;
    private final float[] leads;
    private final int[] rows;
    private final int top;
    int count;
    double kl;
    int same;
    double largestLeadLost;

    Comparison(Golden golden) {
      topIds = golden.ints("top_ids");
      topLogs = golden.floats("top_logprobs");
      restLogs = golden.floats("rest_logprob");
      leads = golden.floats("lead");
      rows = golden.ints("rows");
      top = topIds.length / leads.length;
    }

    /// Whether the next position to add is this one.
    boolean counts(int position) {
      return count < rows.length && rows[count] == position;
    }

    /// KL(oracle || ours) over the stored top tokens and all others lumped together.
    void add(float[] logits) {
      double[] ours = Golden.logSoftmax(logits);
      double[] p = new double[top + 1];
      double[] q = new double[top + 1];
      boolean[] stored = new boolean[ours.length];
      for (int i = 0; i < top; i++) {
        int id = topIds[count * top + i];
        p[i] = topLogs[count * top + i];
        q[i] = ours[id];
        stored[id] = true;
      }
      double others = 0;
      for (int id = 0; id < ours.length; id++) {
        others += stored[id] ? 0 : Math.exp(ours[id]);
      }
      p[top] = restLogs[count];
      q[top] = Math.log(others);
      kl += Golden.kl(p, q);
      int best = 0;
      for (int i = 1; i < logits.length; i++) {
        best = logits[i] > logits[best] ? i : best;
      }
      if (best == topIds[count * top]) {
        same++;
      } else {
        largestLeadLost = Math.max(largestLeadLost, leads[count]);
      }
      count++;
    }
  }
}
