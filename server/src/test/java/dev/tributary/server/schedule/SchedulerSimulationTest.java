package dev.tributary.server.schedule;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tributary.identity.ComputePath;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Drives the scheduler through random arrivals, answers of random length, cancellations,
/// deadlines, failed steps, too few pages and shared prefixes, and checks after every step what
/// must always hold.
class SchedulerSimulationTest {
  private static final int ARRIVALS = 3000;
  private static final int PAGE = 4;

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void plan_underRandomArrivalsComputesEveryTokenInItsPlace(long seed) {
    new Simulation(seed).run();
  }

  /// Once it is the oldest of its tenant's class, a sequence sees at most this many others of the
  /// tenant admitted: eight that pass it over, and one of each other class passed over as often.
  private static final int PATIENCE = 10;

  private static final class Simulation {
    final Random random;
    final Limits limits;
    final Scheduler scheduler;
    final Map<Long, Client> clients = new HashMap<>();

    /// What lies on each page: the history of the token, its paths included.
    final int[][] memory;

    /// What waits, the oldest first, by tenant and class.
    final Map<String, List<Client>> queued = new HashMap<>();

    /// What was admitted and has not ended, the oldest first.
    final List<Client> admitted = new ArrayList<>();

    int step;
    int finished;
    int ended;

    Simulation(long seed) {
      random = new Random(seed);
      int rows = 1 + random.nextInt(12);
      int chunk = PAGE * (1 + random.nextInt(5));
      int busy = chunk + random.nextInt(9);
      limits =
          new Limits(
              rows,
              200,
              2 + random.nextInt(4),
              rows + busy + random.nextInt(40),
              busy,
              chunk,
              64,
              PAGE,
              1 + random.nextInt(20));
      scheduler = new Scheduler(limits);
      memory = new int[limits.pages()][PAGE];
    }

    void run() {
      long next = 0;
      while (next < ARRIVALS || !clients.isEmpty()) {
        step++;
        for (int i = random.nextInt(3); i > 0 && next < ARRIVALS; i--) {
          if (scheduler.stats().waiting() < limits.maxWaiting()) {
            arrive(next++);
          }
        }
        leave();
        Plan plan = scheduler.plan();
        check(plan);
        if (random.nextInt(30) == 0) {
          continue; // The step failed and is planned again.
        }
        plan.slices().forEach(this::compute);
        scheduler.stepDone(plan.slices());
        plan.slices().forEach(this::sample);
      }
      assertThat(finished + ended).isEqualTo(ARRIVALS);
      assertThat(finished).isGreaterThan(ARRIVALS / 2);
      assertThat(scheduler.stats().freePages()).isEqualTo(limits.pages());
      assertThat(scheduler.stats().running() + scheduler.stats().waiting()).isZero();
      assertThat(scheduler.stats().prefixTokens()).isPositive();
    }

    void arrive(long id) {
      int most = random.nextInt(30);
      // One in ten takes much of the cache: the small ones must not starve it.
      int[] prompt = prompt(1 + random.nextInt(random.nextInt(10) == 0 ? 150 : 40));
      String tenant = random.nextInt(4) == 0 ? "a" : "b";
      List<Scope.Adapter> adapters = new ArrayList<>();
      for (int i = random.nextInt(3); i > 0; i--) {
        adapters.add(new Scope.Adapter("adapter " + random.nextInt(5), random.nextInt(2)));
      }
      Requests request =
          Requests.of(1, most)
              .tokens(prompt)
              .tenant(tenant)
              .priority(Priority.values()[random.nextInt(3)])
              .logitsFrom(
                  random.nextInt(5) == 0 ? random.nextInt(prompt.length) : prompt.length - 1);
      if (random.nextInt(10) > 0) {
        request = request.in(new Scope(tenant, "base", adapters));
      }
      if (random.nextInt(3) == 0) {
        request = request.ofRepeatable();
      }
      Client client = new Client(request.sequence(id), most == 0 ? 0 : 1 + random.nextInt(most));
      client.deadline = random.nextInt(10) == 0 ? step + random.nextInt(60) : Integer.MAX_VALUE;
      clients.put(id, client);
      queued.computeIfAbsent(client.queue(), queue -> new ArrayList<>()).add(client);
      scheduler.add(client.sequence);
    }

    /// The oldest of a class is admitted first, and nobody waits for ever.
    void admit(Client client) {
      admitted.add(client);
      assertThat(queue(client.queue()).removeFirst()).isSameAs(client);
      for (Priority priority : Priority.values()) {
        String other = client.sequence.tenant() + priority;
        if (!other.equals(client.queue()) && !queue(other).isEmpty()) {
          assertThat(++queue(other).getFirst().passedOver).isLessThanOrEqualTo(PATIENCE);
        }
      }
    }

    List<Client> queue(String name) {
      return queued.getOrDefault(name, List.of());
    }

    void end(Client client) {
      assertThat(scheduler.remove(client.sequence.id())).isTrue();
      assertThat(client.sequence.pages()).isEmpty();
      clients.remove(client.sequence.id());
      admitted.remove(client);
      queue(client.queue()).remove(client);
    }

    /// One of a few beginnings, then something of its own.
    int[] prompt(int length) {
      Random own = new Random(random.nextInt(6));
      int common = random.nextInt(length + 1);
      int[] tokens = new int[length];
      for (int i = 0; i < length; i++) {
        tokens[i] = i < common ? own.nextInt(50) : random.nextInt(50);
      }
      return tokens;
    }

    /// Deadlines that have come, and callers who lose interest.
    void leave() {
      for (Client client : List.copyOf(clients.values())) {
        if (client.deadline <= step || random.nextInt(2000) == 0) {
          end(client);
          ended++;
        }
      }
    }

    void check(Plan plan) {
      plan.admitted().forEach(sequence -> admit(client(sequence)));
      if (!admitted.isEmpty()) {
        assertThat(plan.slices())
            .as("the oldest goes on")
            .anyMatch(slice -> slice.sequence() == admitted.getFirst().sequence);
      }
      int tokens = plan.slices().stream().mapToInt(Plan.Slice::count).sum();
      assertThat(tokens).isLessThanOrEqualTo(limits.stepTokens());
      assertThat(scheduler.stats().running()).isLessThanOrEqualTo(limits.maxRows());
      assertThat(scheduler.stats().running() == 0).isEqualTo(plan.isEmpty());
      checkSlices(plan);
      checkPages();
      Set<String> adapters = new HashSet<>();
      admitted.forEach(client -> adapters.addAll(client.sequence.adapters()));
      assertThat(adapters).hasSizeLessThanOrEqualTo(limits.maxAdapters());
    }

    void checkSlices(Plan plan) {
      boolean chunks = false;
      int prompts = 0;
      int width = 0;
      Set<ComputePath> chosen = new HashSet<>();
      Set<Long> ids = new HashSet<>();
      for (Plan.Slice slice : plan.slices()) {
        Sequence sequence = slice.sequence();
        assertThat(admitted).contains(client(sequence));
        assertThat(ids.add(slice.id())).isTrue();
        assertThat(slice.position()).isEqualTo(sequence.computed());
        assertThat(slice.end()).isLessThanOrEqualTo(sequence.length());
        assertThat(slice.pages()).hasSize(Math.ceilDiv(slice.end(), PAGE));
        assertThat(sequence.decodes() && chunks).as("decode rows come first").isFalse();
        chunks |= !sequence.decodes();
        prompts += sequence.decodes() ? 0 : slice.count();
        if (sequence.boundPath() != null) {
          assertThat(slice.path()).isEqualTo(sequence.boundPath());
        } else if (sequence.repeatable()) {
          checkRepeatable(slice);
        } else if (slice.position() < sequence.promptTokens()) {
          assertThat(slice.path()).isEqualTo(ComputePath.WIDE);
        } else {
          chosen.add(slice.path());
          width += slice.path() == ComputePath.NARROW ? slice.count() : 0;
        }
        width += slice.path() == ComputePath.WIDE ? slice.count() : 0;
      }
      // Of what is open, all or nothing is wide.
      assertThat(chosen)
          .isSubsetOf(width >= limits.wideFrom() ? ComputePath.WIDE : ComputePath.NARROW);
      if (prompts < tokens(plan)) {
        assertThat(prompts).isLessThanOrEqualTo(limits.busyTokens());
      }
    }

    int tokens(Plan plan) {
      return plan.slices().stream().mapToInt(Plan.Slice::count).sum();
    }

    void checkRepeatable(Plan.Slice slice) {
      boolean prompt = slice.position() < slice.sequence().promptTokens();
      assertThat(slice.path()).isEqualTo(prompt ? ComputePath.WIDE : ComputePath.NARROW);
      if (prompt) {
        assertThat(slice.position() % limits.chunk()).isZero();
        assertThat(slice.count() == limits.chunk() || slice.end() == slice.sequence().length())
            .isTrue();
      }
    }

    /// Every page that is held is held by somebody, and all others can be taken.
    void checkPages() {
      Set<Integer> held = new TreeSet<>();
      for (Client client : clients.values()) {
        for (int page : client.sequence.pages()) {
          held.add(page);
        }
      }
      assertThat(held.size() + scheduler.stats().freePages()).isEqualTo(limits.pages());
    }

    /// Reads what lies before the slice and writes what it adds, which nobody else may hold.
    void compute(Plan.Slice slice) {
      Sequence sequence = slice.sequence();
      for (int at = 0; at < slice.end(); at++) {
        int page = slice.pages()[at / PAGE];
        int history =
            at == 0 ? start(sequence) : memory[slice.pages()[(at - 1) / PAGE]][(at - 1) % PAGE];
        ComputePath path = at < slice.position() ? pathOf(sequence, at) : slice.path();
        int value = (history * 31 + sequence.token(at)) * 31 + path.ordinal() + 1;
        if (at < slice.position()) {
          assertThat(memory[page][at % PAGE])
              .as("token %d of %d", at, sequence.id())
              .isEqualTo(value);
        } else {
          for (Client other : clients.values()) {
            assertThat(other.sequence != sequence && holds(other.sequence, page)).isFalse();
          }
          memory[page][at % PAGE] = value;
        }
      }
    }

    static int start(Sequence sequence) {
      return Objects.hash(sequence.tenant(), sequence.scope());
    }

    static ComputePath pathOf(Sequence sequence, int position) {
      return new PathRuns(sequence.paths()).at(position);
    }

    static boolean holds(Sequence sequence, int page) {
      for (int own : sequence.pages()) {
        if (own == page) {
          return true;
        }
      }
      return false;
    }

    void sample(Plan.Slice slice) {
      Sequence sequence = slice.sequence();
      Client client = client(sequence);
      if (slice.end() < sequence.length()) {
        return;
      }
      if (sequence.length() - sequence.promptTokens() < client.answer) {
        assertThat(slice.logitsFrom()).isLessThan(slice.end());
        sequence.append(random.nextInt(50));
      }
      if (sequence.length() - sequence.promptTokens() == client.answer) {
        end(client);
        finished++;
      }
    }

    Client client(Sequence sequence) {
      return Objects.requireNonNull(clients.get(sequence.id()));
    }
  }

  private static final class Client {
    final Sequence sequence;
    final int answer;
    int deadline;
    int passedOver;

    Client(Sequence sequence, int answer) {
      this.sequence = sequence;
      this.answer = answer;
    }

    String queue() {
      return sequence.tenant() + sequence.priority();
    }
  }
}
