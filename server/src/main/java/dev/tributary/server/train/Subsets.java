package dev.tributary.server.train;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/// Halves of the contributors, on which the same adapter is trained anew: what an answer owes to a
/// contributor shows in how the adapters with and without them differ (Ilyas et al. 2022,
/// "Datamodels").
///
/// Every subset has half of the contributors (one more or less if their number is odd), every
/// contributor is in half of the subsets, and no two subsets are the same. They are a function of
/// the contributors' names, the count and the seed.
public final class Subsets {
  /// Of subsets and of contributors; together, what is computed here stays below a second.
  private static final int MOST = 4_096;

  /// Swaps tried for each cell of the table of who is in what.
  private static final int SWAPS_A_CELL = 10;

  private final List<String> contributors;
  private final List<BitSet> rows;

  private Subsets(List<String> contributors, List<BitSet> rows) {
    this.contributors = contributors;
    this.rows = rows;
  }

  /// @param names of all contributors, at least two
  /// @param count of subsets, even, so that everybody can be in half of them
  /// @throws InvalidSettingException if there are not so many
  public static Subsets of(Set<String> names, int count, long seed) {
    List<String> contributors = List.copyOf(new TreeSet<>(names));
    int n = contributors.size();
    InvalidSettingException.require(
        n >= 2 && n <= MOST,
        "audit_subsets",
        "asked for of " + n + " contributors",
        "of 2 to 4096");
    long most = distinct(n, count);
    InvalidSettingException.require(
        count >= 2 && count % 2 == 0 && count <= MOST && count <= most,
        "audit_subsets",
        count,
        "even, from 2 to " + Math.min(MOST, most) + " with " + n + " contributors");
    Draw draw = new Draw(seed, Draw.Purpose.SUBSETS, n, count);
    List<BitSet> rows = pairs(n, count, draw);
    mix(rows, n, draw);
    return new Subsets(contributors, rows);
  }

  /// Subsets of half of `n` that there are, or more than `enough`.
  private static long distinct(int n, int enough) {
    long halves = 1;
    for (int i = 1; i <= n / 2 && halves <= enough; i++) {
      halves = halves * (n - n / 2 + i) / i;
    }
    return n % 2 == 0 ? halves : 2 * halves;
  }

  /// A balanced table to begin with: halves and what each leaves out.
  private static List<BitSet> pairs(int n, int count, Draw draw) {
    List<BitSet> rows = new ArrayList<>();
    Set<BitSet> taken = new HashSet<>();
    int[] order = new int[n];
    for (int i = 0; i < n; i++) {
      order[i] = i;
    }
    while (rows.size() < count) {
      draw.shuffle(order);
      BitSet half = new BitSet(n);
      for (int i = 0; i < n / 2; i++) {
        half.set(order[i]);
      }
      BitSet rest = (BitSet) half.clone();
      rest.flip(0, n);
      // Where few are left, a draw often finds one again; each is as likely, so this ends.
      if (taken.add(half)) {
        taken.add(rest);
        rows.add(half);
        rows.add(rest);
      }
    }
    return rows;
  }

  /// Swaps two contributors between two subsets where that leaves every sum as it is and no two
  /// subsets equal, so that subsets are not just each other's opposites.
  private static void mix(List<BitSet> rows, int n, Draw draw) {
    Set<BitSet> taken = new HashSet<>(rows);
    long swaps = (long) SWAPS_A_CELL * rows.size() * n;
    for (long i = 0; i < swaps; i++) {
      BitSet a = rows.get(draw.below(rows.size()));
      BitSet b = rows.get(draw.below(rows.size()));
      int x = draw.below(n);
      int y = draw.below(n);
      if (!(a.get(x) && !a.get(y) && !b.get(x) && b.get(y))) {
        continue;
      }
      taken.remove(a);
      taken.remove(b);
      swap(a, b, x, y);
      if (a.equals(b) || taken.contains(a) || taken.contains(b)) {
        swap(a, b, x, y);
      }
      taken.add(a);
      taken.add(b);
    }
  }

  private static void swap(BitSet a, BitSet b, int x, int y) {
    a.flip(x);
    a.flip(y);
    b.flip(x);
    b.flip(y);
  }

  public int count() {
    return rows.size();
  }

  /// The contributors in one subset.
  public Set<String> contributors(int subset) {
    Set<String> in = new TreeSet<>();
    rows.get(subset).stream().forEach(i -> in.add(contributors.get(i)));
    return in;
  }

  /// A member for each subset and seed, named `subset-000-seed-0` and so on: `whole` on the
  /// subset's examples, with seeds from its own on.
  ///
  /// @param seeds at least 1
  /// @throws InvalidSettingException if a subset has no examples
  public List<Member> members(Member whole, int seeds) {
    InvalidSettingException.require(seeds >= 1 && seeds <= 100, "seeds", seeds, "from 1 to 100");
    List<Member> members = new ArrayList<>();
    for (int subset = 0; subset < count(); subset++) {
      Set<String> in = contributors(subset);
      List<Example> examples =
          whole.training().stream().filter(each -> in.contains(each.contributor())).toList();
      if (examples.isEmpty()) {
        throw new InvalidSettingException(
            "audit_subsets", "has subset " + subset + ", whose contributors have no examples");
      }
      for (int seed = 0; seed < seeds; seed++) {
        members.add(
            new Member(
                "subset-%03d-seed-%d".formatted(subset, seed),
                whole.settings().withSeed(whole.settings().seed() + seed),
                examples,
                whole.heldOut()));
      }
    }
    return members;
  }

  /// The members in groups that are in memory together.
  ///
  /// @param most in a group
  public static List<List<Member>> cohorts(List<Member> members, int most) {
    List<List<Member>> cohorts = new ArrayList<>();
    for (int from = 0; from < members.size(); from += most) {
      cohorts.add(members.subList(from, Math.min(members.size(), from + most)));
    }
    return cohorts;
  }
}
