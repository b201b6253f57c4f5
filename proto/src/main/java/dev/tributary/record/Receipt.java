package dev.tributary.record;

import dev.tributary.tlog.Checkpoint;
import dev.tributary.tlog.Note;
import dev.tributary.tlog.TlogException;
import dev.tributary.tlog.TlogProof;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// One generation's records with proofs against one checkpoint: a file that is verified without a
/// network. Nothing in it is to be believed before [ReceiptVerifier] has looked at it.
///
/// @param attribution empty if there was none yet
/// @param builds of the adapters that the generation used
/// @param rotations of the log's key, in the log's order
/// @param checkpoint a note whose text is a [Checkpoint]'s
public record Receipt(
    Proven generation,
    Optional<Proven> attribution,
    List<Proven> builds,
    List<Proven> rotations,
    Note checkpoint) {
  /// Most bytes of a file.
  public static final int MAX_BYTES = 16 << 20;

  /// Most builds, and most rotations.
  public static final int MAX_EACH = 1000;

  public Receipt {
    builds = List.copyOf(builds);
    rotations = List.copyOf(rotations);
    check(generation, Kind.GENERATION);
    attribution.ifPresent(proven -> check(proven, Kind.ATTRIBUTION));
    builds.forEach(proven -> check(proven, Kind.ADAPTER_BUILD));
    rotations.forEach(proven -> check(proven, Kind.KEY_ROTATION));
    RecordException.require(
        builds.size() <= MAX_EACH && rotations.size() <= MAX_EACH,
        "a receipt has at most " + MAX_EACH + " adapter builds and key rotations");
    tree(checkpoint);
  }

  private static void check(Proven proven, Kind kind) {
    RecordException.require(
        proven.kind() == kind, "a " + proven.kind() + " stands where a " + kind + " must");
  }

  private static Checkpoint tree(Note note) {
    try {
      return Checkpoint.parse(note.text());
    } catch (TlogException e) {
      throw new RecordException("the checkpoint: " + e.getMessage(), e);
    }
  }

  /// What the checkpoint says.
  public Checkpoint tree() {
    return tree(checkpoint);
  }

  /// In the order of the file.
  public Stream<Proven> records() {
    return Stream.of(
            Stream.of(generation), attribution.stream(), builds.stream(), rotations.stream())
        .flatMap(each -> each);
  }

  /// A leaf's proof by itself, as others' tools read it.
  ///
  /// @throws TlogException if the leaf's index is not below the checkpoint's size
  public TlogProof proofOf(Proven.Placed placed) {
    return new TlogProof(placed.place().index(), placed.place().proof(), checkpoint);
  }

  /// @throws RecordException if it is anything but what [#bytes] gives
  public static Receipt parse(byte[] file) {
    return new ReceiptParser(file).parse();
  }

  /// The file.
  ///
  /// @throws RecordException if it would have more than [#MAX_BYTES]
  public byte[] bytes() {
    return ReceiptFormat.bytes(this);
  }
}
