package dev.tributary.server.tensor;

import static dev.tributary.server.tensor.Samples.assertClose;
import static dev.tributary.server.tensor.Samples.bits;
import static dev.tributary.server.tensor.Samples.copy;
import static dev.tributary.server.tensor.Samples.f32;
import static dev.tributary.server.tensor.Samples.floats;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Every backward operation against its plain-Java twin on random shapes, and its bits against
/// itself on other numbers of workers and in other company.
class BackwardOpsTest {
  private static final BackwardOps REFERENCE = Ops.reference().backward().orElseThrow();
  private static Ops ops;
  private static BackwardOps cpu;

  @BeforeAll
  static void start() {
    ops = Ops.cpu(Libtorch.bundled(), 2);
    ops.claimThread();
    cpu = ops.backward().orElseThrow();
  }

  @AfterAll
  static void stop() {
    ops.close();
  }

  @Test
  void linear_everyFormAndShape_isTheReferenceWithinBfloat16() {
    Random random = new Random(1);
    for (int round = 0; round < 25; round++) {
      int outputs = 1 + random.nextInt(300);
      int inputs = 32 * (1 + random.nextInt(12));
      for (LinearWeights weights :
          List.of(
              Samples.int4(random, outputs, inputs),
              Samples.int8(random, outputs, inputs),
              Samples.bf16(random, outputs, inputs))) {
        Case c = new Case(random, weights, 1 + random.nextInt(90));
        assertClose(c.run(ops, cpu), c.run(Ops.reference(), REFERENCE), 1.5e-2f);
      }
    }
  }

  @Test
  void linear_inFloat32_isTheReference() {
    Random random = new Random(2);
    try (Team team = new Team(3, () -> {})) {
      Scratch[] scratches = {new Scratch(), new Scratch(), new Scratch()};
      BackwardOps exact = new CpuBackward(Libtorch.bundled(), team, scratches, false);
      for (int round = 0; round < 15; round++) {
        int inputs = 32 * (1 + random.nextInt(12));
        LinearWeights weights = Samples.int4(random, 1 + random.nextInt(300), inputs);
        Case c = new Case(random, weights, 1 + random.nextInt(40));
        assertClose(c.run(ops, exact), c.run(Ops.reference(), REFERENCE), 1e-5f);
      }
    }
  }

  /// A head has more outputs than one chunk.
  @Test
  void linear_ofManyOutputs_isTheReferenceWithinBfloat16() {
    Random random = new Random(3);
    Case c = new Case(random, Samples.int8(random, 9000, 96), 70);
    assertClose(c.run(ops, cpu), c.run(Ops.reference(), REFERENCE), 1.5e-2f);
  }

  /// A product's gradient into part of dy's columns, added or not.
  private static final class Case {
    final LinearWeights weights;
    final int column;
    final Matrix dy;
    final Matrix dx;
    final boolean add;

    Case(Random random, LinearWeights weights, int rows) {
      this.weights = weights;
      column = random.nextInt(20);
      dy = f32(random, rows, column + weights.outputs() + random.nextInt(20));
      dx = f32(random, rows, weights.inputs());
      add = random.nextBoolean();
    }

    Matrix run(Ops device, BackwardOps backward) {
      Matrix result = copy(dx);
      backward.linear(dy, column, device.pack(weights), result, add);
      return result;
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 5, 8, 16, 17})
  void everyOperation_onAnyNumberOfWorkers_hasTheSameBits(int workers) {
    try (Ops team = Ops.cpu(Libtorch.bundled(), workers)) {
      team.claimThread();
      BackwardOps other = team.backward().orElseThrow();
      for (int seed = 0; seed < 3; seed++) {
        assertThat(allBits(team, other, seed)).isEqualTo(allBits(ops, cpu, seed));
      }
    }
  }

  /// What every operation gives for one random input.
  private static List<String> allBits(Ops device, BackwardOps backward, int seed) {
    Random random = new Random(seed);
    List<Matrix> results = new ArrayList<>();
    for (int[] shape : new int[][] {{960, 576}, {576, 1536}, {100, 96}}) {
      LinearWeights weights = Samples.int4(random, shape[0], shape[1]);
      results.add(new Case(random, weights, 70).run(device, backward));
    }
    LoraCase lora = new LoraCase(random, 90);
    lora.run(backward);
    results.add(lora.dx);
    lora.segments.forEach(s -> s.terms().forEach(t -> results.addAll(List.of(t.a(), t.bt()))));
    results.add(new AttentionCase(random).run(backward));
    Matrix gateUp = f32(random, 33, 128);
    backward.swiglu(gateUp, f32(random, 33, 64), gateUp);
    results.add(gateUp);
    Matrix region = f32(random, 3, 9000);
    Matrix first = f32(random, 3, 9000);
    Matrix second = squares(random, 3, 9000);
    Bytes values = region.data();
    backward.adam(values, values.copy(), first.data(), second.data(), 16, 26_990, step());
    results.add(region);
    List<String> bits = new ArrayList<>();
    for (Matrix matrix : results) {
      for (int row = 0; row < matrix.rows(); row++) {
        bits.add(bits(matrix, row));
      }
    }
    bits.add(Double.toString(backward.sumOfSquares(values, 0, 27_000)));
    return bits;
  }

  @Test
  void linear_inCompany_keepsARowsBits() {
    Random random = new Random(4);
    Linear weights = ops.pack(Samples.int4(random, 192, 160));
    for (int rows : new int[] {2, 3, 17, 63, 64, 65, 130}) {
      Matrix dy = f32(random, rows, 192);
      int at = random.nextInt(rows);
      Matrix together = Matrix.allocate(DType.F32, rows, 160);
      Matrix alone = Matrix.allocate(DType.F32, 1, 160);
      cpu.linear(dy, 0, weights, together, false);
      cpu.linear(dy.rowRange(at, at + 1), 0, weights, alone, false);
      assertThat(bits(together, at)).isEqualTo(bits(alone, 0));
    }
  }

  /// Random segments with random terms, and what their gradients were before.
  private static final class LoraCase {
    final Matrix x;
    final Matrix dy;
    final Matrix dx;
    final List<LoraGradient> segments = new ArrayList<>();

    LoraCase(Random random, int mostRows) {
      int rows = 1 + random.nextInt(mostRows);
      int inputs = 1 + random.nextInt(200);
      int outputs = 3 + random.nextInt(200);
      x = f32(random, rows, inputs);
      dy = f32(random, rows, outputs);
      dx = f32(random, rows, inputs);
      for (int from = random.nextInt(3); from < rows; ) {
        int to = Math.min(rows, from + 1 + random.nextInt(rows));
        int cut = 1 + random.nextInt(outputs - 1);
        segments.add(
            new LoraGradient(
                from,
                to,
                List.of(term(random, inputs, 0, cut), term(random, inputs, cut, outputs - cut))));
        from = to + random.nextInt(3);
      }
    }

    private static LoraGradient.Term term(Random random, int inputs, int column, int width) {
      int rank = 1 + random.nextInt(40);
      return new LoraGradient.Term(
          new LoraSegment.Term(
              f32(random, rank, inputs), f32(random, rank, width), random.nextFloat(), column),
          f32(random, rank, inputs),
          f32(random, rank, width));
    }

    void run(BackwardOps backward) {
      backward.lora(x, dy, dx, segments);
    }
  }

  @Test
  void lora_randomSegments_isTheReference() {
    for (int seed = 0; seed < 40; seed++) {
      LoraCase ours = new LoraCase(new Random(seed), 120);
      LoraCase theirs = new LoraCase(new Random(seed), 120);
      ours.run(cpu);
      theirs.run(REFERENCE);
      assertClose(ours.dx, theirs.dx, 2e-5f);
      for (int i = 0; i < ours.segments.size(); i++) {
        for (int t = 0; t < 2; t++) {
          LoraGradient.Term own = ours.segments.get(i).terms().get(t);
          assertClose(own.a(), theirs.segments.get(i).terms().get(t).a(), 2e-5f);
          assertClose(own.bt(), theirs.segments.get(i).terms().get(t).bt(), 2e-5f);
        }
      }
    }
  }

  @Test
  void lora_beforeAndAfterOtherAdapters_givesTheSameBits() {
    LoraCase together = new LoraCase(new Random(77), 120);
    LoraCase alone = new LoraCase(new Random(77), 120);
    assertThat(together.segments).hasSizeGreaterThan(1);
    together.run(cpu);
    for (LoraGradient segment : alone.segments) {
      cpu.lora(alone.x, alone.dy, alone.dx, List.of(segment));
    }
    for (int i = 0; i < together.segments.size(); i++) {
      LoraGradient.Term one = together.segments.get(i).terms().getFirst();
      LoraGradient.Term other = alone.segments.get(i).terms().getFirst();
      for (int r = 0; r < one.a().rows(); r++) {
        assertThat(bits(one.a(), r)).isEqualTo(bits(other.a(), r));
        assertThat(bits(one.bt(), r)).isEqualTo(bits(other.bt(), r));
      }
    }
  }

  @Test
  void rmsNorm_randomShapes_isTheReference() {
    Random random = new Random(5);
    for (int round = 0; round < 40; round++) {
      int cols = 1 + random.nextInt(700);
      Matrix x = f32(random, 1 + random.nextInt(6), cols);
      Matrix dy = f32(random, x.rows(), cols);
      Matrix ours = f32(random, x.rows(), cols);
      Matrix theirs = copy(ours);
      float[] weight = floats(random, cols);
      cpu.rmsNorm(x, weight, 1e-5f, dy, ours);
      REFERENCE.rmsNorm(x, weight, 1e-5f, dy, theirs);
      assertClose(ours, theirs, 1e-5f);
    }
  }

  @Test
  void rotate_afterARotation_givesBackWhatWasTurned() {
    Random random = new Random(6);
    for (int round = 0; round < 20; round++) {
      Samples.Sequence s = Samples.Sequence.random(random, 4);
      Matrix ours = copy(s.qkv());
      Matrix theirs = copy(s.qkv());
      cpu.rotate(ours, s.rows().positions(), s.shape(), s.rotary());
      REFERENCE.rotate(theirs, s.rows().positions(), s.shape(), s.rotary());
      assertClose(ours, theirs, 1e-6f);
      KvCache cache = new KvCache(1, 4, s.shape());
      ops.rotateAndStore(ours, s.rows(), s.rotary(), null, cache, 0);
      assertClose(ours, s.qkv(), 1e-5f);
    }
  }

  /// A few sequences of random lengths, some after a beginning that they share.
  private static final class AttentionCase {
    final AttentionShape shape;
    final List<RowRun> runs = new ArrayList<>();
    final Matrix qkv;
    final Matrix attended;
    final Matrix dAttended;

    AttentionCase(Random random) {
      int kv = 1 + random.nextInt(3);
      shape = new AttentionShape(kv * (1 + random.nextInt(4)), kv, 2 * (1 + random.nextInt(40)));
      int first = 1 + random.nextInt(100);
      runs.add(new RowRun(0, first, 0, 0));
      int rows = first;
      for (int i = random.nextInt(4); i > 0; i--) {
        int count = 1 + random.nextInt(100);
        runs.add(new RowRun(rows, count, 0, random.nextBoolean() ? first : 0));
        rows += count;
      }
      qkv = f32(random, rows, shape.width());
      dAttended = f32(random, rows, shape.queryWidth());
      attended = Matrix.allocate(DType.F32, rows, shape.queryWidth());
      runs.forEach(this::attend);
    }

    /// Each sequence by itself, with its beginning.
    private void attend(RowRun run) {
      int length = run.length();
      Matrix own = Matrix.allocate(DType.F32, length, shape.width());
      for (int t = 0; t < length; t++) {
        own.copyRow(qkv, run.row(t), t);
      }
      int[] pages = IntStream.range(0, Math.ceilDiv(length, KvCache.PAGE)).toArray();
      int[][] tables = new int[length][];
      Arrays.fill(tables, pages);
      Rows rows = new Rows(IntStream.range(0, length).toArray(), tables);
      KvCache cache = new KvCache(1, pages.length, shape);
      Rotary still = new Rotary(new double[] {0}, 1, 256);
      Matrix y = Matrix.allocate(DType.F32, length, shape.queryWidth());
      Ops.reference().rotateAndStore(own, rows, still, null, cache, 0);
      Ops.reference().attend(own, rows, cache, 0, y);
      for (int t = run.prefixRows(); t < length; t++) {
        attended.copyRow(y, t, run.row(t));
      }
    }

    Matrix run(BackwardOps backward) {
      Matrix dqkv = Matrix.allocate(DType.F32, qkv.rows(), shape.width());
      backward.attend(qkv, attended, dAttended, runs, shape, dqkv);
      return dqkv;
    }
  }

  @Test
  void attention_randomSequences_isTheReference() {
    Random random = new Random(7);
    for (int round = 0; round < 25; round++) {
      AttentionCase c = new AttentionCase(random);
      assertClose(c.run(cpu), c.run(REFERENCE), 1e-4f);
    }
  }

  @Test
  void swiglu_randomShapes_isTheReference() {
    Random random = new Random(8);
    for (int round = 0; round < 40; round++) {
      int cols = 1 + random.nextInt(400);
      Matrix gateUp = f32(random, 1 + random.nextInt(5), 2 * cols);
      gateUp.set(0, 0, -80);
      gateUp.set(0, cols / 2, 80);
      Matrix dy = f32(random, gateUp.rows(), cols);
      Matrix theirs = Matrix.allocate(DType.F32, gateUp.rows(), 2 * cols);
      REFERENCE.swiglu(gateUp, dy, theirs);
      cpu.swiglu(gateUp, dy, gateUp);
      assertClose(gateUp, theirs, 1e-5f);
    }
  }

  @Test
  void crossEntropy_randomLogits_isTheReference() {
    Random random = new Random(9);
    for (int round = 0; round < 20; round++) {
      int tokens = 2 + random.nextInt(5000);
      Matrix ours = f32(random, 3, tokens);
      int[] targets = {0, tokens - 1, random.nextInt(tokens)};
      ours.set(1, targets[1], 20); // all but sure
      ours.set(2, targets[2], -60);
      Matrix theirs = copy(ours);
      Matrix kept = copy(ours);
      float[] weights = {1, 0.25f, 3};
      double[] losses = new double[3];
      double[] expected = new double[3];
      cpu.crossEntropy(kept, targets, weights, losses, false);
      cpu.crossEntropy(ours, targets, weights, new double[3], true);
      REFERENCE.crossEntropy(theirs, targets, weights, expected, true);
      assertClose(ours, theirs, 1e-5f);
      for (int i = 0; i < 3; i++) {
        assertThat(losses[i]).isCloseTo(expected[i], within(1e-6 * Math.max(1e-3, expected[i])));
        assertThat(kept.get(i, targets[i])).isEqualTo(i == 1 ? 20 : i == 2 ? -60 : kept.get(0, 0));
      }
    }
  }

  @Test
  void adam_someSteps_isTheReference() {
    Random random = new Random(10);
    Matrix ours = f32(random, 1, 5000);
    Matrix theirs = copy(ours);
    Bytes[] own = {Bytes.allocate(20_000), Bytes.allocate(20_000)};
    Bytes[] other = {Bytes.allocate(20_000), Bytes.allocate(20_000)};
    for (int t = 1; t <= 5; t++) {
      Bytes gradients = f32(random, 1, 5000).data();
      AdamStep step =
          new AdamStep(
              1e-3f,
              0.9f,
              0.999f,
              1e-8f,
              0.01f,
              (float) (1 - Math.pow(0.9, t)),
              (float) (1 - Math.pow(0.999, t)),
              0.7f);
      cpu.adam(ours.data(), gradients, own[0], own[1], 0, 5000, step);
      REFERENCE.adam(theirs.data(), gradients, other[0], other[1], 0, 5000, step);
    }
    assertClose(ours, theirs, 1e-6f);
  }

  @Test
  void adam_ofARange_leavesTheRestAlone() {
    Random random = new Random(11);
    Matrix values = f32(random, 1, 300);
    Matrix before = copy(values);
    Bytes gradients = f32(random, 1, 300).data();
    cpu.adam(values.data(), gradients, Bytes.allocate(1200), Bytes.allocate(1200), 32, 100, step());
    for (int i = 0; i < 300; i++) {
      assertThat(values.get(0, i) != before.get(0, i)).isEqualTo(i >= 32 && i < 100);
    }
  }

  @Test
  void sumOfSquares_anyRange_isTheReference() {
    Random random = new Random(12);
    Bytes values = f32(random, 1, 20_000).data();
    for (int round = 0; round < 20; round++) {
      int from = random.nextInt(10_000);
      int to = from + random.nextInt(10_000);
      double expected = REFERENCE.sumOfSquares(values, from, to);
      assertThat(cpu.sumOfSquares(values, from, to)).isCloseTo(expected, within(1e-5 * expected));
    }
  }

  @Test
  void shapesThatDoNotFit_areRefused() {
    Matrix a = Matrix.allocate(DType.F32, 4, 64);
    Matrix b = Matrix.allocate(DType.F32, 3, 64);
    Linear weights = ops.pack(Samples.int4(new Random(13), 64, 64));
    assertThatThrownBy(() -> cpu.linear(a, 0, weights, b, false))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> cpu.linear(a, 1, weights, a, false))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(
            () -> cpu.crossEntropy(b, new int[] {0, 1, 64}, new float[3], new double[3], true))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> cpu.sumOfSquares(a.data(), 0, 257))
        .isInstanceOf(IllegalArgumentException.class);
  }

  private static AdamStep step() {
    return new AdamStep(1e-3f, 0.9f, 0.999f, 1e-8f, 0.01f, 0.1f, 0.001f, 1);
  }

  private static Matrix squares(Random random, int rows, int cols) {
    Matrix matrix = f32(random, rows, cols);
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < cols; j++) {
        matrix.set(i, j, matrix.get(i, j) * matrix.get(i, j));
      }
    }
    return matrix;
  }
}
