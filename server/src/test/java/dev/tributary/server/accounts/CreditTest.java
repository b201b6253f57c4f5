package dev.tributary.server.accounts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tributary.record.SettlementRecord.Line;
import dev.tributary.server.accounts.Credit.Closing;
import dev.tributary.server.accounts.Credit.Part;
import dev.tributary.server.accounts.Credit.Payee;
import dev.tributary.tlog.Hash;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class CreditTest {
  private static final Hash SEED = Hash.sha256(new byte[] {1});
  private static final Hash ADAPTER = Hash.sha256(new byte[] {2});
  private static final BigDecimal MILLION = BigDecimal.valueOf(1_000_000);

  private record Call(long prompt, long completion, PriceRule rule, List<Part> parts) {}

  private static PriceRule rule(long prompt, long completion, int contributorsPpm) {
    return new PriceRule(1, 0, "", "EUR", prompt, completion, contributorsPpm, "");
  }

  private static Payee payee(String name) {
    return new Payee("acme", name, ADAPTER);
  }

  private static Credit credit(List<Call> calls) {
    Credit credit = new Credit();
    for (Call call : calls) {
      credit.add(call.prompt, call.completion, call.rule, call.parts);
    }
    return credit;
  }

  /// Prices from nothing to the highest, parts with and without a rest.
  private static List<Call> calls(Random random) {
    List<PriceRule> rules =
        List.of(
            rule(random.nextInt(1_000), random.nextInt(1_000), random.nextInt(1_000_001)),
            rule(random.nextLong(1_000_000_000_000L), 3, 333_333),
            rule(7, 11, random.nextBoolean() ? 0 : 1_000_000));
    List<Call> calls = new ArrayList<>();
    for (int i = random.nextInt(60); i >= 0; i--) {
      List<Part> parts = new ArrayList<>();
      int left = 1_000_000;
      for (int j = random.nextInt(5); j > 0; j--) {
        int ppm = 1 + random.nextInt(left / 2 + 1);
        left -= ppm;
        parts.add(new Part(payee("c" + random.nextInt(9)), ppm));
      }
      PriceRule rule = rules.get(random.nextInt(rules.size()));
      calls.add(new Call(random.nextInt(100_000), random.nextInt(5_000), rule, parts));
    }
    return calls;
  }

  /// What was charged exactly, in millionths.
  private static BigDecimal fee(Call call) {
    return BigDecimal.valueOf(call.prompt)
        .multiply(BigDecimal.valueOf(call.rule.promptMicros()))
        .add(
            BigDecimal.valueOf(call.completion)
                .multiply(BigDecimal.valueOf(call.rule.completionMicros())))
        .divide(MILLION);
  }

  @Test
  void close_conservesEveryMillionth() {
    Random random = new Random(1);
    for (int round = 0; round < 3_000; round++) {
      List<Call> calls = calls(random);
      Closing closing = credit(calls).close(SEED);
      BigDecimal fees = BigDecimal.ZERO;
      BigDecimal operators = BigDecimal.ZERO;
      Map<Payee, BigDecimal> credited = new HashMap<>();
      for (Call call : calls) {
        BigDecimal fee = fee(call);
        fees = fees.add(fee);
        BigDecimal pot =
            fee.multiply(BigDecimal.valueOf(call.rule.contributorsPpm())).divide(MILLION);
        operators = operators.add(fee.subtract(pot));
        for (Part part : call.parts) {
          BigDecimal due = pot.multiply(BigDecimal.valueOf(part.ppm())).divide(MILLION);
          credited.merge(part.payee(), due, BigDecimal::add);
        }
      }
      assertThat(closing.fees()).isEqualTo(floor(fees));
      long operator = closing.fees() - closing.credited() - closing.unattributed();
      assertThat(operator).as("the operator's part, to the millionth").isEqualTo(floor(operators));
      assertThat(closing.unattributed()).isNotNegative();
      assertThat(closing.lines()).hasSameSizeAs(credited.keySet());
      for (Line line : closing.lines()) {
        Payee payee = new Payee(line.tenant(), line.contributor(), line.adapter());
        long due = floor(credited.getOrDefault(payee, BigDecimal.ZERO));
        assertThat(line.micros()).isBetween(due, due + 1);
      }
    }
  }

  private static long floor(BigDecimal amount) {
    return amount.setScale(0, RoundingMode.FLOOR).longValueExact();
  }

  @Test
  void close_withoutOperatorsPartDividesAll() {
    Random random = new Random(2);
    for (int round = 0; round < 500; round++) {
      List<Call> calls =
          calls(random).stream()
              .map(
                  call ->
                      new Call(call.prompt, call.completion, rule(3, 17, 1_000_000), call.parts))
              .toList();
      Closing closing = credit(calls).close(SEED);
      assertThat(closing.credited() + closing.unattributed()).isEqualTo(closing.fees());
    }
  }

  @Test
  void close_doesNotDependOnTheOrder() {
    Random random = new Random(3);
    for (int round = 0; round < 300; round++) {
      List<Call> calls = new ArrayList<>(calls(random));
      Closing closing = credit(calls).close(SEED);
      Collections.shuffle(calls, random);
      assertThat(credit(calls).close(SEED)).isEqualTo(closing);
    }
  }

  @Test
  void splittingAnIdentity_earnsNothing() {
    Random random = new Random(4);
    for (int round = 0; round < 300; round++) {
      List<Call> calls = calls(random);
      List<Call> split = calls.stream().map(call -> split(call, random)).toList();
      Credit one = credit(calls);
      Credit many = credit(split);
      BigInteger exact =
          LongStream.range(0, 4)
              .mapToObj(i -> many.exact(payee("c0-" + i)))
              .reduce(many.exact(payee("c0")), BigInteger::add);
      assertThat(exact).isEqualTo(one.exact(payee("c0")));
      long before = micros(one.close(SEED), "c0");
      long after = micros(many.close(SEED), "c0");
      assertThat(after).as("at most a rounding for each").isBetween(before - 5, before + 5);
    }
  }

  /// The parts of `c0` under up to four names.
  private static Call split(Call call, Random random) {
    List<Part> parts = new ArrayList<>();
    for (Part part : call.parts) {
      if (part.payee().equals(payee("c0")) && part.ppm() > 1) {
        int some = 1 + random.nextInt(part.ppm() - 1);
        parts.add(new Part(payee("c0-" + random.nextInt(4)), some));
        parts.add(new Part(payee("c0-" + random.nextInt(4)), part.ppm() - some));
      } else {
        parts.add(part);
      }
    }
    return new Call(call.prompt, call.completion, call.rule, parts);
  }

  private static long micros(Closing closing, String prefix) {
    return closing.lines().stream()
        .filter(line -> line.contributor().startsWith(prefix))
        .mapToLong(Line::micros)
        .sum();
  }

  @Test
  void close_givesTheLargestRemainder() {
    // 10 millionths by thirds and a rest: 3.3, 3.3, 3.3, 0.1.
    List<Part> parts =
        List.of(
            new Part(payee("ann"), 330_000),
            new Part(payee("bob"), 330_000),
            new Part(payee("eve"), 330_000));
    Credit credit = new Credit();
    credit.add(10, 0, rule(1_000_000, 0, 1_000_000), parts);
    Closing closing = credit.close(SEED);
    assertThat(closing.unattributed()).isZero();
    assertThat(closing.lines()).extracting(Line::micros).containsExactlyInAnyOrder(4L, 3L, 3L);
    assertThat(closing.lines()).extracting(Line::ppm).containsOnly(330_000L);
  }

  @Test
  void close_breaksTiesByTheSeed() {
    List<String> winners = new ArrayList<>();
    for (int seed = 0; seed < 60; seed++) {
      Credit credit = new Credit();
      credit.add(
          1,
          0,
          rule(1_000_000, 0, 1_000_000),
          List.of(new Part(payee("ann"), 500_000), new Part(payee("bob"), 500_000)));
      credit.close(Hash.sha256(new byte[] {(byte) seed})).lines().stream()
          .filter(line -> line.micros() == 1)
          .forEach(line -> winners.add(line.contributor()));
    }
    assertThat(winners).hasSize(60);
    assertThat(Collections.frequency(winners, "ann")).isBetween(15, 45);
  }

  @Test
  void close_countsEachGenerationOnce() {
    Credit credit = new Credit();
    PriceRule rule = rule(1_000_000, 0, 1_000_000);
    credit.add(100, 0, rule, List.of(new Part(payee("ann"), 10_000), new Part(payee("ann"), 1)));
    credit.add(100, 0, rule, List.of(new Part(payee("ann"), 5)));
    assertThat(credit.close(SEED).lines())
        .containsExactly(new Line("acme", "ann", ADAPTER, 2, 10_006, 1));
  }

  @Test
  void close_holdsSumsBeyond64Bits() {
    Credit credit = new Credit();
    for (int i = 0; i < 1_000; i++) {
      credit.add(
          1_000_000,
          0,
          rule(1_000_000_000_000L, 0, 1_000_000),
          List.of(new Part(payee("ann"), 1_000_000)));
    }
    assertThat(credit.close(SEED).lines().getFirst().micros()).isEqualTo(1_000_000_000_000_000L);
  }

  @Test
  void add_refusesMoreThanAWhole() {
    assertThatThrownBy(
            () ->
                new Credit()
                    .add(
                        1,
                        1,
                        rule(1, 1, 1),
                        List.of(new Part(payee("ann"), 600_000), new Part(payee("bob"), 400_001))))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
