package dev.tributary.server.tensor;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Whether the wide path may be taken, and from how many rows on it is worth it.
///
/// Libraries promise nothing about a row's bits, so at load one row of each shape is multiplied in
/// several companies and places; if its bits ever differ, there is no wide path.
final class WidePath {
  private static final Logger log = LoggerFactory.getLogger(WidePath.class);

  /// Rows of the companies that a row's bits are compared in.
  private static final int[] COMPANIES = {1, 2, 3, 4, 8, 17, 64, 128, 512};

  /// Likewise of the backward: a tile, its remainders, and a second one. A head's rows are long.
  private static final int[] BACKWARD_COMPANIES = {1, 2, 3, 8, 17, 64, 66};

  /// Panels of a shape that are compared: a head has hundreds, all but the last of one width.
  private static final int CHECKED_PANELS = 8;

  /// Widths at which both paths are timed.
  private static final int[] WIDTHS = {4, 8, 12, 16, 24, 32};

  /// Sweeps over the weights that a width is timed for; the fastest counts.
  private static final int SWEEPS = 3;

  /// Sweeps before, in which the kernels are compiled.
  private static final int COLD_SWEEPS = 12;

  /// Weights that a sweep takes at most: enough to leave the cache, few enough to be quick.
  private static final long SWEEP_BYTES = 64L << 20;

  private final Libtorch libtorch;
  private final Team team;
  private final Scratch[] scratches;
  private final boolean resident;
  private final List<PackedLinear> weights = new ArrayList<>();
  private Bytes rounded = Bytes.allocate(0);
  private Bytes rest = Bytes.allocate(0);
  private boolean there;
  private int from;

  WidePath(Libtorch libtorch, Team team, Scratch[] scratches, boolean resident) {
    this.libtorch = libtorch;
    this.team = team;
    this.scratches = scratches;
    this.resident = resident;
    there = libtorch.hasBf16Product();
    from = there ? WIDTHS[1] : Integer.MAX_VALUE;
  }

  /// Weights that will be multiplied; loaders pack in parallel.
  synchronized PackedLinear add(PackedLinear packed) {
    weights.add(packed);
    return packed;
  }

  /// Whether products may take this path.
  boolean takes() {
    return there;
  }

  /// Whether the products of the backward may take this path, too: checked here, when training is
  /// first asked for.
  boolean takesBackward() {
    if (!there) {
      return false;
    }
    for (PackedLinear shape : shapes()) {
      if (!isRowIndependentBackward(shape)) {
        log.warn(
            "a row's bits depend on its company in libtorch's product of {} by {}: gradients are"
                + " computed in float32",
            shape.outputs(),
            shape.inputs());
        return false;
      }
    }
    return true;
  }

  int from() {
    return from;
  }

  /// What the path is made of, for the numerics id.
  String name() {
    return there ? "brgemm" : "none";
  }

  void multiply(Matrix x, PackedLinear weights, Matrix y, int column) {
    multiply(x, weights, y, column, Integer.MAX_VALUE);
  }

  /// @param panels most that are computed: the first ones and the last
  private void multiply(Matrix x, PackedLinear weights, Matrix y, int column, int panels) {
    long size = 2L * x.rows() * x.cols();
    if (rounded.size() < size) {
      rounded = Bytes.allocate(size);
      rest = Bytes.allocate(size);
    }
    Matrix first = new Matrix(rounded, DType.BF16, x.rows(), x.cols());
    Matrix second = weights.outliers() ? new Matrix(rest, DType.BF16, x.rows(), x.cols()) : null;
    team.forEach(
        x.rows(),
        (worker, i) -> {
          ElementKernels.narrow(x, i, first);
          if (second != null) {
            ElementKernels.rest(x, i, first, second);
          }
        });
    WideKernel kernel = new WideKernel(libtorch, weights, first, second, y, column, team.size());
    int last = kernel.units() - 1;
    team.forEach(
        Math.min(kernel.units(), panels),
        (worker, item) -> kernel.run(item == panels - 1 ? last : item, scratches[worker]));
  }

  /// Checks every shape, then measures. For [CpuOps#ready].
  void measure(CpuOps ops) {
    if (!there || weights.isEmpty()) {
      return;
    }
    for (PackedLinear shape : shapes()) {
      if (!isRowIndependent(shape)) {
        there = false;
        from = Integer.MAX_VALUE;
        log.warn(
            "a row's bits depend on its company in libtorch's product of {} by {}: no wide path",
            shape.inputs(),
            shape.outputs());
        return;
      }
    }
    if (resident) {
      weights.stream().filter(packed -> packed.bits() == 4).forEach(this::keepPanels);
    }
    from = crossover(ops);
  }

  private void keepPanels(PackedLinear packed) {
    Matrix none = Matrix.allocate(DType.F32, 0, packed.inputs());
    WideKernel kernel = new WideKernel(libtorch, packed, none, null, none, 0, team.size());
    Bytes all = Bytes.allocate(kernel.units() * kernel.panelBytes());
    team.forEach(
        kernel.units(),
        (worker, panel) ->
            kernel.dequantise(
                panel,
                all.slice(panel * kernel.panelBytes(), kernel.panelBytes()),
                scratches[worker]));
    packed.keepPanels(all);
  }

  /// One of each shape.
  private List<PackedLinear> shapes() {
    List<PackedLinear> shapes = new ArrayList<>();
    for (PackedLinear each : weights) {
      if (shapes.stream()
          .noneMatch(
              other ->
                  other.inputs() == each.inputs()
                      && other.outputs() == each.outputs()
                      && other.bits() == each.bits()
                      && other.outliers() == each.outliers())) {
        shapes.add(each);
      }
    }
    return shapes;
  }

  private boolean isRowIndependent(PackedLinear shape) {
    int most = COMPANIES[COMPANIES.length - 1];
    Matrix x = random(most, shape.inputs());
    float[] alone = product(x.rowRange(0, 1), shape, 0);
    for (int rows : COMPANIES) {
      for (int place : new int[] {0, rows / 2, rows - 1}) {
        Matrix company = Matrix.allocate(DType.F32, rows, shape.inputs());
        for (int row = 0; row < rows; row++) {
          company.copyRow(x, row == place ? 0 : most - 1 - row % (most - 1), row);
        }
        if (!Arrays.equals(alone, product(company, shape, place))) {
          return false;
        }
      }
    }
    return true;
  }

  private boolean isRowIndependentBackward(PackedLinear shape) {
    int most = BACKWARD_COMPANIES[BACKWARD_COMPANIES.length - 1];
    Matrix dy = random(most, shape.outputs());
    float[] alone = backwardProduct(dy.rowRange(0, 1), shape, 0);
    for (int rows : BACKWARD_COMPANIES) {
      for (int place : new int[] {0, rows / 2, rows - 1}) {
        Matrix company = Matrix.allocate(DType.F32, rows, shape.outputs());
        for (int row = 0; row < rows; row++) {
          company.copyRow(dy, row == place ? 0 : most - 1 - row % (most - 1), row);
        }
        if (!Arrays.equals(alone, backwardProduct(company, shape, place))) {
          return false;
        }
      }
    }
    return true;
  }

  /// A panel of dx in the middle, and the last.
  private float[] backwardProduct(Matrix dy, PackedLinear shape, int row) {
    int columns = WideBackward.columns(shape.outputs());
    Matrix narrow = Matrix.allocate(DType.BF16, dy.rows(), columns);
    team.forEach(
        dy.rows(), (worker, i) -> WideBackward.narrow(dy, i, 0, shape.outputs(), narrow, null));
    Matrix dx = Matrix.allocate(DType.F32, dy.rows(), shape.inputs());
    WideBackward kernel = new WideBackward(libtorch, shape, narrow, null, dx, false, team.size());
    int[] panels = {kernel.units() / 2, kernel.units() - 1};
    team.forEach(panels.length, (worker, item) -> kernel.run(panels[item], scratches[worker]));
    float[] result = new float[shape.inputs()];
    dx.row(row, result);
    return result;
  }

  private float[] product(Matrix x, PackedLinear shape, int row) {
    Bytes memory = Bytes.reserve((long) Float.BYTES * x.rows() * shape.outputs());
    Matrix y = new Matrix(memory, DType.F32, x.rows(), shape.outputs());
    multiply(x, shape, y, 0, CHECKED_PANELS);
    float[] result = new float[shape.outputs()];
    y.row(row, result);
    return result;
  }

  /// The first width from which on the wide path is never the slower. Where it never is the faster,
  /// still a number: what a repeatable request computes must not hang on a measurement.
  private int crossover(CpuOps ops) {
    List<PackedLinear> swept = new ArrayList<>();
    long bytes = 0;
    for (int i = 0; i < weights.size() && bytes < SWEEP_BYTES; i++) {
      swept.add(weights.get(i));
      bytes += weights.get(i).bytes();
    }
    int first = 2 * WIDTHS[WIDTHS.length - 1];
    for (int i = WIDTHS.length - 1; i >= 0; i--) {
      double narrow = sweep(ops, swept, WIDTHS[i], false);
      double wide = sweep(ops, swept, WIDTHS[i], true);
      log.debug("{} rows: narrow {} ms, wide {} ms", WIDTHS[i], narrow, wide);
      if (wide > narrow) {
        break;
      }
      first = WIDTHS[i];
    }
    return first;
  }

  /// Milliseconds of the fastest sweep.
  private double sweep(CpuOps ops, List<PackedLinear> swept, int rows, boolean wide) {
    List<Matrix> inputs =
        swept.stream().map(each -> Matrix.allocate(DType.F32, rows, each.inputs())).toList();
    List<Matrix> outputs =
        swept.stream().map(each -> Matrix.allocate(DType.F32, rows, each.outputs())).toList();
    boolean cold = rows == WIDTHS[WIDTHS.length - 1];
    long fastest = Long.MAX_VALUE;
    for (int sweep = 0; sweep < SWEEPS + (cold ? COLD_SWEEPS : 0); sweep++) {
      long start = System.nanoTime();
      for (int i = 0; i < swept.size(); i++) {
        if (wide) {
          multiply(inputs.get(i), swept.get(i), outputs.get(i), 0);
        } else {
          ops.narrow(inputs.get(i), swept.get(i), outputs.get(i), 0);
        }
      }
      fastest = Math.min(fastest, System.nanoTime() - start);
    }
    return fastest / 1e6;
  }

  private static Matrix random(int rows, int cols) {
    Random random = new Random(cols);
    Matrix matrix = Matrix.allocate(DType.F32, rows, cols);
    for (int row = 0; row < rows; row++) {
      for (int col = 0; col < cols; col++) {
        matrix.set(row, col, random.nextFloat() - 0.5f);
      }
    }
    return matrix;
  }
}
