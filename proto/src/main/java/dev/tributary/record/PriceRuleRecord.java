package dev.tributary.record;

import java.security.SecureRandom;
import java.util.List;

/// What generations cost from some hour on.
///
/// @param tenant whose generations; empty for those of all without a rule of their own
public record PriceRuleRecord(Open open, String tenant, String note) implements Record {

  /// What all may see.
  ///
  /// @param hour in which it takes effect
  /// @param currency ISO 4217, or the operator's own word for points
  /// @param promptMicros millionths of the currency's unit per 1,000,000 tokens
  /// @param completionMicros millionths of the currency's unit per 1,000,000 tokens
  /// @param contributorsPpm what part of a fee is theirs, at most 1,000,000
  public record Open(
      long hour, String currency, long promptMicros, long completionMicros, int contributorsPpm) {
    public Open {
      RecordException.require(promptMicros >= 0 && completionMicros >= 0, "a price below nothing");
      RecordException.require(
          contributorsPpm >= 0 && contributorsPpm <= Shares.WHOLE,
          "a part of " + contributorsPpm + " millionths");
    }

    void encode(Encoder out) {
      out.u32(hour).text(currency).u63(promptMicros).u63(completionMicros).u32(contributorsPpm);
    }

    static Open decode(Decoder in) {
      return new Open(in.u32(), in.text(), in.u63(), in.u63(), in.u31());
    }

    /// @param leaves the main one last, its continuations before it
    public static Open of(List<Leaf> leaves) {
      return OpenPart.read(Kind.PRICE_RULE, leaves, Open::decode);
    }
  }

  @Override
  public Kind kind() {
    return Kind.PRICE_RULE;
  }

  @Override
  public Sealed seal(SecureRandom random) {
    return Sealed.draw(
        kind(),
        Encoder.encode(open::encode),
        List.of(Encoder.utf8(tenant), Encoder.utf8(note)),
        random);
  }

  public static PriceRuleRecord of(Sealed sealed) {
    FieldReader in = new FieldReader(sealed, Kind.PRICE_RULE);
    return new PriceRuleRecord(in.open(Open::decode), in.text(), in.text());
  }
}
