package dev.tributary.server.model;

import dev.tributary.identity.ComputePath;
import dev.tributary.server.tensor.Linear;
import dev.tributary.server.tensor.Matrix;
import dev.tributary.server.tensor.Ops;
import java.util.ArrayList;
import java.util.List;

/// Projections of the same input side by side: `y = [x W₁ᵀ | x W₂ᵀ | ...]`.
///
/// Where their weights have one form they are one matrix; a mixed file's are multiplied one by one
/// into their columns of `y`.
///
/// @param projections in the order of their columns
/// @param columns first column of each projection
/// @param parts the matrices, each from a column of `y`
record JointLinear(List<Projection> projections, int[] columns, int width, List<Part> parts) {

  record Part(Linear linear, int column) {}

  static JointLinear of(LlamaConfig config, List<Projection> projections, List<Linear> linears) {
    int[] columns = new int[projections.size()];
    int width = 0;
    for (int i = 0; i < columns.length; i++) {
      columns[i] = width;
      width += config.outputs(projections.get(i));
    }
    List<Part> parts = new ArrayList<>();
    int column = 0;
    for (Linear linear : linears) {
      parts.add(new Part(linear, column));
      column += linear.outputs();
    }
    if (column != width) {
      throw new IllegalArgumentException(column + " outputs for " + projections);
    }
    return new JointLinear(projections, columns, width, List.copyOf(parts));
  }

  void apply(Ops ops, Matrix x, Matrix y, ComputePath path) {
    for (Part part : parts) {
      ops.linear(x, part.linear, y, part.column, path);
    }
  }

  /// Dequantises row `output` of `projection`.
  void row(Projection projection, int output, float[] row) {
    int at = columns[projections.indexOf(projection)] + output;
    int last = parts.size() - 1;
    while (parts.get(last).column > at) {
      last--;
    }
    parts.get(last).linear.row(at - parts.get(last).column, row);
  }
}
