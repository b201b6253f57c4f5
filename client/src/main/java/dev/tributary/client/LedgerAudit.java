package dev.tributary.client;

import dev.tributary.record.Kind;
import dev.tributary.tlog.Hash;
import dev.tributary.tlog.Merkle;
import dev.tributary.tlog.Policy;
import dev.tributary.tlog.VerifierKey;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Reads a log on from where it was read to before, and finds what must not be.
///
/// The tree is computed again from every entry, so what is found holds for the log under the
/// checkpoint that everyone sees. Where the log's key was rotated, the rotation that the key before
/// has signed is among the entries, and the audit goes on with the new key.
public final class LedgerAudit {
  /// An attribution follows its generation within a second; before an audit complains, it waits
  /// this long, a few times.
  private static final Duration PATIENCE = Duration.ofSeconds(2);

  private static final int TRIES = 3;

  /// Generations without an attribution that are told one by one.
  private static final int MAX_MISSING = 1_000;

  /// Hears how an audit goes on.
  public interface Listener {
    /// @param from entries that were read by audits before
    /// @param head what is read up to
    default void reading(long from, Head head) {}

    /// @param entries read so far, those of audits before included
    default void read(long entries) {}

    /// Generations have no attribution yet.
    default void waiting(int generations) {}
  }

  /// What came of an audit.
  ///
  /// @param from the checkpoint that the audit before reached
  /// @param to the one that this reached
  /// @param kinds how many leaves of each kind were read
  /// @param generations of the whole log
  /// @param signer the key that signs the log at `to`
  /// @param findings what must not be; hopefully none
  public record Report(
      Optional<Head> from,
      Head to,
      Map<Kind, Long> kinds,
      long generations,
      VerifierKey signer,
      List<Finding> findings) {
    public Report {
      kinds = Map.copyOf(kinds);
      findings = List.copyOf(findings);
    }
  }

  private final Ledger ledger;
  private final Path folder;
  private final Listener listener;

  /// @param folder where audits remember what they have read, a file for each log
  public LedgerAudit(Ledger ledger, Path folder, Listener listener) {
    this.ledger = ledger;
    this.folder = folder;
    this.listener = listener;
  }

  /// Reads up to the newest checkpoint, and remembers that it did.
  ///
  /// @param policy whom to believe; a rotation's new key is put in the place of the old one
  /// @throws TributaryException if a call failed
  /// @throws UnmetException if a checkpoint is not to be believed, or entries do not lead to it;
  ///   nothing is remembered then
  /// @throws IOException if the memory cannot be read or written
  public Report run(Policy policy) throws IOException, InterruptedException {
    Head head = ledger.newest(policy);
    Path file = AuditMemory.file(folder, head.origin());
    AuditMemory memory = AuditMemory.read(file);
    Optional<Head> from = memory.reached();
    if (memory.signers.isEmpty()) {
      memory.signers.add(new AuditMemory.Signer(key(policy, head), -1));
    }
    LeafChecks checks = new LeafChecks(memory);
    read(memory, from, head, checks, policy);
    Head first = head;
    for (int i = 0; i < TRIES && missing(memory, first).cardinality() > 0; i++) {
      listener.waiting(missing(memory, first).cardinality());
      ledger.sleeper().sleep(PATIENCE);
      Head next = ledger.newest(policy);
      read(memory, Optional.of(head), next, checks, policy);
      head = next;
    }
    memory.write(file, head);
    List<Finding> findings = new ArrayList<>(checks.findings());
    missing(memory, first).stream()
        .limit(MAX_MISSING)
        .forEach(
            leaf -> findings.add(Finding.at(leaf, "generation " + leaf + " has no attribution")));
    return new Report(
        from,
        head,
        checks.kinds(),
        memory.generations.cardinality(),
        memory.keyAt(head.size()),
        findings);
  }

  private void read(
      AuditMemory memory, Optional<Head> from, Head head, LeafChecks checks, Policy policy)
      throws IOException {
    if (head.size() > AuditMemory.MAX_LEAVES) {
      throw new UnmetException("an audit reaches only " + AuditMemory.MAX_LEAVES + " entries");
    }
    if (from.isPresent()) {
      ledger.requireGrown(from.get(), head);
    }
    listener.reading(memory.frontier.size(), head);
    ledger.read(
        memory.frontier.size(),
        head.size(),
        (index, entry) -> {
          Hash hash = Merkle.leaf(entry);
          memory.frontier.add(hash);
          checks.leaf(index, entry);
          listener.read(index + 1);
        });
    if (!memory.frontier.root().equals(head.checkpoint().root())) {
      throw new UnmetException(
          "the entries that the server sent do not lead to its checkpoint of %d entries"
              .formatted(head.size()));
    }
    head.require(now(policy, memory, head));
  }

  /// The key that signs checkpoints of `size` leaves, as far as audits of the log have followed
  /// rotations from a key that was believed; empty if they never did from that.
  ///
  /// @param folder where audits remember what they have read
  public static Optional<VerifierKey> follow(Path folder, VerifierKey from, long size)
      throws IOException {
    AuditMemory memory = AuditMemory.read(AuditMemory.file(folder, from.name()));
    return memory.signers.stream().anyMatch(each -> each.key().equals(from))
        ? Optional.of(memory.keyAt(size))
        : Optional.empty();
  }

  /// The policy's key of that log.
  private static VerifierKey key(Policy policy, Head head) {
    return policy.logs().stream()
        .map(Policy.Log::key)
        .filter(key -> key.name().equals(head.origin()))
        .findFirst()
        .orElseThrow(() -> new UnmetException("no trusted key is of the log " + head.origin()));
  }

  /// The policy with the key that signs the log at that size, to which a key of the policy was
  /// rotated, if it is not that itself.
  private static Policy now(Policy policy, AuditMemory memory, Head head) {
    List<Policy.Log> logs = new ArrayList<>(policy.logs());
    if (memory.signers.stream()
        .noneMatch(each -> logs.stream().anyMatch(log -> log.key().equals(each.key())))) {
      throw new UnmetException(
          "audits of %s before believed the key %s, which is not trusted now"
              .formatted(head.origin(), memory.signers.getLast().key()));
    }
    logs.removeIf(log -> log.key().name().equals(head.origin()));
    logs.add(new Policy.Log(memory.keyAt(head.size()), Optional.empty()));
    return new Policy(logs, policy.witnesses(), policy.groups(), policy.quorum());
  }

  /// Generations below the checkpoint without an attribution.
  private static BitSet missing(AuditMemory memory, Head head) {
    BitSet missing = (BitSet) memory.generations.clone();
    missing.andNot(memory.attributed);
    missing.clear((int) head.size(), Math.max((int) head.size(), missing.length()));
    return missing;
  }
}
