package dev.tributary.record;

import java.security.SecureRandom;

/// What one leaf says, with its private part.
///
/// Times are microseconds since 1970 in UTC, hours are [#hour] of them.
@SuppressWarnings("JavaLangClash") // the ledger's own word; java.lang.Record is never named
public sealed interface Record
    permits AdapterBuildRecord,
        AttributionRecord,
        AuditRecord,
        ContributionRecord,
        CorrectionRecord,
        ErasureRecord,
        GenerationRecord,
        KeyRotationRecord,
        PriceRuleRecord,
        SettlementRecord,
        StartedRecord,
        WithdrawalRecord {
  long MICROS_PER_HOUR = 3_600_000_000L;

  Kind kind();

  /// Draws nonce and salts; two calls give different leaves.
  ///
  /// @throws RecordException if the record says what no record may
  Sealed seal(SecureRandom random);

  /// @throws RecordException unless [#seal] made it; [Sealed#check] is another's
  static Record of(Sealed sealed) {
    return switch (sealed.leaf().kind()) {
      case CONTRIBUTION -> ContributionRecord.of(sealed);
      case WITHDRAWAL -> WithdrawalRecord.of(sealed);
      case ERASURE -> ErasureRecord.of(sealed);
      case ADAPTER_BUILD -> AdapterBuildRecord.of(sealed);
      case STARTED -> StartedRecord.of(sealed);
      case GENERATION -> GenerationRecord.of(sealed);
      case ATTRIBUTION -> AttributionRecord.of(sealed);
      case AUDIT -> AuditRecord.of(sealed);
      case PRICE_RULE -> PriceRuleRecord.of(sealed);
      case SETTLEMENT -> SettlementRecord.of(sealed);
      case CORRECTION -> CorrectionRecord.of(sealed);
      case KEY_ROTATION -> KeyRotationRecord.of(sealed);
      case CONTINUATION -> throw new RecordException("a CONTINUATION is no record of its own");
    };
  }

  /// @throws RecordException unless it is the hour of that time
  static void checkHour(long hour, long micros) {
    RecordException.require(micros >= 0, "a time before 1970");
    RecordException.require(hour == hour(micros), "hour " + hour + " is not that of its time");
  }

  /// Hours since 1970.
  static long hour(long micros) {
    return Math.floorDiv(micros, MICROS_PER_HOUR);
  }
}
