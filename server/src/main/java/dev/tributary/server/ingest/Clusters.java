package dev.tributary.server.ingest;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.IntFunction;
import java.util.function.IntPredicate;

/// Training examples as stars: heads, and examples that are the same as their head.
///
/// In commit order, an example joins the earliest head whose runs of five tokens are at least 0.9
/// the same (Jaccard) and whose numbers and rare tokens are equal, in their order; else it becomes
/// a head. A token is rare that fewer than 5% of the examples have, or fewer than five of them.
public final class Clusters {
  /// As many as a manifest has.
  public static final int MAX_EXAMPLES = 10_000;

  /// Of all examples together.
  public static final int MAX_TOKENS = 20_000_000;

  private final int[] heads;
  private final List<Merge> merges;

  /// An example that joined another contributor's head, whose contributor is credited for it.
  ///
  /// @param example its index
  /// @param head index of the head
  /// @param contributor of the example
  /// @param headContributor who is credited
  /// @param shared runs of five tokens that both have
  /// @param of runs that either has
  public record Merge(
      int example, int head, String contributor, String headContributor, int shared, int of) {}

  private Clusters(int[] heads, List<Merge> merges) {
    this.heads = heads;
    this.merges = List.copyOf(merges);
  }

  /// @param examples in commit order
  /// @param number whether a token is part of a number
  /// @throws IllegalArgumentException if they are more than [#MAX_EXAMPLES] or [#MAX_TOKENS], or a
  ///   token is no id of a vocabulary
  public static Clusters of(List<Example> examples, IntPredicate number) {
    long tokens = examples.stream().mapToLong(example -> example.tokens().length).sum();
    if (examples.size() > MAX_EXAMPLES || tokens > MAX_TOKENS) {
      throw new IllegalArgumentException(
          "%d examples of %d tokens are more than %d of %d"
              .formatted(examples.size(), tokens, MAX_EXAMPLES, MAX_TOKENS));
    }
    List<Marks> marks = Marks.of(examples, number);
    // Only these can join one another, so that of all others nothing more is asked.
    Map<Marks, List<Integer>> same = new HashMap<>();
    for (int i = 0; i < examples.size(); i++) {
      same.computeIfAbsent(marks.get(i), m -> new ArrayList<>()).add(i);
    }
    int[] heads = new int[examples.size()];
    List<Merge> merges = new ArrayList<>();
    same.values().forEach(group -> join(examples, group, heads, merges));
    return new Clusters(
        heads,
        merges.stream()
            .filter(merge -> !merge.contributor().equals(merge.headContributor()))
            .sorted(Comparator.comparingInt(Merge::example))
            .toList());
  }

  /// The same of conversations, without what all of them begin with: a system message would make
  /// short ones alike.
  public static Clusters ofConversations(List<Example> examples, IntPredicate number) {
    if (examples.isEmpty()) {
      return of(examples, number);
    }
    int[] first = examples.getFirst().tokens();
    int opening = first.length;
    for (Example each : examples) {
      int alike = Arrays.mismatch(first, each.tokens());
      opening = Math.min(opening, alike < 0 ? opening : alike);
    }
    int from = opening;
    return of(
        examples.stream()
            .map(
                each ->
                    new Example(
                        each.contributor(),
                        Arrays.copyOfRange(each.tokens(), from, each.tokens().length)))
            .toList(),
        number);
  }

  /// @param group indices in commit order
  private static void join(
      List<Example> examples, List<Integer> group, int[] heads, List<Merge> merges) {
    if (group.size() == 1) {
      heads[group.getFirst()] = group.getFirst();
      return;
    }
    MinHash minHash = new MinHash();
    Map<MinHash.Key, List<Integer>> byKey = new HashMap<>();
    Map<Integer, MinHash.Kept> kept = new HashMap<>();
    Map<Integer, Shingles> shingles = new HashMap<>();
    IntFunction<Shingles> shinglesOf =
        i -> shingles.computeIfAbsent(i, k -> new Shingles(examples.get(k).tokens()));
    for (int i : group) {
      MinHash.Kept own = minHash.keep(examples.get(i).tokens());
      BitSet candidates = candidates(own.keys(), byKey, i);
      heads[i] = i;
      for (int head = candidates.nextSetBit(0);
          head >= 0 && heads[i] == i;
          head = candidates.nextSetBit(head + 1)) {
        if (own.near(Objects.requireNonNull(kept.get(head)))) {
          Shingles ours = shinglesOf.apply(i);
          Shingles others = shinglesOf.apply(head);
          int sizes = ours.size() + others.size();
          int shared = ours.shared(others, leastShared(sizes));
          if (shared >= 0) {
            heads[i] = head;
            merges.add(merge(examples, i, head, shared, sizes));
          }
        }
      }
      if (heads[i] == i) {
        kept.put(i, own);
        own.keys().forEach(key -> byKey.computeIfAbsent(key, k -> new ArrayList<>()).add(i));
      } else {
        shingles.remove(i); // Only heads are compared again.
      }
    }
  }

  /// Heads before `example` with enough of these keys.
  private static BitSet candidates(
      List<MinHash.Key> keys, Map<MinHash.Key, List<Integer>> byKey, int example) {
    int enough = Math.min(MinHash.SHARED, keys.size());
    byte[] shared = new byte[example];
    BitSet candidates = new BitSet(example);
    for (MinHash.Key key : keys) {
      for (int head : byKey.getOrDefault(key, List.of())) {
        if (++shared[head] == enough) {
          candidates.set(head);
        }
      }
    }
    return candidates;
  }

  /// The fewest runs that both have at a Jaccard similarity of 0.9: s >= 0.9 (sizes - s).
  private static int leastShared(int sizes) {
    return (9 * sizes + 18) / 19;
  }

  private static Merge merge(List<Example> examples, int example, int head, int shared, int sizes) {
    return new Merge(
        example,
        head,
        examples.get(example).contributor(),
        examples.get(head).contributor(),
        shared,
        sizes - shared);
  }

  /// Index of the example's head; its own if it is one.
  public int head(int example) {
    return heads[example];
  }

  /// Of each example [#head].
  public int[] headOfEach() {
    return heads.clone();
  }

  /// Indices of the heads, ascending: a cluster each.
  public List<Integer> heads() {
    List<Integer> all = new ArrayList<>();
    for (int i = 0; i < heads.length; i++) {
      if (heads[i] == i) {
        all.add(i);
      }
    }
    return all;
  }

  /// Between contributors, ascending by example.
  public List<Merge> merges() {
    return merges;
  }
}
