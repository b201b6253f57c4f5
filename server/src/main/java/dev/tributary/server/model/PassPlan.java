package dev.tributary.server.model;

import dev.tributary.server.model.LoraWeights.Pair;
import dev.tributary.server.model.LoraWeights.Site;
import dev.tributary.server.tensor.KvCache;
import dev.tributary.server.tensor.LoraGradient;
import dev.tributary.server.tensor.LoraSegment;
import dev.tributary.server.tensor.Rows;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;

/// The sequences of one pass laid out as rows, those of one adapter side by side in the order in
/// which they were given.
///
/// @param tokens read, `[rows]`: all of each sequence but its last
/// @param rows where they stand; every sequence has pages of its own
/// @param starts first row of each sequence, then the number of rows
/// @param groups rows of each adapter
/// @param targets what is to be predicted
/// @param count of the sequences
record PassPlan(
    int[] tokens, Rows rows, int[] starts, List<Group> groups, Targets targets, int count) {

  /// Rows `[from, to)` under one adapter.
  record Group(int from, int to, Trainable adapter) {}

  /// @param rows that predict
  /// @param ids tokens that should follow them
  /// @param weights factors of their gradients
  /// @param sequences place among the given sequences
  record Targets(int[] rows, int[] ids, float[] weights, int[] sequences) {
    int count() {
      return rows.length;
    }
  }

  static PassPlan of(List<TrainingRow> given) {
    Map<Trainable, List<Integer>> byAdapter = new LinkedHashMap<>();
    for (int i = 0; i < given.size(); i++) {
      byAdapter.computeIfAbsent(given.get(i).adapter(), key -> new ArrayList<>()).add(i);
    }
    int tokens = given.stream().mapToInt(row -> row.tokens().length - 1).sum();
    int targets = given.stream().mapToInt(TrainingRow::targets).sum();
    Layout layout = new Layout(tokens, given.size(), targets);
    List<Group> groups = new ArrayList<>();
    byAdapter.forEach(
        (adapter, places) -> {
          int from = layout.row;
          places.forEach(place -> layout.add(given.get(place), place));
          groups.add(new Group(from, layout.row, adapter));
        });
    return new PassPlan(
        layout.tokens,
        new Rows(layout.positions, layout.pages),
        layout.starts,
        List.copyOf(groups),
        new Targets(layout.targetRows, layout.targetIds, layout.weights, layout.sequences),
        given.size());
  }

  /// Fills the arrays, a sequence at a time.
  private static final class Layout {
    final int[] tokens;
    final int[] positions;
    final int[][] pages;
    final int[] starts;
    final int[] targetRows;
    final int[] targetIds;
    final float[] weights;
    final int[] sequences;
    int row;
    int sequence;
    int page;
    int target;

    Layout(int rows, int count, int targets) {
      tokens = new int[rows];
      positions = new int[rows];
      pages = new int[rows][];
      starts = new int[count + 1];
      targetRows = new int[targets];
      targetIds = new int[targets];
      weights = new float[targets];
      sequences = new int[targets];
    }

    void add(TrainingRow given, int place) {
      int length = given.tokens().length - 1;
      int[] own = IntStream.range(page, page + Math.ceilDiv(length, KvCache.PAGE)).toArray();
      page += own.length;
      for (int i = 0; i < length; i++) {
        tokens[row + i] = given.tokens()[i];
        positions[row + i] = i;
        pages[row + i] = own;
      }
      for (int i = given.targetsFrom(); i <= length; i++, target++) {
        targetRows[target] = row + i - 1;
        targetIds[target] = given.tokens()[i];
        weights[target] = given.weight();
        sequences[target] = place;
      }
      row += length;
      starts[++sequence] = row;
    }
  }

  /// What the adapters do to a product of `layer`.
  List<LoraSegment> segments(int layer, JointLinear linear) {
    List<LoraSegment> segments = new ArrayList<>();
    for (LoraGradient gradient : gradients(layer, linear)) {
      List<LoraSegment.Term> terms =
          gradient.terms().stream().map(LoraGradient.Term::pair).toList();
      segments.add(new LoraSegment(gradient.from(), gradient.to(), terms, null));
    }
    return segments;
  }

  /// Likewise, with where its gradients go; rows that no adapter touches are left out.
  List<LoraGradient> gradients(int layer, JointLinear linear) {
    List<LoraGradient> gradients = new ArrayList<>();
    for (Group group : groups) {
      List<LoraGradient.Term> terms = new ArrayList<>();
      for (int i = 0; i < linear.projections().size(); i++) {
        Site site = new Site(layer, linear.projections().get(i));
        Pair pair = group.adapter.pairs().get(site);
        if (pair != null) {
          Pair gradient = Objects.requireNonNull(group.adapter.gradients().get(site));
          LoraSegment.Term term =
              new LoraSegment.Term(pair.a(), pair.bt(), pair.scaling(), linear.columns()[i]);
          terms.add(new LoraGradient.Term(term, gradient.a(), gradient.bt()));
        }
      }
      if (!terms.isEmpty()) {
        gradients.add(new LoraGradient(group.from, group.to, terms));
      }
    }
    return gradients;
  }

  /// The lowest layer that an adapter of the pass touches: the backward ends there.
  int lowestLayer() {
    return groups.stream()
        .flatMap(group -> group.adapter.pairs().keySet().stream())
        .mapToInt(Site::layer)
        .min()
        .orElseThrow();
  }

  /// Targets `[from, to)`.
  Targets targets(int from, int to) {
    return new Targets(
        Arrays.copyOfRange(targets.rows, from, to),
        Arrays.copyOfRange(targets.ids, from, to),
        Arrays.copyOfRange(targets.weights, from, to),
        Arrays.copyOfRange(targets.sequences, from, to));
  }
}
