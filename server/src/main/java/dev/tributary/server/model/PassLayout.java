package dev.tributary.server.model;

import dev.tributary.server.tensor.KvCache;
import dev.tributary.server.tensor.RowRun;
import dev.tributary.server.tensor.Rows;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Lays sequences out as rows, for [PassPlan].
final class PassLayout {
  private final List<TrainingRow> given;
  private final int[] tokens;
  private final int[] positions;
  private final int[][] pages;
  private final List<RowRun> runs = new ArrayList<>();
  private final List<PassPlan.PageCopy> copies = new ArrayList<>();
  private final int[] targetRows;
  private final int[] targetIds;
  private final float[] weights;
  private final int[] sequences;
  private int row;
  private int page;
  private int target;

  PassLayout(List<TrainingRow> given) {
    this.given = given;
    int most = given.stream().mapToInt(each -> each.tokens().length - 1).sum();
    int targets = given.stream().mapToInt(TrainingRow::targets).sum();
    tokens = new int[most];
    positions = new int[most];
    pages = new int[most][];
    targetRows = new int[targets];
    targetIds = new int[targets];
    weights = new float[targets];
    sequences = new int[targets];
  }

  /// Rows so far.
  int rows() {
    return row;
  }

  /// Adds the rows that a family shares, if any, then those of each of its sequences.
  void add(PassPlan.Family family) {
    int prefix = row;
    int shared = family.shared();
    int[] before = new int[0];
    if (shared > 0) {
      before = newPages(shared);
      int[] first = given.get(family.places().getFirst()).tokens();
      addRows(first, 0, shared, before);
      runs.add(new RowRun(prefix, shared, prefix, 0));
    }
    for (int place : family.places()) {
      TrainingRow own = given.get(place);
      int from = row;
      addRows(own.tokens(), shared, own.tokens().length - 1, after(before, shared, own));
      runs.add(new RowRun(from, row - from, prefix, shared));
      for (int i = own.targetsFrom(); i < own.tokens().length; i++, target++) {
        targetRows[target] = from + i - 1 - shared;
        targetIds[target] = own.tokens()[i];
        weights[target] = own.weights()[i - own.targetsFrom()];
        sequences[target] = place;
      }
    }
  }

  /// Pages of a sequence: those that its beginning fills, then its own. Of a page that it fills in
  /// part the sequence has a copy.
  private int[] after(int[] before, int shared, TrainingRow own) {
    int whole = shared / KvCache.PAGE;
    int[] added = newPages(own.tokens().length - 1 - whole * KvCache.PAGE);
    if (shared % KvCache.PAGE > 0) {
      copies.add(new PassPlan.PageCopy(before[whole], added[0], shared % KvCache.PAGE));
    }
    int[] all = Arrays.copyOf(before, whole + added.length);
    System.arraycopy(added, 0, all, whole, added.length);
    return all;
  }

  private int[] newPages(int slots) {
    int[] added = new int[Math.ceilDiv(slots, KvCache.PAGE)];
    for (int i = 0; i < added.length; i++) {
      added[i] = page++;
    }
    return added;
  }

  private void addRows(int[] ids, int from, int to, int[] own) {
    for (int i = from; i < to; i++, row++) {
      tokens[row] = ids[i];
      positions[row] = i;
      pages[row] = own;
    }
  }

  PassPlan plan(List<PassPlan.Group> groups) {
    return new PassPlan(
        Arrays.copyOf(tokens, row),
        new Rows(Arrays.copyOf(positions, row), Arrays.copyOf(pages, row)),
        List.copyOf(runs),
        List.copyOf(copies),
        groups,
        new PassPlan.Targets(targetRows, targetIds, weights, sequences));
  }
}
