package dev.tributary.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.tributary.server.model.GradientPass;
import dev.tributary.server.model.Llama;
import dev.tributary.server.model.LlamaConfig;
import dev.tributary.server.model.LlamaLoader;
import dev.tributary.server.model.LoraWeights.Form;
import dev.tributary.server.model.LoraWeights.Site;
import dev.tributary.server.model.ModelException;
import dev.tributary.server.model.Projection;
import dev.tributary.server.model.Trainable;
import dev.tributary.server.model.TrainingRow;
import dev.tributary.server.tensor.Bytes;
import dev.tributary.server.tensor.DType;
import dev.tributary.server.tensor.EmulatedCuda;
import dev.tributary.server.tensor.Libtorch;
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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The gradient pass over a tiny model: finite differences, and what must not change a bit.
class GradientPassTest {
  private static final Path TINY = Path.of("src/test/resources/goldens/tiny");
  private static final long PLENTY = 1L << 30;

  /// The gradient says by how much the loss changes along any direction; so do two losses.
  @Test
  void gradients_ofTheReference_areTheSlopesOfTheLoss() throws IOException {
    Llama llama = llama(Ops.reference(), "llama-bias");
    Random random = new Random(1);
    try (Trainable adapter = trainable(llama.config(), random, 3, 0, 7);
        GradientPass pass = new GradientPass(llama, 256, PLENTY)) {
      List<TrainingRow> rows = rows(random, adapter, 3);
      run(pass, rows, true);
      // A random direction's slope is about as large as the gradient is long.
      double size =
          Math.sqrt(pass.ops().sumOfSquares(adapter.gradientValues(), 0, adapter.floats()));
      for (int round = 0; round < 6; round++) {
        float[] direction = new float[(int) adapter.floats()];
        double slope = 0;
        for (int i = 0; i < direction.length; i++) {
          direction[i] = (float) random.nextGaussian();
          slope += (double) direction[i] * adapter.gradientValues().getFloat(4L * i);
        }
        double step = 1e-3;
        move(adapter, direction, step);
        double above = weighted(rows, run(pass, rows, false));
        move(adapter, direction, -2 * step);
        double below = weighted(rows, run(pass, rows, false));
        move(adapter, direction, step);
        double measured = (above - below) / (2 * step);
        assertThat(measured).isCloseTo(slope, within(2e-3 * size));
      }
    }
  }

  private static void move(Trainable adapter, float[] direction, double step) {
    Bytes values = adapter.values();
    for (int i = 0; i < direction.length; i++) {
      values.putFloat(4L * i, (float) (values.getFloat(4L * i) + step * direction[i]));
    }
  }

  private static double weighted(List<TrainingRow> rows, double[] losses) {
    double sum = 0;
    for (int i = 0; i < losses.length; i++) {
      sum += rows.get(i).weights()[0] * losses[i];
    }
    return sum;
  }

  /// Three adapters of other ranks and layers, their rows in any order and company.
  @Test
  void bits_inAnyCompany_areThoseAlone() throws IOException {
    try (Ops ops = Ops.cpu(Libtorch.bundled(), 2)) {
      ops.claimThread();
      Llama llama = llama(ops, "llama-untied");
      Random random = new Random(2);
      try (Company company = new Company(llama.config(), random);
          GradientPass pass = new GradientPass(llama, 1024, PLENTY)) {
        List<String> alone = new ArrayList<>();
        Map<TrainingRow, Double> losses = new HashMap<>();
        for (Trainable adapter : company.adapters) {
          List<TrainingRow> own =
              company.rows.stream().filter(r -> r.adapter() == adapter).toList();
          double[] found = run(pass, own, true);
          for (int i = 0; i < found.length; i++) {
            losses.put(own.get(i), found[i]);
            assertThat(run(pass, List.of(own.get(i)), false)).containsExactly(found[i]);
          }
          alone.add(bits(adapter));
        }
        for (int round = 0; round < 4; round++) {
          List<TrainingRow> mixed = company.interleaved(random);
          company.adapters.forEach(Trainable::clearGradients);
          double[] found = run(pass, mixed, true);
          for (int i = 0; i < found.length; i++) {
            assertThat(found[i]).isEqualTo(losses.get(mixed.get(i)));
          }
          assertThat(company.adapters.stream().map(GradientPassTest::bits)).isEqualTo(alone);
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 8, 17})
  void bits_onAnyNumberOfWorkers_areTheSame(int workers) throws IOException {
    assertThat(bits(workers, PLENTY, 1024)).isEqualTo(bits(2, PLENTY, 1024));
  }

  /// From all activations kept down to one layer's.
  @ParameterizedTest
  @ValueSource(longs = {0, 300_000, 600_000})
  void bits_computedAgain_areTheSame(long activationBytes) throws IOException {
    assertThat(bits(2, activationBytes, 700)).isEqualTo(bits(2, PLENTY, 1024));
  }

  private static List<String> bits(int workers, long activationBytes, int maxTokens)
      throws IOException {
    try (Ops ops = Ops.cpu(Libtorch.bundled(), workers)) {
      ops.claimThread();
      Llama llama = llama(ops, "llama-untied");
      try (Company company = new Company(llama.config(), new Random(3));
          GradientPass pass = new GradientPass(llama, maxTokens, activationBytes)) {
        List<String> bits = new ArrayList<>();
        bits.add(Arrays.toString(run(pass, company.rows, true)));
        company.adapters.forEach(adapter -> bits.add(bits(adapter)));
        return bits;
      }
    }
  }

  /// Rows that begin alike, in one pass and each in its own: shared rows are computed once.
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void rowsThatBeginAlike_shareTheirBeginning(boolean exact) throws IOException {
    try (Ops ops = exact ? Ops.reference() : Ops.cpu(Libtorch.bundled(), 2)) {
      ops.claimThread();
      Llama llama = llama(ops, "llama-untied");
      Random random = new Random(6);
      try (Trainable together = trainable(llama.config(), random, 4, 0, 7);
          Trainable apart = trainable(llama.config(), random, 4, 0, 7);
          GradientPass pass = new GradientPass(llama, 512, PLENTY)) {
        apart.values().copyFrom(together.values(), 0, 0, together.values().size());
        for (int shared : new int[] {8, 16, 21, 40}) {
          together.clearGradients();
          apart.clearGradients();
          int[] beginning = random.ints(shared, 3, 250).toArray();
          List<TrainingRow> rows = new ArrayList<>();
          List<Double> losses = new ArrayList<>();
          int tokens = shared;
          for (int i = 0; i < 4; i++) {
            int[] ids = Arrays.copyOf(beginning, shared + 2 + random.nextInt(30));
            Arrays.setAll(ids, t -> t < shared ? ids[t] : 3 + random.nextInt(240));
            rows.add(new TrainingRow(ids, shared + 1, together, 0.5f + i));
            tokens += ids.length - 1 - shared;
            TrainingRow alone = new TrainingRow(ids, shared + 1, apart, 0.5f + i);
            losses.add(run(pass, List.of(alone), true)[0]);
          }
          assertThat(GradientPass.tokens(rows)).isEqualTo(tokens);
          assertThat(run(pass, rows, true))
              .containsExactly(losses.stream().mapToDouble(x -> x).toArray());
          float[] ours = floats(together.gradientValues());
          float[] theirs = floats(apart.gradientValues());
          double difference = 0;
          double size = 0;
          for (int i = 0; i < ours.length; i++) {
            difference += Math.pow((double) ours[i] - theirs[i], 2);
            size += Math.pow(theirs[i], 2);
          }
          assertThat(Math.sqrt(difference / size)).isLessThan(exact ? 1e-6 : 5e-3);
        }
      }
    }
  }

  @Test
  void twoPasses_addTheirGradients() throws IOException {
    Llama llama = llama(Ops.reference(), "llama-untied");
    Random random = new Random(4);
    try (Trainable adapter = trainable(llama.config(), random, 4, 0, 7);
        GradientPass pass = new GradientPass(llama, 256, PLENTY)) {
      List<TrainingRow> rows = rows(random, adapter, 2);
      run(pass, rows, true);
      float[] once = floats(adapter.gradientValues());
      run(pass, rows, true);
      float[] twice = floats(adapter.gradientValues());
      for (int i = 0; i < once.length; i++) {
        assertThat(twice[i]).isCloseTo(2 * once[i], within(1e-5f + 1e-5f * Math.abs(once[i])));
      }
      run(pass, rows, false);
      assertThat(floats(adapter.gradientValues())).containsExactly(twice);
      adapter.clearGradients();
      assertThat(floats(adapter.gradientValues())).containsOnly(0);
    }
  }

  @Test
  void begin_whatDoesNotFit_isRefused() throws IOException {
    Llama llama = llama(Ops.reference(), "llama-untied");
    Random random = new Random(5);
    try (Trainable adapter = trainable(llama.config(), random, 4, 0, 7);
        GradientPass pass = new GradientPass(llama, 8, 0)) {
      assertThatThrownBy(pass::advance).isInstanceOf(IllegalStateException.class);
      assertThatThrownBy(() -> pass.begin(List.of(), true)).hasMessageContaining("0 rows");
      TrainingRow longer = new TrainingRow(new int[10], 1, adapter, 1);
      assertThatThrownBy(() -> pass.begin(List.of(longer), true)).hasMessageContaining("9 tokens");
      TrainingRow unknown = new TrainingRow(new int[] {1, 9999}, 1, adapter, 1);
      assertThatThrownBy(() -> pass.begin(List.of(unknown), true)).hasMessageContaining("9999");
      TrainingRow fits = new TrainingRow(new int[] {1, 2, 3}, 1, adapter, 1);
      pass.begin(List.of(fits), true);
      assertThat(GradientPass.tokens(List.of(fits))).isEqualTo(2);
      assertThatThrownBy(pass::losses).hasMessageContaining("not complete");
      assertThatThrownBy(() -> new TrainingRow(new int[] {1, 2}, 2, adapter, 1))
          .hasMessageContaining("targets from 2 of 2");
      assertThatThrownBy(() -> new TrainingRow(new int[] {1, 2}, 0, adapter, 1))
          .isInstanceOf(IllegalArgumentException.class);
      Site site = new Site(9, Projection.Q);
      try (Trainable other =
          new Trainable(Map.of(site, new Form(DType.F32, DType.F32, 2, 64, 128, 1)))) {
        TrainingRow row = new TrainingRow(new int[] {1, 2}, 1, other, 1);
        assertThatThrownBy(() -> pass.begin(List.of(row), true))
            .hasMessageContaining("layer=9")
            .hasMessageContaining("another model");
      }
    }
  }

  @Test
  void gradientPass_ofWhatCannotBeTrained_isRefusedByName() throws IOException {
    Llama qwen3 = llama(Ops.reference(), "qwen3");
    assertThatThrownBy(() -> new GradientPass(qwen3, 8, 0))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("qwen3");
    try (Ops ops = EmulatedCuda.ops()) {
      ops.claimThread();
      Llama onGpu = llama(ops, "llama-untied");
      assertThatThrownBy(() -> new GradientPass(onGpu, 8, 0))
          .isInstanceOf(ModelException.class)
          .hasMessageContaining("this device");
    }
  }

  /// Adapters of different ranks on different layers, each with a few rows.
  private static final class Company implements AutoCloseable {
    final List<Trainable> adapters = new ArrayList<>();
    final List<TrainingRow> rows = new ArrayList<>();

    Company(LlamaConfig config, Random random) {
      adapters.add(trainable(config, random, 4, 0, 7));
      adapters.add(trainable(config, random, 16, 1, 2));
      adapters.add(trainable(config, random, 19, 0, 4));
      adapters.forEach(
          adapter -> rows.addAll(GradientPassTest.rows(random, adapter, 2 + random.nextInt(3))));
    }

    /// All rows, those of an adapter in their order.
    List<TrainingRow> interleaved(Random random) {
      List<Trainable> turns = new ArrayList<>(rows.stream().map(TrainingRow::adapter).toList());
      Collections.shuffle(turns, random);
      List<TrainingRow> left = new ArrayList<>(rows);
      List<TrainingRow> mixed = new ArrayList<>();
      for (Trainable turn : turns) {
        TrainingRow next = left.stream().filter(row -> row.adapter() == turn).findFirst().get();
        left.remove(next);
        mixed.add(next);
      }
      return mixed;
    }

    @Override
    public void close() {
      adapters.forEach(Trainable::close);
    }
  }

  /// @param from first layer with pairs
  /// @param projections how many have one
  private static Trainable trainable(
      LlamaConfig config, Random random, int rank, int from, int projections) {
    Map<Site, Form> forms = new HashMap<>();
    for (int layer = from; layer < config.layers(); layer++) {
      for (Projection projection : Arrays.copyOf(Projection.values(), projections)) {
        forms.put(
            new Site(layer, projection),
            new Form(
                DType.F32,
                DType.F32,
                rank,
                config.inputs(projection),
                config.outputs(projection),
                0.5f));
      }
    }
    Trainable adapter = new Trainable(forms);
    for (long at = 0; at < adapter.values().size(); at += 4) {
      adapter.values().putFloat(at, (float) (0.1 * random.nextGaussian()));
    }
    return adapter;
  }

  /// Some of them begin alike.
  private static List<TrainingRow> rows(Random random, Trainable adapter, int count) {
    List<TrainingRow> rows = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int[] tokens = random.ints(2 + random.nextInt(60), 3, 250).toArray();
      for (int t = 0; t < Math.min(20, tokens.length) && i % 3 > 0; t++) {
        tokens[t] = 100 + t;
      }
      int from = 1 + random.nextInt(tokens.length - 1);
      rows.add(new TrainingRow(tokens, from, adapter, 0.1f + random.nextFloat()));
    }
    return rows;
  }

  private static double[] run(GradientPass pass, List<TrainingRow> rows, boolean backward) {
    pass.begin(rows, backward);
    while (pass.advance()) {
      assertThatThrownBy(pass::losses).isInstanceOf(IllegalStateException.class);
    }
    return pass.losses();
  }

  private static String bits(Trainable adapter) {
    return Arrays.toString(floats(adapter.gradientValues()));
  }

  private static float[] floats(Bytes bytes) {
    float[] values = new float[(int) (bytes.size() / 4)];
    for (int i = 0; i < values.length; i++) {
      values[i] = bytes.getFloat(4L * i);
    }
    return values;
  }

  private static Llama llama(Ops ops, String name) throws IOException {
    Checkpoint checkpoint = Checkpoint.open(TINY.resolve(name));
    LlamaConfig config = LlamaLoader.config(checkpoint);
    return LlamaLoader.load(checkpoint, config, ops, 4, 64);
  }
}
