package dev.tributary.server.accounts;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/// What generations cost from an hour on.
///
/// @param leaf that says so; it prices only generations whose leaves follow it
/// @param hour since 1970, the first in which it is in effect
/// @param tenant whose generations; empty for those of all without a rule of their own
/// @param currency ISO 4217, or the operator's own word for points
/// @param promptMicros millionths of the currency's unit per 1,000,000 tokens
/// @param completionMicros millionths of the currency's unit per 1,000,000 tokens
/// @param contributorsPpm what part of a fee is theirs, at most 1,000,000
public record PriceRule(
    long leaf,
    long hour,
    String tenant,
    String currency,
    long promptMicros,
    long completionMicros,
    int contributorsPpm,
    String note) {
  /// A price at most: 1,000,000 of the currency's unit per million tokens, so that sums stay far
  /// from 2^63.
  public static final long MOST_MICROS = 1_000_000_000_000L;

  private static final Comparator<PriceRule> LATER =
      Comparator.comparingInt((PriceRule rule) -> rule.tenant.isEmpty() ? 0 : 1)
          .thenComparingLong(PriceRule::hour)
          .thenComparingLong(PriceRule::leaf);

  /// The one that prices a generation.
  ///
  /// @param hour of the generation
  /// @param leaf of the generation
  static Optional<PriceRule> inForce(List<PriceRule> rules, String tenant, long hour, long leaf) {
    return rules.stream()
        .filter(rule -> rule.leaf < leaf && rule.hour <= hour)
        .filter(rule -> rule.tenant.isEmpty() || rule.tenant.equals(tenant))
        .max(LATER);
  }

  static List<PriceRule> all(Session session) throws SQLException {
    return session.all("SELECT * FROM price_rules ORDER BY leaf", PriceRule::of);
  }

  private static PriceRule of(ResultSet row) throws SQLException {
    return new PriceRule(
        row.getLong("leaf"),
        row.getLong("hour"),
        row.getString("tenant"),
        row.getString("currency"),
        row.getLong("prompt_micros"),
        row.getLong("completion_micros"),
        row.getInt("contributors_ppm"),
        row.getString("note"));
  }
}
