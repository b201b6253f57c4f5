package dev.tributary.server.schedule;

import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Sequences that wait, and who is next: of the tenant that was served least, the oldest of the
/// highest class.
final class FairQueue {
  /// A class or tenant that was passed over this often is next, whatever stands before it.
  static final int MAX_PASSES = 8;

  private final VirtualTokens served = new VirtualTokens();

  /// Those of which something waits.
  private final Map<String, Tenant> tenants = new HashMap<>();

  private int size;

  int size() {
    return size;
  }

  void add(Sequence sequence) {
    String name = sequence.tenant();
    if (!tenants.containsKey(name)) {
      served.lift(name, tenants.keySet());
      tenants.put(name, new Tenant(name));
    }
    tenant(sequence).queue(sequence).add(sequence);
    size++;
  }

  /// Who is to be admitted next, or null if nobody may be now.
  ///
  /// A tenant whose next sequence may not run is passed over, but not for ever: then nobody is next
  /// until it may.
  ///
  /// @param mayRun whether a sequence's adapters have room among those in use
  @Nullable Sequence next(Predicate<Sequence> mayRun) {
    List<Tenant> leastFirst =
        tenants.values().stream()
            .sorted(
                Comparator.comparingLong((Tenant tenant) -> served.of(tenant.name))
                    .thenComparing(tenant -> tenant.name))
            .toList();
    for (Tenant tenant : leastFirst) {
      Sequence next = tenant.next();
      if (mayRun.test(next)) {
        return next;
      }
      if (tenant.passes >= MAX_PASSES) {
        return null;
      }
    }
    return null;
  }

  /// The sequence that [#next] gave is admitted.
  void admit(Sequence sequence) {
    Tenant own = tenant(sequence);
    for (Tenant other : tenants.values()) {
      other.passes += served.of(other.name) < served.of(own.name) ? 1 : 0;
    }
    own.passes = 0;
    own.countPasses(sequence.priority());
    remove(sequence);
  }

  /// Takes a sequence out. False if it does not wait here.
  boolean remove(Sequence sequence) {
    Tenant tenant = tenants.get(sequence.tenant());
    if (tenant == null || !tenant.queue(sequence).remove(sequence)) {
      return false;
    }
    size--;
    if (tenant.isEmpty()) {
      tenants.remove(tenant.name);
      served.left(tenant.name);
    }
    return true;
  }

  /// The tenant was served so many virtual tokens.
  void charge(String tenant, int weight, long tokens) {
    served.charge(tenant, weight, tokens);
  }

  private Tenant tenant(Sequence sequence) {
    Tenant tenant = tenants.get(sequence.tenant());
    if (tenant == null) {
      throw new IllegalStateException("nothing of " + sequence.tenant() + " waits");
    }
    return tenant;
  }

  /// What one tenant has waiting.
  private static final class Tenant {
    final String name;

    /// One for each class, the highest first.
    final List<PriorityClass> classes =
        Stream.generate(PriorityClass::new).limit(Priority.values().length).toList();

    /// Sequences of tenants that were served more, admitted while this one's next could not be.
    int passes;

    Tenant(String name) {
      this.name = name;
    }

    ArrayDeque<Sequence> queue(Sequence sequence) {
      return classes.get(sequence.priority().ordinal()).sequences;
    }

    boolean isEmpty() {
      return classes.stream().allMatch(one -> one.sequences.isEmpty());
    }

    /// The oldest of the highest class, or of one that was passed over too often.
    Sequence next() {
      Sequence first = null;
      for (PriorityClass one : classes) {
        Sequence head = one.sequences.peek();
        if (head != null && one.passes >= MAX_PASSES) {
          return head;
        }
        first = first == null ? head : first;
      }
      if (first == null) {
        throw new IllegalStateException("nothing of " + name + " waits");
      }
      return first;
    }

    void countPasses(Priority admitted) {
      classes.get(admitted.ordinal()).passes = 0;
      for (PriorityClass lower : classes.subList(admitted.ordinal() + 1, classes.size())) {
        lower.passes += lower.sequences.isEmpty() ? 0 : 1;
      }
    }
  }

  /// The sequences of a class that wait, the oldest first.
  private static final class PriorityClass {
    final ArrayDeque<Sequence> sequences = new ArrayDeque<>();

    /// Sequences of higher classes admitted while one waited here.
    int passes;
  }
}
