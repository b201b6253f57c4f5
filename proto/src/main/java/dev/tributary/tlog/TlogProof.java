package dev.tributary.tlog;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/// That a leaf is in the tree of a checkpoint (C2SP tlog-proof). The form's `extra` line is
/// refused: nothing vouches for what it says.
///
/// @param index of the leaf
/// @param hashes from the leaf's sibling up to the root's child
/// @param checkpoint a note whose text is a [Checkpoint]'s
public record TlogProof(long index, List<Hash> hashes, Note checkpoint) {
  private static final String HEADER = "c2sp.org/tlog-proof@v1";
  private static final String INDEX = "index ";

  /// Most bytes: the note's, and a little for what stands before it.
  private static final int MAX_BYTES = Note.MAX_BYTES + 4096;

  /// @throws TlogException if the note is no checkpoint, the index not in its tree, or the hashes
  ///   are more than any proof has
  public TlogProof {
    long size = Checkpoint.parse(checkpoint.text()).size();
    if (index < 0 || index >= size) {
      throw new TlogException("leaf " + index + " is not in a tree of " + size);
    }
    hashes = List.copyOf(hashes);
    if (hashes.size() > Merkle.MAX_INCLUSION) {
      throw new TlogException("a proof of " + hashes.size() + " hashes");
    }
  }

  /// @throws TlogException if it is anything but a proof in canonical form
  public static TlogProof parse(byte[] proof) {
    if (proof.length > MAX_BYTES) {
      throw new TlogException("a proof has at most " + MAX_BYTES + " bytes");
    }
    return parse(Canonical.utf8("the proof", proof));
  }

  /// @throws TlogException if it is anything but a proof in canonical form
  public static TlogProof parse(String proof) {
    int blank = proof.indexOf("\n\n");
    if (blank < 0) {
      throw new TlogException("a proof has an empty line before its checkpoint");
    }
    String[] lines = proof.substring(0, blank).split("\n", Merkle.MAX_INCLUSION + 3);
    if (!lines[0].equals(HEADER)) {
      throw new TlogException(Canonical.quoted(lines[0]) + " must be " + HEADER);
    }
    if (lines.length < 2 || !lines[1].startsWith(INDEX)) {
      throw new TlogException("the second line of a proof gives the index of the leaf");
    }
    if (lines.length > Merkle.MAX_INCLUSION + 2) {
      throw new TlogException("a proof of more than " + Merkle.MAX_INCLUSION + " hashes");
    }
    List<Hash> hashes = new ArrayList<>();
    for (int i = 2; i < lines.length; i++) {
      hashes.add(Canonical.hash("hash " + (i - 2) + " of a proof", lines[i]));
    }
    return new TlogProof(
        Canonical.decimal("the index of a proof", lines[1].substring(INDEX.length())),
        hashes,
        Note.parse(proof.substring(blank + 2)));
  }

  /// Whether a leaf of this hash is where the proof says. Who signed the checkpoint is another
  /// question, which a [Policy] answers.
  public boolean includes(Hash leaf) {
    Checkpoint tree = Checkpoint.parse(checkpoint.text());
    return Merkle.included(leaf, index, tree.size(), hashes, tree.root());
  }

  /// The proof as it is written: what [#parse(String)] takes.
  @Override
  public String toString() {
    StringBuilder out = new StringBuilder(HEADER).append('\n').append(INDEX).append(index);
    out.append('\n');
    hashes.forEach(hash -> out.append(hash.base64()).append('\n'));
    return out.append('\n').append(checkpoint).toString();
  }

  /// [#toString] in UTF-8.
  public byte[] bytes() {
    return toString().getBytes(StandardCharsets.UTF_8);
  }
}
