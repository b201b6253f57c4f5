package dev.tributary.server.model;

import dev.tributary.identity.ComputePath;
import dev.tributary.server.tensor.Linear;
import dev.tributary.server.tensor.LoraSegment;
import dev.tributary.server.tensor.Rows;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// The spans of one step laid out as rows, and the runs of rows that use the same adapters.
///
/// @param tokens `[rows]`
/// @param wanted `[rows]` whether the row's logits are asked for
/// @param wideFrom rows from here on take the wide path
record Step(int[] tokens, Rows rows, boolean[] wanted, int wideFrom, List<Group> groups) {

  /// Rows `[from, to)` with the same adapters at the same scales.
  record Group(int from, int to, List<AdapterUse> adapters) {
    /// The norm weights that the group's adapter brings for `site`, or null.
    float @Nullable [] norm(LoraWeights.NormSite site) {
      return adapters.size() == 1 ? adapters.getFirst().weights().norms().get(site) : null;
    }

    /// The output head that the group's adapter brings, or null.
    @Nullable Linear head() {
      return adapters.size() == 1 ? adapters.getFirst().weights().head() : null;
    }
  }

  static Step of(List<Span> spans) {
    int count = 0;
    for (Span span : spans) {
      count += span.tokens().length;
    }
    int[] tokens = new int[count];
    int[] positions = new int[count];
    int[][] pages = new int[count][];
    boolean[] wanted = new boolean[count];
    List<Group> groups = new ArrayList<>();
    int row = 0;
    int wideFrom = count;
    for (Span span : spans) {
      requireUsable(span.adapters());
      if (span.path() == ComputePath.WIDE) {
        wideFrom = Math.min(wideFrom, row);
      } else if (wideFrom < count) {
        throw new IllegalArgumentException("a narrow span after a wide one");
      }
      int from = row;
      for (int i = 0; i < span.tokens().length; i++, row++) {
        tokens[row] = span.tokens()[i];
        positions[row] = span.position() + i;
        pages[row] = span.pages();
        wanted[row] = i >= span.logitsFrom();
      }
      if (!groups.isEmpty() && groups.getLast().adapters.equals(span.adapters())) {
        groups.set(groups.size() - 1, new Group(groups.getLast().from, row, span.adapters()));
      } else {
        groups.add(new Group(from, row, span.adapters()));
      }
    }
    return new Step(tokens, new Rows(positions, pages), wanted, wideFrom, groups);
  }

  private static void requireUsable(List<AdapterUse> adapters) {
    for (AdapterUse use : adapters) {
      if (use.weights().alone() && (adapters.size() > 1 || use.scale() != 1)) {
        throw new IllegalArgumentException("an adapter that must be alone is not");
      }
    }
  }

  int logitRows() {
    int count = 0;
    for (boolean row : wanted) {
      count += row ? 1 : 0;
    }
    return count;
  }

  /// Rows of `group` whose logits are asked for.
  int[] wanted(Group group) {
    int[] found = new int[group.to - group.from];
    int count = 0;
    for (int row = group.from; row < group.to; row++) {
      if (wanted[row]) {
        found[count++] = row;
      }
    }
    return Arrays.copyOf(found, count);
  }

  /// The groups apart where one brings its own weights for one of `sites`; else all rows as one.
  List<Group> groups(LoraWeights.NormSite... sites) {
    for (Group group : groups) {
      for (LoraWeights.NormSite site : sites) {
        if (group.norm(site) != null) {
          return groups;
        }
      }
    }
    return List.of(new Group(0, tokens.length, List.of()));
  }

  /// The path that the rows of `group` take, all the same one.
  ComputePath path(Group group) {
    return group.from < wideFrom ? ComputePath.NARROW : ComputePath.WIDE;
  }

  /// Runs of rows of one path that one final norm and one head serve.
  List<Group> headGroups() {
    LoraWeights.NormSite site = new LoraWeights.NormSite(-1, LoraWeights.Norm.FINAL);
    List<Group> runs = new ArrayList<>();
    boolean shared = false;
    for (Group group : groups) {
      boolean own = group.norm(site) != null || group.head() != null;
      if (own || !shared) {
        runs.add(own ? group : new Group(group.from, group.to, List.of()));
      } else {
        runs.set(runs.size() - 1, new Group(runs.getLast().from, group.to, List.of()));
      }
      shared = !own;
    }
    return runs.stream().flatMap(this::byPath).toList();
  }

  private Stream<Group> byPath(Group group) {
    return group.from < wideFrom && wideFrom < group.to
        ? Stream.of(
            new Group(group.from, wideFrom, group.adapters),
            new Group(wideFrom, group.to, group.adapters))
        : Stream.of(group);
  }

  /// What the adapters do to a product of `layer`; rows that none touches are left out.
  List<LoraSegment> segments(int layer, JointLinear linear) {
    List<LoraSegment> segments = new ArrayList<>();
    for (Group group : groups) {
      List<LoraSegment.Term> terms = new ArrayList<>();
      float[] outputScale = null;
      for (int i = 0; i < linear.projections().size(); i++) {
        Projection projection = linear.projections().get(i);
        for (AdapterUse use : group.adapters) {
          LoraWeights.Pair pair = use.weights().pair(layer, projection);
          if (pair != null) {
            terms.add(
                new LoraSegment.Term(
                    pair.a(), pair.bt(), pair.scaling() * use.scale(), linear.columns()[i]));
          }
          if (use.weights().magnitudes().isEmpty()) {
            continue;
          }
          float[] magnitudes =
              use.weights().magnitudes().get(new LoraWeights.Site(layer, projection));
          if (magnitudes != null) {
            outputScale = place(magnitudes, linear.columns()[i], linear.width(), outputScale);
          }
        }
      }
      if (!terms.isEmpty() || outputScale != null) {
        segments.add(new LoraSegment(group.from, group.to, terms, outputScale));
      }
    }
    return segments;
  }

  private static float[] place(float[] magnitudes, int column, int width, float @Nullable [] into) {
    float[] scale = into;
    if (scale == null) {
      scale = new float[width];
      Arrays.fill(scale, 1);
    }
    System.arraycopy(magnitudes, 0, scale, column, magnitudes.length);
    return scale;
  }
}
