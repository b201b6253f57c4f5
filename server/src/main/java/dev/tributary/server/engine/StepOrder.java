package dev.tributary.server.engine;

import dev.tributary.server.model.AdapterUse;
import dev.tributary.server.schedule.Plan;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/// Places rows with the same adapters next to one another, so that kernels share their reads.
final class StepOrder {
  private StepOrder() {}

  /// `slices`, decode rows first; within each part groups in the order of their first member, and
  /// members in the order given.
  static List<Plan.Slice> group(List<Plan.Slice> slices, Function<Plan.Slice, Row> rows) {
    List<Group> groups = new ArrayList<>();
    for (Plan.Slice slice : slices) {
      List<AdapterUse> adapters = rows.apply(slice).adapters;
      Group group = null;
      for (Group candidate : groups) {
        if (candidate.decode == slice.decode() && same(candidate.adapters, adapters)) {
          group = candidate;
          break;
        }
      }
      if (group == null) {
        group = new Group(slice.decode(), adapters, new ArrayList<>());
        groups.add(group);
      }
      group.members.add(slice);
    }
    return groups.stream().flatMap(group -> group.members.stream()).toList();
  }

  /// By identity of the weights: comparing their contents would cost more than it saves.
  private static boolean same(List<AdapterUse> a, List<AdapterUse> b) {
    if (a.size() != b.size()) {
      return false;
    }
    for (int i = 0; i < a.size(); i++) {
      if (a.get(i).weights() != b.get(i).weights() || a.get(i).scale() != b.get(i).scale()) {
        return false;
      }
    }
    return true;
  }

  private record Group(boolean decode, List<AdapterUse> adapters, List<Plan.Slice> members) {}
}
