package dev.tributary.record;

import java.util.List;

/// How one generation's credit is divided, in parts per million.
///
/// What is read from a log may sum to anything, which is for a verifier to find; what is sealed
/// sums to [#WHOLE].
///
/// @param shares of contributors, each once and none without a part
/// @param basePpm of the base, which nobody is paid
/// @param unattributedPpm that could not be told
public record Shares(List<Share> shares, int basePpm, int unattributedPpm) {
  public static final int WHOLE = 1_000_000;

  /// One contributor's part.
  public record Share(Pseudonym contributor, int ppm) {
    public Share {
      RecordException.require(ppm >= 1, contributor + ": a share of " + ppm);
    }

    void encode(Encoder out) {
      contributor.encode(out);
      out.u32(ppm);
    }

    static Share decode(Decoder in) {
      return new Share(Pseudonym.decode(in), in.u31());
    }
  }

  public Shares {
    shares = List.copyOf(shares);
    RecordException.require(
        basePpm >= 0 && unattributedPpm >= 0, "a part of base or unattributed is negative");
    RecordException.require(
        shares.stream().map(Share::contributor).distinct().count() == shares.size(),
        "a contributor has two shares");
  }

  /// Nothing can be told.
  public static Shares unattributed() {
    return new Shares(List.of(), 0, WHOLE);
  }

  public long sum() {
    return (long) basePpm + unattributedPpm + shares.stream().mapToLong(Share::ppm).sum();
  }

  /// @throws RecordException unless the sum is [#WHOLE] and there is a name for each contributor
  void checkWhole(List<String> contributors) {
    RecordException.require(sum() == WHOLE, "shares sum to " + sum() + ", not to " + WHOLE);
    checkNames(contributors);
  }

  void checkNames(List<String> contributors) {
    RecordException.require(
        contributors.size() == shares.size(),
        contributors.size() + " names for " + shares.size() + " shares");
  }

  void encode(Encoder out) {
    out.list(shares, (to, share) -> share.encode(to)).u32(basePpm).u32(unattributedPpm);
  }

  static Shares decode(Decoder in) {
    return new Shares(in.list(Share::decode), in.u31(), in.u31());
  }
}
