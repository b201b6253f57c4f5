package dev.tributary.server.tensor;

import static dev.tributary.server.tensor.Samples.bits;
import static dev.tributary.server.tensor.Samples.f32;
import static dev.tributary.server.tensor.Samples.floats;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tributary.identity.ComputePath;
import dev.tributary.server.tensor.EmulatedCuda.Counts;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// When what a step launches becomes a graph, when that is used again, and what never is in one; on
/// the emulated GPU.
class CudaGraphsTest {
  private static final int COLUMNS = 32;
  private final Random random = new Random(1);
  private CudaOps ops;
  private Linear table;
  private Counts before;

  @BeforeEach
  void open() {
    before = EmulatedCuda.counts();
    ops = EmulatedCuda.ops(1 << 20);
    table = ops.pack(Samples.bf16(random, 50, COLUMNS));
  }

  @AfterEach
  void close() {
    if (ops != null) {
      ops.close();
      assertThat(since().held()).isZero();
    }
  }

  private Counts since() {
    return EmulatedCuda.counts().since(before);
  }

  private Matrix zeros(int rows) {
    return ops.allocate(DType.F32, rows, COLUMNS);
  }

  /// `y` becomes `(FEWEST - 1)` times the rows of `tokens`: FEWEST launches.
  private void run(int[] tokens, Matrix x, Matrix y) {
    ops.step(() -> launch(tokens, x, y));
  }

  private void launch(int[] tokens, Matrix x, Matrix y) {
    ops.embed(tokens, table, x);
    for (int i = 1; i < CudaGraphs.FEWEST; i++) {
      ops.add(y, x);
    }
  }

  private void assertHolds(Matrix y, int[] tokens, int times) {
    float[] row = new float[COLUMNS];
    float[] actual = new float[COLUMNS];
    Matrix host = EmulatedCuda.toHost(ops, y);
    for (int i = 0; i < tokens.length; i++) {
      table.row(tokens[i], row);
      host.row(i, actual);
      for (int j = 0; j < COLUMNS; j++) {
        float sum = 0;
        for (int t = 0; t < times * (CudaGraphs.FEWEST - 1); t++) {
          sum += row[j];
        }
        assertThat(actual[j]).isEqualTo(sum);
      }
    }
  }

  @Test
  void theSameLaunches_areAGraphFromTheSecondTimeOn() {
    Matrix x = zeros(2);
    for (int time = 1; time <= 4; time++) {
      int[] tokens = {time, 40 - time};
      Matrix y = ops.allocate(DType.F32, 2, COLUMNS);
      // Another y is another list.
      run(tokens, x, y);
      assertHolds(y, tokens, 1);
    }
    assertThat(since()).isEqualTo(new Counts(4 * CudaGraphs.FEWEST, 0, 0));
    Matrix y = zeros(2);
    run(new int[] {3, 4}, x, y);
    run(new int[] {3, 4}, x, y);
    Counts captured = since();
    assertThat(captured).isEqualTo(new Counts(6 * CudaGraphs.FEWEST, 1, 1));
    run(new int[] {3, 4}, x, y);
    assertHolds(y, new int[] {3, 4}, 3);
    assertThat(since()).isEqualTo(new Counts(captured.kernels(), 2, 1));
  }

  @Test
  void aGraph_readsTheTokensOfItsOwnStep() {
    Matrix x = zeros(3);
    Matrix sink = zeros(3);
    for (int time = 0; time < 6; time++) {
      int[] tokens = {random.nextInt(50), random.nextInt(50), random.nextInt(50)};
      run(tokens, x, sink);
      // Not waited for in between: the next step's tokens must not overtake.
      if (time % 2 == 1) {
        Matrix host = EmulatedCuda.toHost(ops, x);
        float[] row = new float[COLUMNS];
        for (int i = 0; i < 3; i++) {
          table.row(tokens[i], row);
          assertThat(host.get(i, 5)).isEqualTo(row[5]);
        }
      }
    }
    assertThat(since().graphs()).isEqualTo(5);
  }

  @Test
  void fewLaunches_areLaunchedOneByOne() {
    Matrix x = zeros(1);
    for (int time = 0; time < 4; time++) {
      ops.step(() -> ops.embed(new int[] {1}, table, x));
    }
    assertThat(since()).isEqualTo(new Counts(4, 0, 0));
  }

  @Test
  void moreShapesThanAreKept_loseTheLeastLatelyUsed() {
    int shapes = CudaGraphs.MOST + 3;
    Matrix[] sums = new Matrix[shapes];
    Matrix x = zeros(shapes);
    int[] tokens = random.ints(shapes, 0, 50).toArray();
    for (int rows = 1; rows <= shapes; rows++) {
      int[] own = Arrays.copyOf(tokens, rows);
      sums[rows - 1] = zeros(rows);
      run(own, x.firstRows(rows), sums[rows - 1]);
      run(own, x.firstRows(rows), sums[rows - 1]);
      assertHolds(sums[rows - 1], own, 2);
      // The first stays in use.
      run(new int[] {tokens[0]}, x.firstRows(1), sums[0]);
      assertThat(ops.graphs()).isEqualTo(Math.min(rows, CudaGraphs.MOST));
    }
    assertThat(since().held()).isEqualTo(CudaGraphs.MOST);
    Counts full = since();
    run(new int[] {tokens[0]}, x.firstRows(1), sums[0]);
    assertThat(since().kernels()).isEqualTo(full.kernels());
    // The second has gone, and is captured anew.
    int[] two = Arrays.copyOf(tokens, 2);
    run(two, x.firstRows(2), sums[1]);
    assertThat(since().kernels()).isEqualTo(full.kernels() + CudaGraphs.FEWEST);
    assertHolds(sums[1], two, 3);
    assertThat(since().held()).isEqualTo(CudaGraphs.MOST);
  }

  @Test
  void memoryThatHasGone_isInNoGraphThatIsLaunched() {
    Linear head = ops.pack(Samples.bf16(random, 40, COLUMNS));
    Matrix x = zeros(1);
    float[] expected = new float[40];
    for (int rows = 1; rows <= 32; rows *= 2) {
      // The scratch memory behind logits is another each time, since it grows.
      Matrix many = zeros(rows);
      Matrix logits = ops.allocateLogits(rows, 40);
      for (int time = 0; time < 3; time++) {
        run(new int[] {7}, x, many.firstRows(1));
        ops.logits(many, head, logits, ComputePath.NARROW);
      }
      logits.row(0, expected);
      assertHolds(many.firstRows(1), new int[] {7}, 3);
      assertThat(expected[3]).isNotNaN();
    }
  }

  @Test
  void aFailedCapture_launchesOneByOneFromThenOn() {
    EmulatedCuda.failCaptures(1);
    Matrix x = zeros(2);
    Matrix y = zeros(2);
    for (int time = 1; time <= 4; time++) {
      run(new int[] {5, 6}, x, y);
      assertHolds(y, new int[] {5, 6}, time);
    }
    // Those of the failed capture did nothing.
    assertThat(since()).isEqualTo(new Counts(5 * CudaGraphs.FEWEST, 0, 0));
  }

  @Test
  void aFailedStep_leavesNothingToRunLater() {
    Matrix x = zeros(2);
    Matrix y = zeros(2);
    assertThatThrownBy(
            () ->
                ops.step(
                    () -> {
                      launch(new int[] {1, 2}, x, y);
                      throw new IllegalStateException("in the middle");
                    }))
        .hasMessage("in the middle");
    assertThat(since().kernels()).isZero();
    run(new int[] {8, 9}, x, y);
    assertHolds(y, new int[] {8, 9}, 1);
    ops.add(y, x); // outside a step: at once
    assertThat(since().kernels()).isEqualTo(CudaGraphs.FEWEST + 1);
  }

  @Test
  void aCopyOrAStep_inTheMiddleOfOne_isRefused() {
    Matrix x = zeros(2);
    assertThatThrownBy(() -> ops.step(() -> x.copyRow(x, 0, 1)))
        .hasMessage("a copy in the middle of a step");
    assertThatThrownBy(() -> ops.step(() -> ops.step(() -> {}))).hasMessage("a step within a step");
    x.copyRow(x, 0, 1);
  }

  @Test
  @SuppressWarnings("NullAway") // it does not see the component's annotation in a class file
  void moreDataThanTheBlockHolds_isSentInParts() {
    // Four bytes a column: most of a block, then more than one.
    for (int columns : new int[] {700_000, 1_200_000}) {
      Matrix y = ops.allocate(DType.F32, 1, columns);
      Matrix start = f32(random, 1, columns);
      float[][] scales = {
        floats(random, columns), floats(random, columns), floats(random, columns)
      };
      Matrix in = zeros(1);
      ops.step(
          () -> {
            ops.add(y, EmulatedCuda.toDevice(ops, start));
            for (float[] scale : scales) {
              ops.embed(new int[] {1}, table, in);
              ops.lora(in, y, List.of(new LoraSegment(0, 1, List.of(), scale)));
            }
          });
      Matrix expected = Samples.copy(start);
      for (int j = 0; j < columns; j++) {
        float value = start.get(0, j);
        for (float[] scale : scales) {
          value *= scale[j];
        }
        expected.set(0, j, value);
      }
      assertThat(bits(EmulatedCuda.toHost(ops, y), 0)).isEqualTo(bits(expected, 0));
    }
  }
}
