package dev.tributary.server.schedule;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What tenants get of a scheduler that all of them keep busy.
class FairnessTest {
  private static final int PAGES = 64;
  private static final int PAGE = 4;
  private static final int MOST_PROMPT = 60;
  private static final int STEPS = 6000;

  /// Theorem 4.4 of the paper: over any interval in which two tenants always have something
  /// waiting, their service differs by at most `2 max(w_p L_input, w_q M)`. There M is what the
  /// memory holds, since answers have their places reserved; here, what the sequences in flight may
  /// come to.
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void service_ofTenantsThatAlwaysWaitDiffersByNoMoreThanThePaperSays(long seed) {
    Random random = new Random(seed);
    Scheduler scheduler =
        new Scheduler(new Limits(10, 100, 4, 60, 16, 16, PAGES, PAGE, Integer.MAX_VALUE));
    List<String> tenants = List.of("short", "reads", "writes");
    Map<String, Long> served = new HashMap<>();
    Map<String, Integer> waiting = new HashMap<>();
    Set<Sequence> inFlight = new HashSet<>();
    int mostInFlight = 0;
    long[] least = new long[9];
    long[] most = new long[9];
    long id = 0;
    for (int step = 0; step < STEPS; step++) {
      for (String tenant : tenants) {
        while (waiting.merge(tenant, 0, Integer::sum) < 30) {
          scheduler.add(request(tenant, random).sequence(id++));
          waiting.merge(tenant, 1, Integer::sum);
        }
      }
      Plan plan = scheduler.plan();
      for (Sequence sequence : plan.admitted()) {
        waiting.merge(sequence.tenant(), -1, Integer::sum);
        inFlight.add(sequence);
        served.merge(
            sequence.tenant(), (long) VirtualTokens.INPUT * sequence.promptTokens(), Long::sum);
      }
      mostInFlight = Math.max(mostInFlight, inFlight.stream().mapToInt(Sequence::maxLength).sum());
      scheduler.stepDone(plan.slices());
      for (Plan.Slice slice : plan.slices()) {
        Sequence sequence = slice.sequence();
        if (slice.end() == sequence.length()) {
          served.merge(sequence.tenant(), (long) VirtualTokens.OUTPUT, Long::sum);
          sequence.append(1);
          if (sequence.length() == sequence.maxLength()) {
            scheduler.remove(sequence.id());
            inFlight.remove(sequence);
          }
        }
      }
      for (int pair = 0; pair < 9; pair++) {
        long difference =
            served.getOrDefault(tenants.get(pair / 3), 0L)
                - served.getOrDefault(tenants.get(pair % 3), 0L);
        least[pair] = Math.min(least[pair], difference);
        most[pair] = Math.max(most[pair], difference);
      }
    }
    long bound =
        2L * Math.max(VirtualTokens.INPUT * MOST_PROMPT, VirtualTokens.OUTPUT * mostInFlight);
    for (int pair = 0; pair < 9; pair++) {
      assertThat(most[pair] - least[pair]).isLessThanOrEqualTo(bound);
    }
    assertThat(served.values()).allMatch(tokens -> tokens > 8 * bound);
    assertThat(scheduler.stats().preemptions()).isPositive();
  }

  @Test
  void service_ofTenantsThatAlwaysWaitIsByTheirWeights() {
    Scheduler scheduler =
        new Scheduler(new Limits(4, 100, 4, 60, 16, 16, PAGES, PAGE, Integer.MAX_VALUE));
    Map<String, Integer> weights = Map.of("light", 50, "usual", 100, "heavy", 300);
    Map<String, Integer> waiting = new HashMap<>();
    Map<String, Integer> tokens = new HashMap<>();
    long id = 0;
    for (int step = 0; step < STEPS; step++) {
      for (Map.Entry<String, Integer> each : weights.entrySet()) {
        String tenant = each.getKey();
        while (waiting.merge(tenant, 0, Integer::sum) < 10) {
          scheduler.add(Requests.of(4, 8).tenant(tenant).weight(each.getValue()).sequence(id++));
          waiting.merge(tenant, 1, Integer::sum);
        }
      }
      Plan plan = scheduler.plan();
      plan.admitted().forEach(sequence -> waiting.merge(sequence.tenant(), -1, Integer::sum));
      scheduler.stepDone(plan.slices());
      for (Plan.Slice slice : plan.slices()) {
        Sequence sequence = slice.sequence();
        if (slice.end() == sequence.length()) {
          tokens.merge(sequence.tenant(), 1, Integer::sum);
          sequence.append(1);
          if (sequence.length() == sequence.maxLength()) {
            scheduler.remove(sequence.id());
          }
        }
      }
    }

    double usual = tokens.getOrDefault("usual", 0);
    assertThat(tokens.getOrDefault("light", 0) / usual).isBetween(0.48, 0.52);
    assertThat(tokens.getOrDefault("heavy", 0) / usual).isBetween(2.9, 3.1);
  }

  private static Requests request(String tenant, Random random) {
    Requests request =
        switch (tenant) {
          case "short" -> Requests.of(1 + random.nextInt(5), 1 + random.nextInt(5));
          case "reads" -> Requests.of(1 + random.nextInt(MOST_PROMPT), 1 + random.nextInt(3));
          default -> Requests.of(1 + random.nextInt(5), 1 + random.nextInt(100));
        };
    return request.tenant(tenant);
  }

  @Test
  void aSwarmOfAdapters_keepsNeitherAWarmTenantNorItselfWaiting() {
    Scheduler scheduler =
        new Scheduler(new Limits(8, 1000, 3, 60, 16, 16, PAGES, PAGE, Integer.MAX_VALUE));
    for (int i = 0; i < 300; i++) {
      scheduler.add(Requests.of(8, 8).tenant("swarm").adapter("cold " + i).sequence(1000 + i));
    }
    List<Integer> waits = new ArrayList<>();
    int swarmDone = 0;
    int askedAt = 0;
    scheduler.add(Requests.of(8, 8).tenant("warm").adapter("warm").sequence(0));
    long warm = 0;
    for (int step = 0; waits.size() < 50; step++) {
      assertThat(step).isLessThan(5000);
      Plan plan = scheduler.plan();
      for (Sequence sequence : plan.admitted()) {
        if (sequence.tenant().equals("warm")) {
          waits.add(step - askedAt);
        }
      }
      assertThat(
              plan.slices().stream()
                  .flatMap(slice -> slice.sequence().adapters().stream())
                  .distinct()
                  .count())
          .isLessThanOrEqualTo(3);
      scheduler.stepDone(plan.slices());
      for (Plan.Slice slice : plan.slices()) {
        Sequence sequence = slice.sequence();
        if (slice.end() == sequence.length()) {
          sequence.append(1);
        }
        if (sequence.length() == sequence.maxLength()) {
          scheduler.remove(sequence.id());
          if (sequence.tenant().equals("warm")) {
            askedAt = step + 1;
            scheduler.add(Requests.of(8, 8).tenant("warm").adapter("warm").sequence(++warm));
          } else {
            swarmDone++;
          }
        }
      }
    }

    // At worst the three whose adapters are in use must end: eight tokens each.
    assertThat(waits).allMatch(wait -> wait <= 20);
    assertThat(swarmDone).isGreaterThan(50);
  }
}
