package dev.tributary.server.accounts;

import dev.tributary.record.SettlementRecord;
import dev.tributary.tlog.Hash;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Adds up what generations cost and whom it is credited to. Sums are exact and do not depend on
/// the order of generations; [#close] rounds them, once.
///
/// Exact amounts are in 10^-18 of a millionth of the currency's unit: tokens, times millionths per
/// million tokens, times the contributors' part in ppm, times a share in ppm.
final class Credit {
  private static final BigInteger PPM = BigInteger.valueOf(1_000_000);
  private static final BigInteger UNIT = PPM.pow(3);

  private static final Comparator<SettlementRecord.Line> LINES =
      Comparator.comparing(SettlementRecord.Line::tenant)
          .thenComparing(SettlementRecord.Line::contributor)
          .thenComparing(line -> line.adapter().text());

  /// Who is credited, for which version.
  ///
  /// @param tenant that has the version, and gives the contributor the name
  record Payee(String tenant, String contributor, Hash adapter) {}

  /// A payee's part of one generation.
  record Part(Payee payee, int ppm) {}

  /// A period's sums, in millionths of the currency's unit.
  ///
  /// @param fees all that was charged
  /// @param unattributed what is nobody's
  /// @param lines what each payee is credited, in the order of tenant, contributor and adapter
  record Closing(long fees, long unattributed, List<SettlementRecord.Line> lines) {
    Closing {
      lines = List.copyOf(lines);
    }

    long credited() {
      return lines.stream().mapToLong(SettlementRecord.Line::micros).sum();
    }
  }

  /// What one payee has so far.
  private static final class Sum {
    private long generations;
    private long ppm;
    private BigInteger exact = BigInteger.ZERO;
  }

  /// An exact amount and what decides ties; without a payee, what is nobody's.
  private record Claim(Optional<Payee> payee, BigInteger exact, String tie) {
    long whole() {
      return exact.divide(UNIT).longValueExact();
    }

    BigInteger rest() {
      return exact.mod(UNIT);
    }
  }

  private final Map<Payee, Sum> sums = new HashMap<>();
  private BigInteger fees = BigInteger.ZERO;
  private BigInteger operators = BigInteger.ZERO;
  private BigInteger nobodys = BigInteger.ZERO;

  /// Adds one generation.
  ///
  /// @param prompt tokens
  /// @param completion tokens
  /// @param parts of those who are paid, at most a whole; a payee may stand there twice
  void add(long prompt, long completion, PriceRule rule, List<Part> parts) {
    BigInteger fee =
        BigInteger.valueOf(prompt)
            .multiply(BigInteger.valueOf(rule.promptMicros()))
            .add(
                BigInteger.valueOf(completion)
                    .multiply(BigInteger.valueOf(rule.completionMicros())));
    long theirs = rule.contributorsPpm();
    BigInteger pot = fee.multiply(BigInteger.valueOf(theirs));
    fees = fees.add(fee.multiply(PPM).multiply(PPM));
    operators = operators.add(fee.multiply(PPM.subtract(BigInteger.valueOf(theirs))).multiply(PPM));
    long left = PPM.longValue();
    Map<Payee, Long> once = new HashMap<>();
    for (Part part : parts) {
      once.merge(part.payee, (long) part.ppm, Long::sum);
      left -= part.ppm;
    }
    if (left < 0) {
      throw new IllegalArgumentException("the shares are more than a whole");
    }
    nobodys = nobodys.add(pot.multiply(BigInteger.valueOf(left)));
    once.forEach(
        (payee, ppm) -> {
          Sum sum = sums.computeIfAbsent(payee, none -> new Sum());
          sum.generations++;
          sum.ppm += ppm;
          sum.exact = sum.exact.add(pot.multiply(BigInteger.valueOf(ppm)));
        });
  }

  /// Rounds. Fees and the operator's part are rounded down; what lies between them is divided by
  /// largest remainder, so that it adds up to the millionth.
  ///
  /// @param seed decides who gets a millionth that several have the same claim to: whose SHA-256
  ///   over seed, `tenant/contributor` and adapter is the smallest
  Closing close(Hash seed) {
    List<Claim> claims = new ArrayList<>();
    claims.add(new Claim(Optional.empty(), nobodys, tie(seed, "", "")));
    sums.forEach(
        (payee, sum) ->
            claims.add(
                new Claim(
                    Optional.of(payee),
                    sum.exact,
                    tie(seed, payee.tenant + "/" + payee.contributor, payee.adapter.text()))));
    claims.sort(Comparator.comparing(Claim::rest).reversed().thenComparing(Claim::tie));
    long charged = fees.divide(UNIT).longValueExact();
    long left = charged - operators.divide(UNIT).longValueExact();
    for (Claim claim : claims) {
      left -= claim.whole();
    }
    long unattributed = 0;
    List<SettlementRecord.Line> lines = new ArrayList<>();
    for (Claim claim : claims) {
      long micros = claim.whole() + (left-- > 0 ? 1 : 0);
      if (claim.payee.isEmpty()) {
        unattributed = micros;
      } else {
        lines.add(line(claim.payee.get(), micros));
      }
    }
    lines.sort(LINES);
    return new Closing(charged, unattributed, lines);
  }

  /// What each payee has so far, each rounded down by itself.
  List<SettlementRecord.Line> sofar() {
    return sums.keySet().stream()
        .map(payee -> line(payee, exact(payee).divide(UNIT).longValueExact()))
        .sorted(LINES)
        .toList();
  }

  /// Exact, in 10^-18 of a millionth.
  BigInteger exact(Payee payee) {
    Sum sum = sums.get(payee);
    return sum == null ? BigInteger.ZERO : sum.exact;
  }

  private SettlementRecord.Line line(Payee payee, long micros) {
    Sum sum = sums.get(payee);
    if (sum == null) {
      throw new IllegalArgumentException("no sum of " + payee);
    }
    return new SettlementRecord.Line(
        payee.tenant, payee.contributor, payee.adapter, sum.generations, sum.ppm, micros);
  }

  private static String tie(Hash seed, String contributor, String adapter) {
    return Hash.sha256(
            seed.bytes(),
            contributor.getBytes(StandardCharsets.UTF_8),
            adapter.getBytes(StandardCharsets.US_ASCII))
        .text();
  }
}
