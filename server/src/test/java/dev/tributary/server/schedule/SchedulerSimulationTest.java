package dev.tributary.server.schedule;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tributary.server.schedule.Scheduler.Limits;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Drives the scheduler through random arrivals, answers of random length, cancellations and failed
/// steps, and checks after every step what must always hold.
class SchedulerSimulationTest {
  private static final int ARRIVALS = 3000;

  /// Once it is the oldest of its class, a sequence sees at most this many others admitted: eight
  /// that pass it over, and one of each other class that was passed over as often.
  private static final int PATIENCE = 10;

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6})
  void plan_underRandomArrivalsServesAllInOrderWithinBounds(long seed) {
    new Simulation(seed).run();
  }

  private static final class Simulation {
    final Random random;
    final Limits limits;
    final Scheduler scheduler;
    final Map<Long, Client> clients = new HashMap<>();

    /// One for each class, the oldest first.
    final List<List<Long>> queued =
        Stream.generate(() -> (List<Long>) new ArrayList<Long>())
            .limit(Priority.values().length)
            .toList();

    int finished;
    int cancelled;

    Simulation(long seed) {
      random = new Random(seed);
      int rows = 1 + random.nextInt(12);
      int chunk = 1 + random.nextInt(16);
      limits = new Limits(rows, 200, rows + chunk + random.nextInt(20), chunk, 64, 4);
      scheduler = new Scheduler(limits);
    }

    void run() {
      long next = 0;
      while (next < ARRIVALS || !clients.isEmpty()) {
        for (int i = random.nextInt(3); i > 0 && next < ARRIVALS; i--) {
          if (scheduler.waiting() < limits.maxWaiting()) {
            arrive(next++);
          }
        }
        if (random.nextInt(20) == 0 && !clients.isEmpty()) {
          cancel(List.copyOf(clients.keySet()).get(random.nextInt(clients.size())));
        }
        Plan plan = scheduler.plan();
        admit(plan);
        check(plan);
        if (random.nextInt(30) == 0) {
          continue; // The step failed and is planned again.
        }
        scheduler.stepDone(plan.slices());
        plan.slices().forEach(this::advance);
      }
      assertThat(finished + cancelled).isEqualTo(ARRIVALS);
      assertThat(finished).isGreaterThan(ARRIVALS / 2);
      assertThat(scheduler.freePages()).isEqualTo(limits.pages());
      assertThat(scheduler.running() + scheduler.waiting()).isZero();
    }

    Client client(long id) {
      return Objects.requireNonNull(clients.get(id));
    }

    void arrive(long id) {
      Priority priority = Priority.values()[random.nextInt(3)];
      // One in ten takes most of the cache: the small ones must not starve it.
      int prompt = 1 + random.nextInt(random.nextInt(10) == 0 ? 200 : 40);
      int most = random.nextInt(20);
      Client client = new Client(prompt, most == 0 ? 0 : 1 + random.nextInt(most));
      clients.put(id, client);
      queued.get(priority.ordinal()).add(id);
      scheduler.add(id, priority, prompt, most);
    }

    void cancel(long id) {
      assertThat(scheduler.remove(id)).isTrue();
      clients.remove(id);
      queued.forEach(ids -> ids.remove((Long) id));
      cancelled++;
    }

    /// The oldest of a class is admitted first, and nobody waits for ever.
    void admit(Plan plan) {
      for (long id : plan.admitted()) {
        for (List<Long> ids : queued) {
          assertThat(ids.indexOf(id)).as("place in its class").isLessThanOrEqualTo(0);
          if (!ids.remove((Long) id) && !ids.isEmpty()) {
            assertThat(++client(ids.getFirst()).passedOver).isLessThanOrEqualTo(PATIENCE);
          }
        }
        client(id).running = true;
      }
    }

    void check(Plan plan) {
      int tokens = plan.slices().stream().mapToInt(Plan.Slice::count).sum();
      assertThat(tokens).isLessThanOrEqualTo(limits.stepTokens());
      assertThat(scheduler.running()).isLessThanOrEqualTo(limits.maxRows());
      if (scheduler.running() > 0) {
        assertThat(plan.slices()).isNotEmpty();
      }
      Set<Long> ids = new HashSet<>();
      Set<Integer> pages = new HashSet<>();
      boolean prompts = false;
      for (Plan.Slice slice : plan.slices()) {
        Client client = client(slice.id());
        assertThat(client.running).isTrue();
        assertThat(ids.add(slice.id())).isTrue();
        assertThat(slice.decode()).isEqualTo(client.computed >= client.prompt);
        assertThat(slice.decode() && prompts).as("decode rows come first").isFalse();
        prompts |= !slice.decode();
        assertThat(slice.position()).isEqualTo(client.computed);
        int end = slice.position() + slice.count();
        assertThat(end).isLessThanOrEqualTo(slice.pages().length * limits.pageTokens());
        if (!slice.decode()) {
          assertThat(slice.position() % limits.chunk()).isZero();
          assertThat(end == client.prompt || end % limits.chunk() == 0).isTrue();
        }
        for (int page : slice.pages()) {
          assertThat(pages.add(page)).as("page %d has one owner", page).isTrue();
        }
      }
      assertThat(pages.size() + scheduler.freePages()).isLessThanOrEqualTo(limits.pages());
    }

    void advance(Plan.Slice slice) {
      Client client = client(slice.id());
      client.computed += slice.count();
      if (client.computed >= client.prompt
          && client.computed - client.prompt + 1 >= client.answer) {
        assertThat(scheduler.remove(slice.id())).isTrue();
        clients.remove(slice.id());
        finished++;
      }
    }
  }

  private static final class Client {
    final int prompt;
    final int answer;
    int computed;
    int passedOver;
    boolean running;

    Client(int prompt, int answer) {
      this.prompt = prompt;
      this.answer = answer;
    }
  }
}
