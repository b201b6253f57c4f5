package dev.tributary.record;

import java.util.Locale;

/// One thing that was looked at in a receipt.
///
/// @param sentence for people, in plain words; it ends with a full stop
public record Check(Name name, boolean ok, String sentence) {
  /// What was looked at, in the order of [ReceiptVerifier]'s answer.
  public enum Name {
    /// The file is a receipt, in its only form.
    FORM,

    /// The reader's trust leads to the key that the checkpoint must be signed with.
    KEY,

    /// That key signed the checkpoint, and no line is of anyone unknown.
    SIGNATURE,

    /// Enough witnesses cosigned it.
    WITNESSES,

    /// The generation's leaves are in the checkpoint's tree.
    GENERATION_IN_LOG,

    /// What is opened of the generation is what its leaf commits to.
    GENERATION_FIELDS,

    /// The attribution's leaves are in the checkpoint's tree.
    ATTRIBUTION_IN_LOG,

    /// What is opened of the attribution is what its leaf commits to.
    ATTRIBUTION_FIELDS,

    /// It names the generation's leaf.
    ATTRIBUTION_OF_THIS_GENERATION,

    /// Its shares, base and unattributed part are 1,000,000 ppm.
    SHARES,

    /// The builds are in the tree, came first, and are of the adapters that were used.
    BUILDS,

    /// The key rotations are in the tree.
    ROTATIONS_IN_LOG;

    /// In lower case with spaces.
    public String words() {
      return name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }
  }
}
