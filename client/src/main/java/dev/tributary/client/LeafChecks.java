package dev.tributary.client;

import dev.tributary.record.AdapterBuildRecord;
import dev.tributary.record.AttributionRecord;
import dev.tributary.record.AuditRecord;
import dev.tributary.record.CorrectionRecord;
import dev.tributary.record.ErasureRecord;
import dev.tributary.record.KeyRotationRecord;
import dev.tributary.record.Kind;
import dev.tributary.record.Leaf;
import dev.tributary.record.PriceRuleRecord;
import dev.tributary.record.RecordException;
import dev.tributary.record.Sealed;
import dev.tributary.record.SettlementRecord;
import dev.tributary.record.Shares;
import dev.tributary.record.WithdrawalRecord;
import dev.tributary.tlog.VerifierKey;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/// What each leaf says, held against those before it. Only what is open to all is looked at.
final class LeafChecks {
  /// Findings that are told one by one; there may be as many as leaves.
  private static final int MAX_FINDINGS = 1_000;

  /// Chunks of one record's open fields, and a few more, so that the record itself says what is
  /// wrong.
  private static final int MAX_CONTINUATIONS = 256;

  private static final long MILLION = 1_000_000;

  private final AuditMemory memory;
  private final Map<Kind, Long> kinds = new EnumMap<>(Kind.class);
  private final List<Finding> findings = new ArrayList<>();
  private final List<Leaf> continuations = new ArrayList<>();
  private long unsaid;

  /// @param memory with a believed key
  LeafChecks(AuditMemory memory) {
    this.memory = memory;
  }

  /// How many leaves of each kind there were.
  Map<Kind, Long> kinds() {
    return kinds;
  }

  /// In the order of the leaves.
  List<Finding> findings() {
    List<Finding> all = new ArrayList<>(findings);
    if (unsaid > 0) {
      all.add(Finding.of("there are " + unsaid + " findings more"));
    }
    return all;
  }

  /// Takes the next leaf.
  void leaf(long index, byte[] entry) {
    try {
      Leaf leaf = Leaf.decode(entry);
      kinds.merge(leaf.kind(), 1L, Long::sum);
      continuations.add(leaf);
      if (leaf.kind() == Kind.CONTINUATION && continuations.size() <= MAX_CONTINUATIONS) {
        return;
      }
      List<Leaf> leaves = List.copyOf(continuations);
      continuations.clear();
      record(index, leaves);
    } catch (RecordException e) {
      continuations.clear();
      find(index, "is no record: " + e.getMessage());
    }
  }

  private void record(long index, List<Leaf> leaves) {
    switch (leaves.getLast().kind()) {
      case GENERATION -> {
        single(leaves);
        memory.generations.set((int) index);
      }
      case ATTRIBUTION -> attribution(index, AttributionRecord.Open.of(leaves));
      case CORRECTION -> correction(index, CorrectionRecord.Open.of(leaves));
      case SETTLEMENT -> settlement(index, SettlementRecord.Open.of(leaves));
      case PRICE_RULE -> price(index, PriceRuleRecord.Open.of(leaves));
      case KEY_ROTATION -> rotation(index, leaves);
      case ERASURE -> before(index, "erases", ErasureRecord.Open.of(leaves).erasedLeaf());
      case WITHDRAWAL ->
          before(index, "withdraws", WithdrawalRecord.Open.of(leaves).contributionLeaf());
      case AUDIT -> audit(index, AuditRecord.Open.of(leaves));
      case CONTINUATION -> find(index, "continues a record that never comes");
      case ADAPTER_BUILD -> AdapterBuildRecord.Open.of(leaves);
      case CONTRIBUTION, STARTED -> single(leaves);
    }
  }

  /// These have too little that is open to be continued.
  private static void single(List<Leaf> leaves) {
    if (leaves.size() > 1) {
      throw new RecordException("continuations precede it that are not its own");
    }
  }

  private void attribution(long index, AttributionRecord.Open open) {
    hour(open.hour());
    memory.attributions.set((int) index);
    if (!isGeneration(index, open.generationLeaf())) {
      return;
    }
    int generation = (int) open.generationLeaf();
    if (memory.attributed.get(generation)) {
      find(index, "is a second attribution of generation " + generation + "; the first counts");
      return;
    }
    memory.attributed.set(generation);
    memory.shared.set(generation, !open.shares().shares().isEmpty());
    whole(index, open.shares());
  }

  private void correction(long index, CorrectionRecord.Open open) {
    hour(open.hour());
    boolean known = open.attributionLeaf() < index;
    if (!known || !memory.attributions.get((int) open.attributionLeaf())) {
      find(index, "corrects leaf " + open.attributionLeaf() + ", which is no attribution");
    }
    memory.attributions.set((int) index);
    if (!isGeneration(index, open.generationLeaf())) {
      return;
    }
    int generation = (int) open.generationLeaf();
    if (memory.settled.values().stream().anyMatch(s -> generation <= s.lastLeaf())) {
      find(index, "corrects generation " + generation + " after its period was settled");
    }
    memory.shared.set(generation, !open.shares().shares().isEmpty());
    whole(index, open.shares());
  }

  private boolean isGeneration(long index, long generation) {
    if (generation < index && memory.generations.get((int) generation)) {
      return true;
    }
    find(index, "is about leaf " + generation + ", which is no generation before it");
    return false;
  }

  private void whole(long index, Shares shares) {
    if (shares.sum() != Shares.WHOLE) {
      find(index, "has shares that sum to " + shares.sum() + ", not to " + Shares.WHOLE);
    }
  }

  /// What is open of a settlement bounds what it can be: fees themselves depend on token counts,
  /// which receipts and statements open.
  private void settlement(long index, SettlementRecord.Open open) {
    hour(open.hour());
    if (open.firstLeaf() > open.lastLeaf() || open.lastLeaf() >= index) {
      find(index, "settles leaves %d to %d".formatted(open.firstLeaf(), open.lastLeaf()));
      return;
    }
    AuditMemory.Settled before = memory.settled.get(open.currency());
    if (before != null && open.fromHour() < before.toHour()) {
      find(index, "settles hours again that a settlement before it did");
    } else if (before != null && open.fromHour() > before.toHour()) {
      find(index, "leaves hours out since the settlement before it");
    }
    if (open.currency().chars().noneMatch(Character::isISOControl)) {
      memory.settled.put(open.currency(), new AuditMemory.Settled(open.lastLeaf(), open.toHour()));
    }
    long part = Math.max(0, memory.partPpm);
    if (open.fees() > 0 && memory.partPpm < 0) {
      find(index, "has fees, and no price precedes it");
    }
    if (isMore(open, part)) {
      find(
          index,
          "credits %d and leaves %d unattributed, more than the contributors' part of %d"
              .formatted(open.credited(), open.unattributed(), open.fees()));
    }
    if (open.credited() > 0 && noneShared(open.firstLeaf(), open.lastLeaf())) {
      find(index, "credits %d where no answer has shares".formatted(open.credited()));
    }
  }

  /// Whether more is given than the part of the fees, rounded up; both can be beyond a long.
  private static boolean isMore(SettlementRecord.Open open, long partPpm) {
    BigInteger given =
        BigInteger.valueOf(open.credited()).add(BigInteger.valueOf(open.unattributed()));
    BigInteger part = BigInteger.valueOf(open.fees()).multiply(BigInteger.valueOf(partPpm));
    return given.subtract(BigInteger.ONE).multiply(BigInteger.valueOf(MILLION)).compareTo(part)
        >= 0;
  }

  private boolean noneShared(long first, long last) {
    int next = memory.shared.nextSetBit((int) first);
    return next < 0 || next > last;
  }

  private void price(long index, PriceRuleRecord.Open open) {
    if (open.hour() < memory.hour) {
      find(index, "is a price for hours that were past");
    }
    memory.partPpm = Math.max(memory.partPpm, open.contributorsPpm());
  }

  private void rotation(long index, List<Leaf> leaves) {
    KeyRotationRecord rotation = KeyRotationRecord.of(new Sealed(leaves.getLast(), List.of()));
    VerifierKey key = memory.signers.getLast().key();
    if (!rotation.signed()) {
      find(index, "rotates a key without both keys' signatures");
    } else if (rotation.size() < index || rotation.size() <= memory.signers.getLast().after()) {
      find(index, "rotates a key at a size that is past");
    } else if (rotation.oldKey().equals(key)) {
      memory.signers.add(new AuditMemory.Signer(rotation.newKey(), rotation.size()));
    } else if (!rotation.newKey().equals(key)) {
      find(index, "rotates key " + rotation.oldKey() + ", which is not this log's");
    }
  }

  private void audit(long index, AuditRecord.Open open) {
    hour(open.hour());
    if (isGeneration(index, open.generationLeaf()) && open.result().startsWith("DIFFERENT")) {
      find(
          index,
          "says that a %s of generation %d came out %s"
              .formatted(open.what(), open.generationLeaf(), open.result()));
    }
  }

  private void before(long index, String does, long leaf) {
    if (leaf >= index) {
      find(index, does + " leaf " + leaf + ", which is not before it");
    }
  }

  private void hour(long hour) {
    memory.hour = Math.max(memory.hour, hour);
  }

  private void find(long index, String what) {
    if (findings.size() < MAX_FINDINGS) {
      findings.add(Finding.at(index, "leaf " + index + " " + what));
    } else {
      unsaid++;
    }
  }
}
