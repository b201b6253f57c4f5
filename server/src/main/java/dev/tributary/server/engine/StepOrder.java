package dev.tributary.server.engine;

import dev.tributary.identity.ComputePath;
import dev.tributary.server.model.AdapterUse;
import dev.tributary.server.schedule.Plan;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Function;

/// Places rows by the same path together, the narrow first, and among them those with the same
/// adapters, so that kernels share their reads.
final class StepOrder {
  private StepOrder() {}

  /// `slices` in groups of one path and one list of adapters; groups of a path in the order of
  /// their first member, members in the order given.
  static List<Plan.Slice> group(List<Plan.Slice> slices, Function<Plan.Slice, Row> rows) {
    List<Group> groups = new ArrayList<>();
    for (Plan.Slice slice : slices) {
      List<AdapterUse> adapters = rows.apply(slice).adapters;
      Group group = null;
      for (Group candidate : groups) {
        if (candidate.path == slice.path() && same(candidate.adapters, adapters)) {
          group = candidate;
          break;
        }
      }
      if (group == null) {
        group = new Group(slice.path(), adapters, new ArrayList<>());
        groups.add(group);
      }
      group.members.add(slice);
    }
    return groups.stream()
        .sorted(Comparator.comparing(Group::path)) // stable
        .flatMap(group -> group.members.stream())
        .toList();
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

  private record Group(ComputePath path, List<AdapterUse> adapters, List<Plan.Slice> members) {}
}
