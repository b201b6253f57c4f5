package dev.tributary.server.model;

import dev.tributary.server.model.LoraWeights.Pair;
import dev.tributary.server.model.LoraWeights.Site;
import dev.tributary.server.tensor.KvCache;
import dev.tributary.server.tensor.LoraGradient;
import dev.tributary.server.tensor.LoraSegment;
import dev.tributary.server.tensor.RowRun;
import dev.tributary.server.tensor.Rows;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/// The sequences of one pass laid out as rows, those of one adapter side by side in the order in
/// which they were given.
///
/// Sequences of an adapter that begin with the same tokens share the rows of that beginning: chat
/// templates put the same system prompt before every conversation. Causal attention makes those
/// rows the same for all, so they are computed once, forward and backward; rows that predict a
/// target are never shared.
///
/// @param tokens of the rows, `[rows]`; the last token of a sequence is none
/// @param rows where they stand, and their pages
/// @param runs rows of each shared beginning, and the other rows of each sequence
/// @param copies what sequences that share a page's beginning need of it
/// @param groups rows of each adapter
/// @param targets what is to be predicted
record PassPlan(
    int[] tokens,
    Rows rows,
    List<RowRun> runs,
    List<PageCopy> copies,
    List<Group> groups,
    Targets targets) {
  /// Least tokens of a beginning that is shared.
  private static final int LEAST = 8;

  /// Rows `[from, to)` under one adapter.
  record Group(int from, int to, Trainable adapter) {}

  /// The first `slots` tokens of page `from` are those of page `to`, too.
  record PageCopy(int from, int to, int slots) {
    void run(KvCache cache) {
      cache.copy(from, to, slots);
    }
  }

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
    PassLayout layout = new PassLayout(given);
    List<Group> groups = new ArrayList<>();
    byAdapter.forEach(
        (adapter, places) -> {
          int from = layout.rows();
          families(given, places).forEach(layout::add);
          groups.add(new Group(from, layout.rows(), adapter));
        });
    return layout.plan(List.copyOf(groups));
  }

  /// The sequences at `places` by what they begin with, in the order of the first of each.
  private static List<Family> families(List<TrainingRow> given, List<Integer> places) {
    Map<List<Integer>, List<Integer>> byBeginning = new LinkedHashMap<>();
    for (int place : places) {
      TrainingRow row = given.get(place);
      List<Integer> beginning = new ArrayList<>();
      for (int i = 0; i < LEAST && row.targetsFrom() > LEAST; i++) {
        beginning.add(row.tokens()[i]);
      }
      if (beginning.isEmpty()) {
        beginning.add(-1 - place); // shares nothing
      }
      byBeginning.computeIfAbsent(beginning, key -> new ArrayList<>()).add(place);
    }
    return byBeginning.values().stream().map(own -> new Family(own, shared(given, own))).toList();
  }

  /// Tokens that all sequences at `places` begin with, none of which predicts a target; 0 for one.
  private static int shared(List<TrainingRow> given, List<Integer> places) {
    if (places.size() == 1) {
      return 0;
    }
    int[] first = given.get(places.getFirst()).tokens();
    int shared = first.length;
    for (int place : places) {
      TrainingRow row = given.get(place);
      int alike = Arrays.mismatch(first, row.tokens());
      shared = Math.min(shared, Math.min(row.targetsFrom() - 1, alike < 0 ? shared : alike));
    }
    return shared;
  }

  /// Sequences that share their first `shared` tokens.
  ///
  /// @param places among the given sequences, in order
  record Family(List<Integer> places, int shared) {}

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
