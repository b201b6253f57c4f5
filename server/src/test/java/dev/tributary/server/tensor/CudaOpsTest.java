package dev.tributary.server.tensor;

import static dev.tributary.server.tensor.Samples.assertClose;
import static dev.tributary.server.tensor.Samples.bits;
import static dev.tributary.server.tensor.Samples.f32;
import static dev.tributary.server.tensor.Samples.floats;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tributary.identity.ComputePath;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Every operation on the emulated GPU against its plain-Java twin on random shapes, and its bits
/// against itself in other company.
class CudaOpsTest {
  private static final Ops REFERENCE = Ops.reference();
  private static Ops cuda;

  @BeforeAll
  static void start() {
    cuda = EmulatedCuda.ops();
    cuda.claimThread();
  }

  @AfterAll
  static void stop() {
    if (cuda != null) {
      cuda.close();
    }
  }

  private static List<LinearWeights> forms(Random random, int outputs, int inputs) {
    return List.of(
        Samples.int4(random, outputs, inputs),
        Samples.int4(random, outputs, inputs),
        Samples.int8(random, outputs, inputs),
        Samples.bf16(random, outputs, inputs),
        Samples.bf16(random, outputs, inputs - 3));
  }

  @Test
  void linear_everyForm_isTheReferenceProduct() {
    Random random = new Random(1);
    for (int round = 0; round < 12; round++) {
      int outputs = 1 + random.nextInt(150);
      int inputs = 32 * (1 + random.nextInt(20));
      int rows = round == 0 ? 1 : 1 + random.nextInt(20);
      for (LinearWeights weights : forms(random, outputs, inputs)) {
        Matrix x = f32(random, rows, weights.inputs());
        assertClose(product(cuda, weights, x), product(REFERENCE, weights, x), 1e-5f);
      }
    }
  }

  @Test
  void linear_wide_isTheReferenceProductRoundedToBfloat16() {
    Random random = new Random(2);
    for (int rows : new int[] {1, 64, 70}) {
      LinearWeights weights = Samples.int4(random, 96, 160);
      Matrix x = f32(random, rows, 160);
      Matrix wide = product(cuda, cuda.pack(weights), x, ComputePath.WIDE);
      assertClose(wide, product(REFERENCE, weights, x), 2e-2f);
      assertThat(bits(wide, 0))
          .isNotEqualTo(bits(product(cuda, cuda.pack(weights), x, ComputePath.NARROW), 0));
    }
  }

  @ParameterizedTest
  @EnumSource(ComputePath.class)
  void linear_intoColumns_leavesTheOthersAlone(ComputePath path) {
    Random random = new Random(3);
    for (LinearWeights weights : forms(random, 64, 64)) {
      Matrix x = f32(random, 3, weights.inputs());
      Matrix before = f32(random, 3, 160);
      Matrix y = toDevice(before);
      cuda.linear(toDevice(x), cuda.pack(weights), y, 48, path);
      Matrix after = toHost(y);
      for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 160; j++) {
          if (j < 48 || j >= 112) {
            assertThat(after.get(i, j)).isEqualTo(before.get(i, j));
          }
        }
      }
    }
  }

  @Test
  void rowAndEmbed_everyForm_areTheSourceRow() {
    Random random = new Random(4);
    for (LinearWeights weights : forms(random, 21, 96)) {
      Linear packed = cuda.pack(weights);
      int[] tokens = {20, 0, 7, 7, 13};
      Matrix x = cuda.allocate(DType.F32, tokens.length, weights.inputs());
      cuda.embed(tokens, packed, x);
      Matrix embedded = toHost(x);
      float[] expected = new float[weights.inputs()];
      float[] actual = new float[weights.inputs()];
      for (int i = 0; i < tokens.length; i++) {
        weights.row(tokens[i], expected);
        packed.row(tokens[i], actual);
        assertThat(actual).containsExactly(expected);
        embedded.row(i, actual);
        assertThat(actual).containsExactly(expected);
      }
    }
  }

  @Test
  void logits_everyForm_areTheReferenceProduct() {
    Random random = new Random(5);
    for (LinearWeights head : forms(random, 333, 96)) {
      Matrix x = f32(random, 1 + random.nextInt(9), head.inputs());
      Matrix ours = cuda.allocateLogits(x.rows(), 333);
      cuda.logits(toDevice(x), cuda.pack(head), ours, ComputePath.NARROW);
      Matrix theirs = REFERENCE.allocateLogits(x.rows(), 333);
      REFERENCE.logits(x, REFERENCE.pack(head), theirs, ComputePath.NARROW);
      assertClose(ours, theirs, 1e-5f);
    }
  }

  @Test
  void rmsNorm_someRows_isTheReferenceAndLeavesTheOthers() {
    Random random = new Random(6);
    for (int round = 0; round < 20; round++) {
      int rows = 2 + random.nextInt(5);
      int cols = 1 + random.nextInt(700);
      int from = random.nextInt(rows);
      int to = from + random.nextInt(rows - from + 1);
      Matrix x = f32(random, rows, cols);
      Matrix theirs = f32(random, rows, cols);
      Matrix ours = toDevice(theirs);
      float[] weight = floats(random, cols);
      cuda.rmsNorm(toDevice(x), from, to, weight, 1e-5f, ours);
      REFERENCE.rmsNorm(x, from, to, weight, 1e-5f, theirs);
      assertClose(toHost(ours), theirs, 1e-5f);
    }
  }

  @Test
  void elements_randomShapes_areTheReference() {
    Random random = new Random(7);
    for (int round = 0; round < 20; round++) {
      int cols = 1 + random.nextInt(400);
      int rows = 1 + random.nextInt(5);
      Matrix gateUp = f32(random, rows, 2 * cols);
      gateUp.set(0, 0, -200);
      gateUp.set(rows - 1, cols - 1, 200);
      Matrix x = f32(random, rows, cols);
      float[] bias = floats(random, cols);
      Matrix ours = cuda.allocate(DType.F32, rows, cols);
      Matrix sum = toDevice(x);
      cuda.swiglu(toDevice(gateUp), ours);
      cuda.addBias(ours, bias);
      cuda.add(sum, ours);
      Matrix theirs = Matrix.allocate(DType.F32, rows, cols);
      REFERENCE.swiglu(gateUp, theirs);
      REFERENCE.addBias(theirs, bias);
      REFERENCE.add(x, theirs);
      assertClose(toHost(ours), theirs, 1e-5f);
      assertClose(toHost(sum), x, 1e-5f);
    }
  }

  @Test
  void lora_ranksUpTo256_isTheReference() {
    Random random = new Random(8);
    for (int round = 0; round < 40; round++) {
      int inputs = 1 + random.nextInt(300);
      int outputs = 1 + random.nextInt(300);
      int rows = 1 + random.nextInt(24);
      int ranks = round < 4 ? 256 : 20;
      Matrix x = f32(random, rows, inputs);
      Matrix theirs = f32(random, rows, outputs);
      Matrix ours = toDevice(theirs);
      List<LoraSegment> segments = Samples.segments(random, rows, inputs, outputs, ranks);
      cuda.lora(toDevice(x), ours, segments);
      REFERENCE.lora(x, theirs, segments);
      assertClose(toHost(ours), theirs, 1e-5f);
    }
  }

  @Test
  void attention_randomShapes_isTheReference() {
    Random random = new Random(9);
    for (int round = 0; round < 12; round++) {
      Samples.Sequence sequence = Samples.Sequence.random(random, round < 3 ? 40 : 8);
      KvCache cache = cache(cuda, sequence);
      Matrix ours = attend(cuda, sequence, sequence.qkv(), sequence.rows(), cache);
      Matrix theirs =
          attend(REFERENCE, sequence, sequence.qkv(), sequence.rows(), cache(REFERENCE, sequence));
      assertClose(ours, theirs, 1e-4f);
    }
  }

  @Test
  void attention_inChunksOfAnySize_keepsARowsBits() {
    Random random = new Random(10);
    for (int round = 0; round < 6; round++) {
      Samples.Sequence sequence = Samples.Sequence.random(random, round < 2 ? 24 : 4);
      int length = sequence.rows().count();
      Matrix together =
          attend(cuda, sequence, sequence.qkv(), sequence.rows(), cache(cuda, sequence));
      KvCache cache = cache(cuda, sequence);
      for (int from = 0; from < length; ) {
        int to = Math.min(length, from + 1 + random.nextInt(length));
        Matrix part =
            attend(
                cuda,
                sequence,
                sequence.qkv().rowRange(from, to),
                sequence.rows().range(from, to),
                cache);
        assertThat(bits(part, 0)).isEqualTo(bits(together, from));
        assertThat(bits(part, to - from - 1)).isEqualTo(bits(together, to - 1));
        from = to;
      }
    }
  }

  /// A row's bits are the same alone and among any neighbours, at any place.
  @ParameterizedTest
  @EnumSource(ComputePath.class)
  void product_inCompany_keepsARowsBits(ComputePath path) {
    Random random = new Random(11);
    for (int rows : new int[] {2, 8, 9, 64, 130}) {
      for (LinearWeights weights : forms(random, 32, 96)) {
        Linear packed = cuda.pack(weights);
        Matrix x = f32(random, rows, weights.inputs());
        int at = random.nextInt(rows);
        Matrix alone = product(cuda, packed, Samples.row(x, at), path);
        assertThat(bits(product(cuda, packed, x, path), at)).isEqualTo(bits(alone, 0));
      }
    }
  }

  @Test
  @SuppressWarnings("NullAway") // it does not see the component's annotation in a class file
  void lora_inCompany_keepsARowsBits() {
    Random random = new Random(12);
    for (int round = 0; round < 10; round++) {
      int rows = 2 + random.nextInt(20);
      Matrix x = f32(random, rows, 64);
      Matrix y = f32(random, rows, 80);
      List<LoraSegment> segments = Samples.segments(random, rows, 64, 80, 20);
      Matrix together = toDevice(y);
      cuda.lora(toDevice(x), together, segments);
      for (LoraSegment segment : segments) {
        int at = segment.from() + random.nextInt(segment.to() - segment.from());
        Matrix alone = toDevice(Samples.row(y, at));
        cuda.lora(
            toDevice(Samples.row(x, at)),
            alone,
            List.of(new LoraSegment(0, 1, segment.terms(), segment.outputScale())));
        assertThat(bits(toHost(alone), 0)).isEqualTo(bits(toHost(together), at));
      }
    }
  }

  @Test
  void hostMemory_isRefusedBeforeAKernelSeesIt() {
    Matrix host = Matrix.allocate(DType.F32, 1, 32);
    Matrix device = cuda.allocate(DType.F32, 1, 32);
    assertThatThrownBy(() -> cuda.add(host, device)).hasMessageContaining("host's memory");
    assertThatThrownBy(() -> device.get(0, 0)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> device.data().copy()).isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> device.copyRow(host, 0, 0))
        .isInstanceOf(IndexOutOfBoundsException.class);
    Linear foreign = REFERENCE.pack(Samples.int4(new Random(1), 32, 32));
    assertThatThrownBy(() -> cuda.linear(device, foreign, device, 0, ComputePath.NARROW))
        .hasMessageContaining("another device");
  }

  @Test
  void copyRow_onTheDevice_copies() {
    Matrix source = f32(new Random(13), 3, 40);
    Matrix target = cuda.allocate(DType.F32, 2, 40);
    target.copyRow(toDevice(source), 2, 1);
    assertThat(bits(toHost(target), 1)).isEqualTo(bits(source, 2));
    assertThat(toHost(target).get(0, 0)).isZero();
  }

  private static KvCache cache(Ops ops, Samples.Sequence sequence) {
    return new KvCache(2, sequence.pages(), sequence.shape(), ops::reserve);
  }

  private static Matrix attend(
      Ops ops, Samples.Sequence sequence, Matrix qkv, Rows rows, KvCache cache) {
    Matrix work = on(ops, qkv);
    Matrix y = ops.allocate(DType.F32, qkv.rows(), sequence.shape().queryWidth());
    ops.rotateAndStore(
        work,
        rows,
        sequence.rotary(),
        sequence.shape().heads() % 2 == 0 ? sequence.norms() : null,
        cache,
        1);
    ops.attend(work, rows, cache, 1, y);
    return from(ops, y);
  }

  private static Matrix product(Ops ops, LinearWeights weights, Matrix x) {
    return product(ops, ops.pack(weights), x, ComputePath.NARROW);
  }

  private static Matrix product(Ops ops, Linear weights, Matrix x, ComputePath path) {
    Matrix y = ops.allocate(DType.F32, x.rows(), weights.outputs());
    ops.linear(on(ops, x), weights, y, 0, path);
    return from(ops, y);
  }

  private static Matrix on(Ops ops, Matrix matrix) {
    return ops == cuda ? toDevice(matrix) : Samples.copy(matrix);
  }

  private static Matrix from(Ops ops, Matrix matrix) {
    return ops == cuda ? toHost(matrix) : matrix;
  }

  private static Matrix toDevice(Matrix host) {
    return EmulatedCuda.toDevice(cuda, host);
  }

  private static Matrix toHost(Matrix device) {
    return EmulatedCuda.toHost(cuda, device);
  }
}
