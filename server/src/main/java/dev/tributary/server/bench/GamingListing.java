package dev.tributary.server.bench;

import dev.tributary.server.attribution.Sequence;
import java.util.ArrayList;
import java.util.List;

/// What an adapter is said to have been trained on, in commit order.
record GamingListing(List<String> contributors, List<Sequence> examples) {
  GamingListing {
    contributors = List.copyOf(contributors);
    examples = List.copyOf(examples);
  }

  GamingListing with(List<String> by, List<Sequence> more) {
    List<String> names = new ArrayList<>(contributors);
    names.addAll(by);
    List<Sequence> all = new ArrayList<>(examples);
    all.addAll(more);
    return new GamingListing(names, all);
  }
}
