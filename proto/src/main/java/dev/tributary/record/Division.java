package dev.tributary.record;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// The shares that follow from an [Evidence]: integers that sum to [Shares#WHOLE].
///
/// Each part's ppm are first rounded down; those that are then missing go, one each, to the largest
/// remainders. Of equal ones the contributor comes first whose name has the smaller bytes, as
/// unsigned numbers, then the base, then unattributed.
///
/// @param parts largest first, equal ones by their names' bytes; none of nothing
public record Division(List<Part> parts, int basePpm, int unattributedPpm) {
  /// Binary places that a contributor's part of a group's mass keeps.
  private static final int PLACES = 64;

  private static final BigInteger PPM = BigInteger.valueOf(Shares.WHOLE);

  private static final Comparator<String> BY_BYTES =
      Comparator.comparing(Encoder::utf8, Arrays::compareUnsigned);

  /// One contributor's part.
  ///
  /// @param ppm from 1
  public record Part(String contributor, int ppm) {
    public Part {
      RecordException.require(ppm >= 1, contributor + ": a part of " + ppm);
    }
  }

  public Division {
    parts = List.copyOf(parts);
    long sum = (long) basePpm + unattributedPpm + parts.stream().mapToLong(Part::ppm).sum();
    RecordException.require(
        basePpm >= 0 && unattributedPpm >= 0 && sum == Shares.WHOLE,
        "parts sum to " + sum + ", not to " + Shares.WHOLE);
  }

  static Division of(Evidence evidence) {
    BigInteger whole = fixed((long) evidence.tokens().size() * Evidence.TOKEN);
    if (whole.signum() == 0) {
      return new Division(List.of(), 0, Shares.WHOLE);
    }
    BigInteger base =
        fixed(
            evidence.tokens().stream()
                .filter(mass -> mass != Evidence.BIASED)
                .mapToLong(mass -> Evidence.TOKEN - mass)
                .sum());
    TreeMap<String, BigInteger> credited = credited(evidence);
    BigInteger unattributed =
        whole
            .subtract(base)
            .subtract(credited.values().stream().reduce(BigInteger.ZERO, BigInteger::add));
    List<String> names = List.copyOf(credited.keySet());
    List<BigInteger> masses = new ArrayList<>(credited.values());
    masses.add(base);
    masses.add(unattributed);
    int[] ppm = largestRemainders(masses, whole);
    List<Part> parts = new ArrayList<>();
    for (int i = 0; i < names.size(); i++) {
      if (ppm[i] > 0) {
        parts.add(new Part(names.get(i), ppm[i]));
      }
    }
    // Stable, so that equal ones stay in the order of their names.
    parts.sort(Comparator.comparingInt(Part::ppm).reversed());
    return new Division(parts, ppm[names.size()], ppm[names.size() + 1]);
  }

  /// Contributors' masses, of those who have one, in the order of their names' bytes.
  private static TreeMap<String, BigInteger> credited(Evidence evidence) {
    TreeMap<String, BigInteger> credited = new TreeMap<>(BY_BYTES);
    if (evidence.limit() != Evidence.Limit.NONE) {
      return credited;
    }
    for (Map.Entry<BitSet, Long> group : TokenGroups.of(evidence).entrySet()) {
      long[] excess = new long[evidence.contributors().size()];
      // At most 2^16 excesses below 2^31 and a threshold: no overflow.
      long divisor = evidence.threshold();
      for (int i = group.getKey().nextSetBit(0); i >= 0; i = group.getKey().nextSetBit(i + 1)) {
        Evidence.Source source = evidence.sources().get(i);
        excess[source.contributor()] += evidence.excess(source);
        divisor += evidence.excess(source);
      }
      for (int c = 0; c < excess.length; c++) {
        if (excess[c] > 0) {
          BigInteger part =
              fixed(group.getValue())
                  .multiply(BigInteger.valueOf(excess[c]))
                  .divide(BigInteger.valueOf(divisor));
          credited.merge(evidence.contributors().get(c), part, BigInteger::add);
        }
      }
    }
    return credited;
  }

  private static BigInteger fixed(long mass) {
    return BigInteger.valueOf(mass).shiftLeft(PLACES);
  }

  /// @param masses sum to `whole`
  /// @return ppm of each, which sum to [Shares#WHOLE]
  private static int[] largestRemainders(List<BigInteger> masses, BigInteger whole) {
    int[] ppm = new int[masses.size()];
    BigInteger[] remainders = new BigInteger[masses.size()];
    int missing = Shares.WHOLE;
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < ppm.length; i++) {
      BigInteger[] divided = masses.get(i).multiply(PPM).divideAndRemainder(whole);
      ppm[i] = divided[0].intValueExact();
      remainders[i] = divided[1];
      missing -= ppm[i];
      order.add(i);
    }
    // Stable: equal remainders stay in the order that the parts have.
    order.sort(Comparator.comparing((Integer i) -> remainders[i]).reversed());
    for (int i = 0; i < missing; i++) {
      ppm[order.get(i)]++;
    }
    return ppm;
  }

  /// What all may see of it.
  ///
  /// @param pseudonymKey of the adapter's version
  public Shares shares(byte[] pseudonymKey) {
    return new Shares(
        parts.stream()
            .map(
                part ->
                    new Shares.Share(Pseudonym.of(pseudonymKey, part.contributor()), part.ppm()))
            .toList(),
        basePpm,
        unattributedPpm);
  }

  /// In the order of the parts.
  public List<String> contributors() {
    return parts.stream().map(Part::contributor).toList();
  }
}
