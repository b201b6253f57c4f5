package dev.tributary.record;

import dev.tributary.tlog.Checkpoint;
import dev.tributary.tlog.Merkle;
import dev.tributary.tlog.Policy;
import dev.tributary.tlog.TlogException;
import dev.tributary.tlog.Verdict;
import dev.tributary.tlog.VerifierKey;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;

/// Looks at a receipt without a network, for someone who has no reason to believe it. No check
/// relies on another one's having held, and none takes a key from the file.
public final class ReceiptVerifier {
  /// What is said where no witness is asked for.
  public static final String NO_WITNESSES = "operator-signed only: a fork cannot be excluded.";

  private final Receipt receipt;
  private final Checkpoint tree;
  private final Trust trust;
  private final List<Check> checks = new ArrayList<>();

  private ReceiptVerifier(Receipt receipt, Trust trust) {
    this.receipt = receipt;
    this.tree = receipt.tree();
    this.trust = trust;
  }

  /// Every check that there is something to make of; only [Check.Name#FORM] if that fails. The
  /// receipt is to be believed if all are ok.
  public static List<Check> verify(byte[] file, Trust trust) {
    Receipt receipt;
    try {
      receipt = Receipt.parse(file);
    } catch (RecordException e) {
      return List.of(
          new Check(Check.Name.FORM, false, "This is no receipt: " + e.getMessage() + "."));
    }
    ReceiptVerifier verifier = new ReceiptVerifier(receipt, trust);
    verifier.add(
        Check.Name.FORM,
        true,
        "The file is a receipt in its only form, of " + file.length + " bytes.");
    verifier.checkpoint();
    verifier.generation();
    receipt.attribution().ifPresent(verifier::attribution);
    verifier.builds();
    verifier.rotations();
    return List.copyOf(verifier.checks);
  }

  private void checkpoint() {
    Policy policy = key();
    Verdict verdict = policy.check(receipt.checkpoint());
    signature(verdict);
    String cosigned = count(verdict.cosigned().size(), "witness", "witnesses") + " cosigned it";
    if (!policy.asksForWitnesses()) {
      add(Check.Name.WITNESSES, true, NO_WITNESSES);
    } else if (verdict.quorum()) {
      add(Check.Name.WITNESSES, true, cosigned + ", which is the policy's quorum.");
    } else {
      add(Check.Name.WITNESSES, false, cosigned + ", which is not the policy's quorum.");
    }
  }

  /// Adds the check and says what the checkpoint is to be held against.
  private Policy key() {
    Policy policy = trust.policy();
    String source = trust instanceof Trust.Pinned ? "the pinned key" : "the policy";
    if (policy.logs().stream().noneMatch(log -> log.key().name().equals(tree.origin()))) {
      add(Check.Name.KEY, false, "The log " + tree.origin() + " is not that of " + source + ".");
      return policy;
    }
    try {
      List<VerifierKey> chain = KeyChain.follow(receipt.rotations(), tree);
      if (chain.isEmpty()) {
        add(Check.Name.KEY, true, "The log " + tree.origin() + " is that of " + source + ".");
        return policy;
      }
      Policy now = KeyChain.replace(policy, chain);
      String rotations = count(receipt.rotations().size(), "rotation", "rotations");
      add(Check.Name.KEY, true, "From " + source + " " + rotations + " lead to the log's new one.");
      return now;
    } catch (RecordException | TlogException e) {
      add(Check.Name.KEY, false, "The log's key cannot be followed: " + e.getMessage() + ".");
      return policy;
    }
  }

  private void signature(Verdict verdict) {
    if (!verdict.problems().isEmpty()) {
      String problem = verdict.problems().getFirst().sentence();
      add(Check.Name.SIGNATURE, false, "In the checkpoint " + problem + ".");
    } else if (verdict.log().isEmpty()) {
      add(Check.Name.SIGNATURE, false, "No key of the log signed the checkpoint.");
    } else {
      String leaves = count(tree.size(), "leaf", "leaves");
      add(Check.Name.SIGNATURE, true, "The log signed the checkpoint of " + leaves + ".");
    }
  }

  private void generation() {
    inLog(Check.Name.GENERATION_IN_LOG, receipt.generation());
    fields(
        Check.Name.GENERATION_FIELDS,
        receipt.generation(),
        whole -> {
          long began = GenerationRecord.of(whole).startedLeaf();
          RecordException.require(
              began < receipt.generation().index(), "it began in leaf " + began + " after its end");
        });
  }

  private void attribution(Proven attribution) {
    inLog(Check.Name.ATTRIBUTION_IN_LOG, attribution);
    fields(Check.Name.ATTRIBUTION_FIELDS, attribution, AttributionRecord::of);
    try {
      AttributionRecord.Open open = AttributionRecord.Open.of(attribution.leaves());
      add(
          Check.Name.ATTRIBUTION_OF_THIS_GENERATION,
          open.generationLeaf() == receipt.generation().index(),
          "The attribution is of the generation in leaf " + open.generationLeaf() + ".");
      add(
          Check.Name.SHARES,
          open.shares().sum() == Shares.WHOLE,
          "The shares sum to " + open.shares().sum() + " millionths.");
    } catch (RecordException e) {
      String sentence = "The attribution's leaf cannot be read: " + e.getMessage() + ".";
      add(Check.Name.ATTRIBUTION_OF_THIS_GENERATION, false, sentence);
      add(Check.Name.SHARES, false, sentence);
    }
  }

  private void builds() {
    try {
      String sentence = new BuildCheck(receipt, tree).sentence();
      add(Check.Name.BUILDS, true, sentence);
    } catch (RecordException e) {
      add(Check.Name.BUILDS, false, "An adapter build fails: " + e.getMessage() + ".");
    }
  }

  private void rotations() {
    List<Proven> rotations = receipt.rotations();
    Optional<Proven> outside = rotations.stream().filter(each -> !isIn(tree, each)).findFirst();
    if (outside.isPresent()) {
      String leaf = "leaf " + outside.get().index();
      add(Check.Name.ROTATIONS_IN_LOG, false, "A key rotation is not in the log as " + leaf + ".");
    } else if (!rotations.isEmpty()) {
      add(Check.Name.ROTATIONS_IN_LOG, true, "The key rotations are in the log.");
    }
  }

  private void inLog(Check.Name name, Proven proven) {
    boolean in = isIn(tree, proven);
    String where = (in ? " is" : " is not") + " in the log as leaf " + proven.index() + ".";
    add(name, in, "The " + proven.kind().word() + where);
  }

  /// Whether all its leaves are.
  static boolean isIn(Checkpoint tree, Proven proven) {
    return proven.placed().stream()
        .allMatch(
            each ->
                Merkle.included(
                    each.leaf().hash(),
                    each.place().index(),
                    tree.size(),
                    each.place().proof(),
                    tree.root()));
  }

  private void fields(Check.Name name, Proven proven, Consumer<Sealed> whole) {
    try {
      proven.check(whole);
      int hidden = proven.hidden();
      String sentence =
          "What is said of the " + proven.kind().word() + " is what its leaf commits to";
      add(name, true, sentence + (hidden == 0 ? "." : "; " + hidden + " fields are hidden."));
    } catch (RecordException e) {
      String kind = proven.kind().word();
      add(name, false, "What is said of the " + kind + " cannot be: " + e.getMessage() + ".");
    }
  }

  static String count(long count, String one, String more) {
    return String.format(Locale.ROOT, "%,d %s", count, count == 1 ? one : more);
  }

  private void add(Check.Name name, boolean ok, String sentence) {
    checks.add(new Check(name, ok, sentence));
  }
}
