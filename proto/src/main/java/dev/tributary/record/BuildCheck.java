package dev.tributary.record;

import dev.tributary.tlog.Checkpoint;
import dev.tributary.tlog.Hash;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// Whether a receipt's adapter builds are of its generation.
final class BuildCheck {
  private final Receipt receipt;
  private final Checkpoint tree;

  /// Empty if the receipt hides them.
  private final Optional<List<AdapterUse>> adapters;

  /// Empty if the receipt hides it, or if it is not known.
  private final Optional<Hash> base;

  /// @throws RecordException if what is opened of the generation cannot be read
  BuildCheck(Receipt receipt, Checkpoint tree) {
    this.receipt = receipt;
    this.tree = tree;
    Proven generation = receipt.generation();
    adapters = generation.opened("generation.adapters").map(GenerationRecord::adapters);
    base = generation.opened("generation.base").flatMap(GenerationRecord::base);
  }

  /// What was found.
  ///
  /// @throws RecordException for a build that is not in the log before the generation, or is of
  ///   another adapter or base
  String sentence() {
    Set<Hash> built = new HashSet<>();
    for (Proven build : receipt.builds()) {
      String which = "leaf " + build.index();
      RecordException.require(ReceiptVerifier.isIn(tree, build), which + " is not in the log");
      RecordException.require(
          build.index() < receipt.generation().index(), which + " came after the generation");
      build.check(AdapterBuildRecord::of);
      AdapterBuildRecord.Open open = AdapterBuildRecord.Open.of(build.leaves());
      RecordException.require(
          adapters.isEmpty()
              || adapters.get().stream().anyMatch(use -> use.digest().equals(open.adapter())),
          which + " is of an adapter that the generation did not use");
      RecordException.require(
          base.isEmpty() || base.get().equals(open.base()), which + " is for another base");
      built.add(open.adapter());
    }
    String builds = ReceiptVerifier.count(built.size(), "adapter has", "adapters have");
    return adapters
        .map(uses -> "Of " + uses.stream().map(AdapterUse::digest).distinct().count() + " used, ")
        .orElse("Which were used is hidden; ")
        .concat(builds)
        .concat(" a build that was in the log before the generation.");
  }
}
