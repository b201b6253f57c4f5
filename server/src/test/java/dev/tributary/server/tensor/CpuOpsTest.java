package dev.tributary.server.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tributary.identity.ComputePath;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Every kernel against its plain-Java twin on random shapes, and its bits against itself in other
/// company.
class CpuOpsTest {
  private static final Ops REFERENCE = Ops.reference();
  private static Ops cpu;

  @BeforeAll
  static void start() {
    cpu = Ops.cpu(Libtorch.bundled(), 2);
    cpu.claimThread();
  }

  @AfterAll
  static void stop() {
    cpu.close();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 17})
  void forEach_doesEachItemOnceAndOneAtATimeOnAWorker(int workers) {
    try (Ops team = Ops.cpu(Libtorch.bundled(), workers)) {
      AtomicIntegerArray done = new AtomicIntegerArray(500);
      AtomicIntegerArray busy = new AtomicIntegerArray(team.workers());
      team.forEach(
          done.length(),
          (worker, item) -> {
            if (busy.incrementAndGet(worker) != 1) {
              throw new IllegalStateException("two at a time");
            }
            done.incrementAndGet(item);
            busy.decrementAndGet(worker);
          });

      assertThat(team.workers()).isEqualTo(workers);
      assertThat(IntStream.range(0, done.length()).map(done::get)).containsOnly(1);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17})
  void linear_int4OnAnyNumberOfWorkers_isTheReferenceProduct(int workers) {
    Random random = new Random(workers);
    try (Ops team = Ops.cpu(Libtorch.bundled(), workers)) {
      for (int[] shape : new int[][] {{960, 576}, {576, 576}, {3072, 576}, {576, 1536}, {48, 32}}) {
        LinearWeights.Int4 weights = int4(random, shape[0], shape[1]);
        Matrix x = f32(random, 1 + random.nextInt(5), shape[1]);
        assertClose(product(team, weights, x), product(REFERENCE, weights, x), 1e-5f);
      }
    }
  }

  @Test
  void linear_everyForm_isTheReferenceProduct() {
    Random random = new Random(1);
    for (int round = 0; round < 30; round++) {
      int outputs = 16 * (1 + random.nextInt(20));
      int inputs = 32 * (1 + random.nextInt(12));
      Matrix x = f32(random, 1 + random.nextInt(40), inputs);
      for (LinearWeights weights :
          List.of(
              int4(random, outputs, inputs),
              int4(random, outputs + 1, inputs),
              int8(random, outputs, inputs),
              dense(random, outputs, inputs))) {
        float tolerance = weights instanceof LinearWeights.Bf16 ? 2e-2f : 1e-5f;
        assertClose(product(cpu, weights, x), product(REFERENCE, weights, x), tolerance);
      }
    }
  }

  @Test
  void linear_intoColumns_leavesTheOthersAlone() {
    Random random = new Random(2);
    for (LinearWeights weights : List.of(int4(random, 64, 64), dense(random, 64, 64))) {
      Matrix x = f32(random, 3, 64);
      Matrix y = f32(random, 3, 160);
      Matrix before = copy(y);
      cpu.linear(x, cpu.pack(weights), y, 48, ComputePath.NARROW);
      for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 160; j++) {
          if (j < 48 || j >= 112) {
            assertThat(y.get(i, j)).isEqualTo(before.get(i, j));
          }
        }
      }
    }
  }

  @Test
  void row_ofPackedWeights_isTheSourceRow() {
    Random random = new Random(3);
    for (int outputs : new int[] {16, 32, 48, 64, 80, 192, 208}) {
      LinearWeights.Int4 weights = int4(random, outputs, 96);
      Linear packed = cpu.pack(weights);
      assertThat(packed.form()).isEqualTo("int4");
      float[] expected = new float[96];
      float[] actual = new float[96];
      for (int n = 0; n < outputs; n++) {
        weights.row(n, expected);
        packed.row(n, actual);
        assertThat(actual).containsExactly(expected);
      }
    }
  }

  @Test
  void logits_everyForm_areTheReferenceProduct() {
    Random random = new Random(4);
    for (int round = 0; round < 10; round++) {
      int inputs = 32 * (1 + random.nextInt(20));
      Matrix x = f32(random, 1 + random.nextInt(9), inputs);
      for (LinearWeights head : List.of(int8(random, 333, inputs), dense(random, 100, inputs))) {
        assertClose(logits(cpu, head, x), logits(REFERENCE, head, x), 1e-4f);
      }
      LinearWeights narrow = int4(random, 64, inputs);
      assertClose(logits(cpu, narrow, x), logits(REFERENCE, narrow, x), 1e-4f);
    }
  }

  @Test
  void rmsNorm_randomShapes_isTheReference() {
    Random random = new Random(5);
    for (int round = 0; round < 40; round++) {
      int cols = 1 + random.nextInt(700);
      Matrix x = f32(random, 1 + random.nextInt(6), cols);
      float[] weight = floats(random, cols);
      Matrix ours = Matrix.allocate(DType.F32, x.rows(), cols);
      Matrix theirs = Matrix.allocate(DType.F32, x.rows(), cols);
      cpu.rmsNorm(x, 0, x.rows(), weight, 1e-5f, ours);
      REFERENCE.rmsNorm(x, 0, x.rows(), weight, 1e-5f, theirs);
      assertClose(ours, theirs, 1e-5f);
    }
  }

  @Test
  void lora_randomSegments_isTheReference() {
    Random random = new Random(6);
    for (int round = 0; round < 60; round++) {
      int inputs = 1 + random.nextInt(300);
      int outputs = 1 + random.nextInt(300);
      int rows = 1 + random.nextInt(12);
      Matrix x = f32(random, rows, inputs);
      Matrix ours = f32(random, rows, outputs);
      Matrix theirs = copy(ours);
      List<LoraSegment> segments = segments(random, rows, inputs, outputs);
      cpu.lora(x, ours, segments);
      REFERENCE.lora(x, theirs, segments);
      assertClose(ours, theirs, 1e-5f);
    }
  }

  @Test
  void attention_randomShapes_isTheReference() {
    Random random = new Random(7);
    for (int round = 0; round < 40; round++) {
      AttentionCase c = new AttentionCase(random);
      Matrix ours = c.run(cpu, c.qkv, c.rows);
      Matrix theirs = c.run(REFERENCE, c.qkv, c.rows);
      assertClose(ours, theirs, 2e-2f);
    }
  }

  @Test
  void swigluAddBias_randomShapes_areTheReference() {
    Random random = new Random(8);
    for (int round = 0; round < 40; round++) {
      int cols = 1 + random.nextInt(400);
      int rows = 1 + random.nextInt(5);
      Matrix gateUp = f32(random, rows, 2 * cols);
      gateUp.set(0, 0, -200);
      Matrix ours = Matrix.allocate(DType.F32, rows, cols);
      Matrix theirs = Matrix.allocate(DType.F32, rows, cols);
      cpu.swiglu(gateUp, ours);
      REFERENCE.swiglu(gateUp, theirs);
      assertClose(ours, theirs, 1e-5f);
      float[] bias = floats(random, cols);
      cpu.addBias(ours, bias);
      REFERENCE.addBias(theirs, bias);
      assertClose(ours, theirs, 1e-5f);
      Matrix x = f32(random, rows, cols);
      Matrix y = copy(x);
      cpu.add(x, ours);
      REFERENCE.add(y, ours);
      assertClose(x, y, 1e-6f);
    }
  }

  /// A row's bits are the same alone and among any neighbours, at any place.
  @Test
  void everyKernel_inCompany_keepsARowsBits() {
    Random random = new Random(10);
    Linear int4 = cpu.pack(int4(random, 192, 96));
    Linear bf16 = cpu.pack(dense(random, 192, 96));
    Linear head = cpu.pack(int8(random, 200, 96));
    for (int rows : new int[] {2, 3, 4, 5, 8, 16, 17, 33, 64}) {
      Matrix x = f32(random, rows, 96);
      int at = random.nextInt(rows);
      Matrix alone = row(x, at);
      for (Linear weights : List.of(int4, bf16)) {
        assertThat(bits(row(apply(weights, x), at))).isEqualTo(bits(apply(weights, alone)));
      }
      Matrix wide = f32(random, rows, 96);
      Matrix logits = Matrix.allocate(DType.F32, rows, 200);
      cpu.logits(wide, head, logits, ComputePath.NARROW);
      Matrix own = Matrix.allocate(DType.F32, 1, 200);
      cpu.logits(row(wide, at), head, own, ComputePath.NARROW);
      assertThat(bits(row(logits, at))).isEqualTo(bits(own));
    }
  }

  @Test
  void attention_inCompany_keepsARowsBits() {
    Random random = new Random(11);
    for (int round = 0; round < 20; round++) {
      AttentionCase c = new AttentionCase(random);
      Matrix together = c.run(cpu, c.qkv, c.rows);
      int last = c.rows.count() - 1;
      Matrix alone = Matrix.allocate(DType.F32, 0, 1);
      // Row by row writes the same cache as all rows at once.
      KvCache cache = c.cache();
      for (int i = 0; i <= last; i++) {
        Rows one = new Rows(new int[] {i}, new int[][] {c.rows.pages()[i]});
        alone = c.run(cpu, row(c.qkv, i), one, cache);
      }
      assertThat(bits(row(together, last))).isEqualTo(bits(alone));
    }
  }

  @Test
  void exp_vectorAndScalar_haveTheSameBits() {
    Random random = new Random(12);
    float[] values = new float[Lanes.LENGTH];
    for (int round = 0; round < 10_000; round++) {
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) (random.nextGaussian() * 30);
      }
      float[] results = new float[values.length];
      Lanes.exp(jdk.incubator.vector.FloatVector.fromArray(Lanes.F, values, 0))
          .intoArray(results, 0);
      for (int i = 0; i < values.length; i++) {
        assertThat(results[i]).isEqualTo(Lanes.exp(values[i]));
        double clamped = Math.clamp(values[i], -87, 88);
        assertThat(results[i] / Math.exp(clamped)).isBetween(1 - 3e-7, 1 + 3e-7);
      }
    }
  }

  @Test
  void aFailingWorker_failsTheTaskAndTheTeamGoesOn() {
    try (Team team = new Team(3, () -> {})) {
      assertThatThrownBy(
              () ->
                  team.forEach(
                      100,
                      (worker, item) -> {
                        if (item == 50) {
                          throw new IllegalArgumentException("no luck");
                        }
                      }))
          .hasMessageContaining("no luck");
      int[] done = new int[100];
      team.forEach(100, (worker, item) -> done[item]++);
      assertThat(done).containsOnly(1);
    }
  }

  /// One sequence of random length over pages in random order.
  private static final class AttentionCase {
    final AttentionShape shape;
    final Matrix qkv;
    final Rows rows;
    final Rotary rotary;
    final Ops.HeadNorms norms;
    final int pages = 12;

    AttentionCase(Random random) {
      int kv = 1 + random.nextInt(3);
      shape = new AttentionShape(kv * (1 + random.nextInt(4)), kv, 2 * (1 + random.nextInt(40)));
      int length = 1 + random.nextInt(pages * KvCache.PAGE - 1);
      qkv = f32(random, length, shape.width());
      List<Integer> order = new ArrayList<>();
      for (int i = 0; i < pages; i++) {
        order.add(i);
      }
      java.util.Collections.shuffle(order, random);
      int[] table = order.stream().mapToInt(Integer::intValue).toArray();
      int[] positions = new int[length];
      int[][] tables = new int[length][];
      for (int i = 0; i < length; i++) {
        positions[i] = i;
        tables[i] = table;
      }
      rows = new Rows(positions, tables);
      double[] frequencies = new double[shape.headDim() / 2];
      for (int i = 0; i < frequencies.length; i++) {
        frequencies[i] = random.nextDouble();
      }
      rotary = new Rotary(frequencies, 1, pages * KvCache.PAGE);
      norms =
          new Ops.HeadNorms(
              floats(random, shape.headDim()), floats(random, shape.headDim()), 1e-6f);
    }

    KvCache cache() {
      return new KvCache(2, pages, shape);
    }

    Matrix run(Ops ops, Matrix from, Rows at) {
      return run(ops, from, at, cache());
    }

    Matrix run(Ops ops, Matrix from, Rows at, KvCache cache) {
      Matrix work = copy(from);
      Matrix y = Matrix.allocate(DType.F32, from.rows(), shape.queryWidth());
      ops.rotateAndStore(work, at, rotary, norms, cache, 1);
      ops.attend(work, at, cache, 1, y);
      return y;
    }
  }

  @SuppressWarnings("NullAway") // it does not see the component's annotation in a class file
  private static List<LoraSegment> segments(Random random, int rows, int inputs, int outputs) {
    List<LoraSegment> segments = new ArrayList<>();
    for (int from = 0; from < rows; ) {
      int to = Math.min(rows, from + 1 + random.nextInt(4));
      List<LoraSegment.Term> terms = new ArrayList<>();
      for (int t = random.nextInt(4); t > 0; t--) {
        int rank = 1 + random.nextInt(20);
        int width = 1 + random.nextInt(outputs);
        DType type = DType.values()[random.nextInt(2)];
        terms.add(
            new LoraSegment.Term(
                random(random, type, rank, inputs),
                random(random, type, rank, width),
                random.nextFloat(),
                random.nextInt(outputs - width + 1)));
      }
      if (random.nextInt(4) != 0) {
        segments.add(
            new LoraSegment(
                from, to, terms, random.nextBoolean() ? null : floats(random, outputs)));
      }
      from = to;
    }
    return segments;
  }

  private static Matrix apply(Linear weights, Matrix x) {
    Matrix y = Matrix.allocate(DType.F32, x.rows(), weights.outputs());
    cpu.linear(x, weights, y, 0, ComputePath.NARROW);
    return y;
  }

  private static Matrix product(Ops ops, LinearWeights weights, Matrix x) {
    Matrix y = Matrix.allocate(DType.F32, x.rows(), weights.outputs());
    ops.linear(x, ops.pack(weights), y, 0, ComputePath.NARROW);
    return y;
  }

  private static Matrix logits(Ops ops, LinearWeights weights, Matrix x) {
    Matrix y = Matrix.allocate(DType.F32, x.rows(), weights.outputs());
    ops.logits(x, ops.pack(weights), y, ComputePath.NARROW);
    return y;
  }

  private static LinearWeights.Int4 int4(Random random, int outputs, int inputs) {
    byte[] codes = new byte[outputs * inputs / 2];
    random.nextBytes(codes);
    int groups = outputs * inputs / 32;
    Bytes scales = Bytes.allocate(4L * groups);
    Bytes zeros = Bytes.allocate(4L * groups);
    boolean halves = random.nextBoolean();
    for (int i = 0; i < groups; i++) {
      float scale = half(0.02f * random.nextFloat());
      float zero = half(-0.15f * random.nextFloat()) + 8 * scale;
      scales.putFloat(4L * i, scale);
      zeros.putFloat(4L * i, halves ? zero : zero + 1e-3f * random.nextFloat());
    }
    return new LinearWeights.Int4(outputs, inputs, Bytes.copyOf(codes), scales, zeros);
  }

  private static float half(float value) {
    return Float.float16ToFloat(Float.floatToFloat16(value));
  }

  private static LinearWeights.Int8 int8(Random random, int outputs, int inputs) {
    byte[] codes = new byte[outputs * inputs];
    random.nextBytes(codes);
    Bytes scales = Bytes.allocate(4L * outputs * inputs / 32);
    for (int i = 0; i < outputs * inputs / 32; i++) {
      scales.putFloat(4L * i, 0.001f * random.nextFloat());
    }
    return new LinearWeights.Int8(outputs, inputs, Bytes.copyOf(codes), scales);
  }

  private static LinearWeights.Bf16 dense(Random random, int outputs, int inputs) {
    return new LinearWeights.Bf16(outputs, inputs, bf16(random, outputs, inputs).data());
  }

  private static Matrix bf16(Random random, int rows, int cols) {
    return random(random, DType.BF16, rows, cols);
  }

  private static Matrix f32(Random random, int rows, int cols) {
    return random(random, DType.F32, rows, cols);
  }

  private static Matrix random(Random random, DType type, int rows, int cols) {
    return Matrix.of(type, rows, cols, floats(random, rows * cols));
  }

  private static float[] floats(Random random, int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = 2 * random.nextFloat() - 1;
    }
    return values;
  }

  private static Matrix copy(Matrix matrix) {
    return new Matrix(matrix.data().copy(), matrix.type(), matrix.rows(), matrix.cols());
  }

  private static Matrix row(Matrix matrix, int row) {
    long width = (long) matrix.cols() * matrix.type().bytes();
    return new Matrix(
        matrix.data().slice(row * width, width).copy(), matrix.type(), 1, matrix.cols());
  }

  private static String bits(Matrix matrix) {
    StringBuilder text = new StringBuilder();
    for (int j = 0; j < matrix.cols(); j++) {
      text.append(Integer.toHexString(Float.floatToRawIntBits(matrix.get(0, j)))).append(' ');
    }
    return text.toString();
  }

  /// Equal within `tolerance` relative to the largest value of the row.
  private static void assertClose(Matrix actual, Matrix expected, float tolerance) {
    for (int i = 0; i < expected.rows(); i++) {
      float largest = 1e-3f;
      for (int j = 0; j < expected.cols(); j++) {
        largest = Math.max(largest, Math.abs(expected.get(i, j)));
      }
      for (int j = 0; j < expected.cols(); j++) {
        assertThat(Math.abs(actual.get(i, j) - expected.get(i, j)))
            .as("[%d, %d] %s against %s", i, j, actual.get(i, j), expected.get(i, j))
            .isLessThanOrEqualTo(tolerance * largest);
      }
    }
  }
}
