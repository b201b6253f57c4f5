package dev.tributary.record;

import dev.tributary.tlog.Hash;
import dev.tributary.tlog.Merkle;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/// A record in a receipt: its leaves with their proofs, and as many of its salted fields opened as
/// the receipt's reader may see.
///
/// @param placed the leaves in the log's order: continuations, then the main one
/// @param fields all of the kind, in the order of [Kind#tags]
public record Proven(List<Placed> placed, List<Field> fields) {
  /// Where a leaf is in the log.
  ///
  /// @param index of the leaf
  /// @param proof from the leaf's sibling up to the root's child, at most 63
  public record Place(long index, List<Hash> proof) {
    public Place {
      proof = List.copyOf(proof);
      RecordException.require(index >= 0, "an index of " + index);
      RecordException.require(
          proof.size() <= Merkle.MAX_INCLUSION, "a proof of " + proof.size() + " hashes");
    }
  }

  /// A leaf and where it is.
  public record Placed(Leaf leaf, Place place) {}

  public Proven {
    placed = List.copyOf(placed);
    fields = List.copyOf(fields);
    RecordException.require(!placed.isEmpty(), "a record has a leaf");
    for (int i = 0; i < placed.size(); i++) {
      boolean last = i == placed.size() - 1;
      RecordException.require(
          last != (placed.get(i).leaf().kind() == Kind.CONTINUATION),
          "a record is one leaf with its continuations before it");
    }
    Kind kind = placed.getLast().leaf().kind();
    List<String> tags = fields.stream().map(Field::tag).toList();
    RecordException.require(
        tags.equals(kind.tags()), kind + " has the fields " + kind.tags() + ", not " + tags);
  }

  /// All fields opened; see [#hiding].
  ///
  /// @param places of the record's leaves, in their order
  public static Proven of(Sealed sealed, List<Place> places) {
    List<Leaf> leaves = sealed.leaves();
    RecordException.require(
        places.size() == leaves.size(), leaves.size() + " leaves at " + places.size() + " places");
    List<Placed> placed = new ArrayList<>();
    for (int i = 0; i < leaves.size(); i++) {
      placed.add(new Placed(leaves.get(i), places.get(i)));
    }
    return new Proven(placed, List.copyOf(sealed.fields()));
  }

  /// The same without what these fields say.
  public Proven hiding(Set<String> tags) {
    return new Proven(
        placed,
        fields.stream()
            .<Field>map(
                field ->
                    tags.contains(field.tag())
                        ? new HiddenField(field.tag(), field.commitment())
                        : field)
            .toList());
  }

  /// The record's own leaf.
  public Leaf leaf() {
    return placed.getLast().leaf();
  }

  public Kind kind() {
    return leaf().kind();
  }

  /// Of [#leaf].
  public long index() {
    return placed.getLast().place().index();
  }

  /// In the log's order.
  public List<Leaf> leaves() {
    return placed.stream().map(Placed::leaf).toList();
  }

  /// Empty if it is hidden.
  public Optional<SaltedField> opened(String tag) {
    return opened().stream().filter(field -> field.tag().equals(tag)).findFirst();
  }

  /// The whole record, empty if a field of it is hidden.
  public Optional<Sealed> sealed() {
    List<SaltedField> opened = opened();
    return opened.size() == fields.size()
        ? Optional.of(new Sealed(leaf(), leaves().subList(0, placed.size() - 1), opened))
        : Optional.empty();
  }

  /// How many fields are.
  int hidden() {
    return fields.size() - opened().size();
  }

  /// @param whole is given the record if nothing of it is hidden
  /// @throws RecordException unless the fields are what the leaf commits to, and `whole` takes them
  void check(Consumer<Sealed> whole) {
    RecordException.require(
        SaltedField.root(fields.stream().map(Field::commitment).toList()).equals(leaf().root()),
        "the fields do not lead to the leaf's root");
    sealed().ifPresent(whole);
  }

  private List<SaltedField> opened() {
    return fields.stream()
        .filter(SaltedField.class::isInstance)
        .map(SaltedField.class::cast)
        .toList();
  }
}
