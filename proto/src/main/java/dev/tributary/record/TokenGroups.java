package dev.tributary.record;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// The contributors' side of an answer, grouped by which sources may be credited with it.
///
/// One pass over the tokens: spans are entered and left at their borders, where each source counts
/// how many of the spans around the token are its own. That takes time in the tokens, in the links
/// from spans to sources and, per border, in the sources / 64.
final class TokenGroups {
  private final Evidence evidence;
  private final int[] around;

  /// Sources with a count above 0.
  private final BitSet candidates;

  private final Map<BitSet, Long> masses = new HashMap<>();

  private TokenGroups(Evidence evidence) {
    this.evidence = evidence;
    around = new int[evidence.sources().size()];
    candidates = new BitSet(around.length);
  }

  /// @return units of mass by candidates, indices of sources
  static Map<BitSet, Long> of(Evidence evidence) {
    TokenGroups groups = new TokenGroups(evidence);
    groups.sweep();
    return groups.masses;
  }

  private void sweep() {
    List<Evidence.Span> entering =
        new ArrayList<>(
            evidence.spans().stream()
                .filter(span -> !span.echo() && !span.sources().isEmpty())
                .toList());
    List<Evidence.Span> leaving = new ArrayList<>(entering);
    leaving.sort(Comparator.comparingInt(Evidence.Span::toToken));
    int entered = 0;
    int left = 0;
    long mass = 0;
    for (int token = 0; token < evidence.tokens().size(); token++) {
      boolean starts = entered < entering.size() && entering.get(entered).fromToken() == token;
      boolean ends = left < leaving.size() && leaving.get(left).toToken() == token;
      if (starts || ends) {
        add(mass);
        mass = 0;
      }
      for (; left < leaving.size() && leaving.get(left).toToken() == token; left++) {
        leaving.get(left).sources().forEach(this::leave);
      }
      for (; entered < entering.size() && entering.get(entered).fromToken() == token; entered++) {
        entering.get(entered).sources().forEach(this::enter);
      }
      mass += Math.max(0, evidence.tokens().get(token));
    }
    add(mass);
  }

  private void enter(int source) {
    if (around[source]++ == 0) {
      candidates.set(source);
    }
  }

  private void leave(int source) {
    if (--around[source] == 0) {
      candidates.clear(source);
    }
  }

  private void add(long mass) {
    if (mass == 0) {
      return;
    }
    BitSet group = (BitSet) candidates.clone();
    if (group.isEmpty()) {
      group.set(0, around.length);
    }
    masses.merge(group, mass, Long::sum);
  }
}
