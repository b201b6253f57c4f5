package dev.tributary.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tributary.identity.ComputePath;
import dev.tributary.server.model.AdapterUse;
import dev.tributary.server.model.Llama;
import dev.tributary.server.model.LlamaConfig;
import dev.tributary.server.model.LlamaLoader;
import dev.tributary.server.model.LoraWeights;
import dev.tributary.server.model.Projection;
import dev.tributary.server.model.Span;
import dev.tributary.server.tensor.DType;
import dev.tributary.server.tensor.EmulatedCuda;
import dev.tributary.server.tensor.EmulatedCuda.Counts;
import dev.tributary.server.tensor.Matrix;
import dev.tributary.server.tensor.Ops;
import dev.tributary.server.weights.Checkpoint;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Steps of whole models as graphs against the same steps launched kernel by kernel, bit by bit, on
/// the emulated GPU.
class CudaGraphModelTest {
  private static final Path FOLDER = Path.of("src/test/resources/goldens/tiny");
  private static final int PAGES = 40;
  private static final int SEQUENCES = 5;
  private static final int STEPS = 30;

  /// One sequence that is decoded a token a step.
  private static final class Sequence {
    private final int[] pages;
    private final List<AdapterUse> adapters;
    private int position;

    Sequence(int[] pages, List<AdapterUse> adapters) {
      this.pages = pages;
      this.adapters = adapters;
    }

    Span next(Random random, int vocabulary, int count, ComputePath path) {
      int[] tokens = random.ints(count, 0, vocabulary).toArray();
      Span span = new Span(tokens, position, pages, adapters, path, count - 1);
      position += count;
      return span;
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama-untied", "qwen2", "qwen3"})
  void stepsOfEveryKind_asGraphs_keepEveryBit(String model) throws IOException {
    Random random = new Random(model.hashCode());
    try (Ops first = EmulatedCuda.ops();
        Ops second = EmulatedCuda.ops()) {
      Llama plain = llama(first, model);
      Llama graphs = llama(second, model);
      LlamaConfig config = plain.config();
      List<AdapterUse> adapters = adapters(random, config);
      EmulatedCuda.failCaptures(1); // of the first that tries: it tries no more
      for (int time = 0; time < 3; time++) {
        plain.run(List.of(new Span(new int[] {1}, 0, new int[] {0}, List.of(), path(true), 0)));
      }
      Counts before = EmulatedCuda.counts();
      int vocabulary = config.vocabulary();
      List<Sequence> sequences = new ArrayList<>();
      for (int step = 0; step < STEPS; step++) {
        if (step % 20 == 0) {
          sequences = sequences(random, adapters);
        }
        // Runs of steps of the same sequences, as decoding is, and steps of others in between.
        int rows = 1 + step / 4 % SEQUENCES;
        List<Span> spans = new ArrayList<>();
        for (Sequence sequence : sequences.subList(0, rows)) {
          spans.add(sequence.next(random, vocabulary, 1, path(true)));
        }
        if (step % 9 == 4) { // a chunk of a prompt beside them, on either path
          Sequence last = sequences.getLast();
          if (rows < SEQUENCES) {
            spans.add(last.next(random, vocabulary, 3, path(step % 2 == 0)));
          }
        }
        assertThat(bits(graphs.run(spans))).as("step %d", step).isEqualTo(bits(plain.run(spans)));
      }
      long launched = EmulatedCuda.counts().graphs() - before.graphs();
      assertThat(launched).isGreaterThan(STEPS / 3);
    }
  }

  @Test
  void tokensPositionsAndAdaptersOfOneShape_areOneGraph() throws IOException {
    Random random = new Random(7);
    try (Ops ops = EmulatedCuda.ops()) {
      Llama llama = llama(ops, "llama-untied");
      List<AdapterUse> adapters = adapters(random, llama.config());
      int vocabulary = llama.config().vocabulary();
      List<Sequence> sequences = sequences(random, adapters);
      // Two adapters with as many matrices of different ranks up to 4, and the base.
      Sequence[] shape = {
        new Sequence(sequences.get(0).pages, List.of(adapters.get(0))),
        new Sequence(sequences.get(1).pages, List.of(adapters.get(1))),
        new Sequence(sequences.get(2).pages, List.of())
      };
      shape[1].position = 20;
      List<Long> kernels = new ArrayList<>();
      for (int step = 0; step < 12; step++) {
        if (step == 6) { // the adapters change places
          Sequence one = new Sequence(shape[0].pages, shape[1].adapters);
          Sequence other = new Sequence(shape[1].pages, shape[0].adapters);
          one.position = shape[0].position;
          other.position = shape[1].position;
          shape[0] = one;
          shape[1] = other;
        }
        Counts before = EmulatedCuda.counts();
        List<Span> spans = new ArrayList<>();
        for (Sequence sequence : shape) {
          spans.add(sequence.next(random, vocabulary, 1, path(true)));
        }
        llama.run(spans);
        kernels.add(EmulatedCuda.counts().kernels() - before.kernels());
      }
      // Only the head, after two steps: the first sends the adapters, piece by piece.
      long head = kernels.getLast();
      assertThat(head).isEqualTo(2);
      assertThat(kernels.subList(3, 12)).containsOnly(head);
      assertThat(kernels.getFirst()).isGreaterThan(30);
    }
  }

  private static ComputePath path(boolean narrow) {
    return narrow ? ComputePath.NARROW : ComputePath.WIDE;
  }

  private static Llama llama(Ops ops, String model) throws IOException {
    ops.claimThread();
    Checkpoint checkpoint = Checkpoint.open(FOLDER.resolve(model));
    return LlamaLoader.load(checkpoint, LlamaLoader.config(checkpoint), ops, PAGES, 64);
  }

  private static List<Sequence> sequences(Random random, List<AdapterUse> adapters) {
    List<Integer> pages = new ArrayList<>(IntStream.range(0, PAGES).boxed().toList());
    Collections.shuffle(pages, random);
    List<Sequence> sequences = new ArrayList<>();
    int each = PAGES / SEQUENCES;
    for (int i = 0; i < SEQUENCES; i++) {
      int[] own = pages.subList(i * each, (i + 1) * each).stream().mapToInt(p -> p).toArray();
      int kind = random.nextInt(adapters.size() + 2);
      List<AdapterUse> uses =
          kind < adapters.size()
              ? List.of(adapters.get(kind))
              : kind == adapters.size() ? List.of() : adapters.subList(0, 2);
      sequences.add(new Sequence(own, uses));
    }
    return sequences;
  }

  /// Two plain ones of ranks 3 and 4, one of rank 7 on fewer layers, one with DoRA's magnitudes and
  /// norms of its own.
  private static List<AdapterUse> adapters(Random random, LlamaConfig config) {
    LoraWeights.Site site = new LoraWeights.Site(0, Projection.UP);
    float[] magnitudes = new float[config.outputs(Projection.UP)];
    Arrays.fill(magnitudes, 0.9f);
    LoraWeights.NormSite norm = new LoraWeights.NormSite(1, LoraWeights.Norm.ATTENTION);
    float[] weights = new float[config.hidden()];
    Arrays.fill(weights, 1.1f);
    return List.of(
        use(pairs(random, config, 3, Projection.values()), Map.of(), Map.of()),
        use(pairs(random, config, 4, Projection.values()), Map.of(), Map.of()),
        use(pairs(random, config, 7, Projection.Q, Projection.DOWN), Map.of(), Map.of()),
        use(
            pairs(random, config, 5, Projection.V),
            Map.of(site, magnitudes),
            Map.of(norm, weights)));
  }

  private static AdapterUse use(
      Map<LoraWeights.Site, LoraWeights.Pair> pairs,
      Map<LoraWeights.Site, float[]> magnitudes,
      Map<LoraWeights.NormSite, float[]> norms) {
    return new AdapterUse(new LoraWeights(pairs, magnitudes, norms, null, 1), 1);
  }

  private static Map<LoraWeights.Site, LoraWeights.Pair> pairs(
      Random random, LlamaConfig config, int rank, Projection... projections) {
    Map<LoraWeights.Site, LoraWeights.Pair> pairs = new HashMap<>();
    for (int layer = 0; layer < config.layers(); layer++) {
      for (Projection projection : projections) {
        pairs.put(
            new LoraWeights.Site(layer, projection),
            new LoraWeights.Pair(
                matrix(random, rank, config.inputs(projection)),
                matrix(random, rank, config.outputs(projection)),
                0.5f));
      }
    }
    return pairs;
  }

  private static Matrix matrix(Random random, int rows, int cols) {
    float[] values = new float[rows * cols];
    for (int i = 0; i < values.length; i++) {
      values[i] = 0.2f * (random.nextFloat() - 0.5f);
    }
    return Matrix.of(DType.F32, rows, cols, values);
  }

  private static List<Integer> bits(Matrix logits) {
    List<Integer> bits = new ArrayList<>();
    for (int i = 0; i < logits.rows(); i++) {
      for (int j = 0; j < logits.cols(); j++) {
        bits.add(Float.floatToRawIntBits(logits.get(i, j)));
      }
    }
    return bits;
  }
}
