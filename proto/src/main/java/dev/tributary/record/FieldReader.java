package dev.tributary.record;

import java.util.Iterator;
import java.util.function.Function;

/// Reads a record's salted fields one after the other.
final class FieldReader {
  private final Sealed sealed;
  private final Iterator<SaltedField> fields;

  /// @throws RecordException if it is of another kind
  FieldReader(Sealed sealed, Kind kind) {
    RecordException.require(
        sealed.leaf().kind() == kind, "a " + sealed.leaf().kind() + " is no " + kind);
    this.sealed = sealed;
    fields = sealed.fields().iterator();
  }

  /// The open fields.
  <T> T open(Function<Decoder, T> value) {
    return OpenPart.read(sealed.leaf().kind(), sealed.leaves(), value);
  }

  /// Checks the only open field of some kinds.
  ///
  /// @throws RecordException unless it is the hour of the time that a salted field has
  void hour(long micros) {
    Record.checkHour(open(Decoder::u32), micros);
  }

  <T> T next(Function<Decoder, T> value) {
    SaltedField field = fields.next();
    return Decoder.decode(field.tag(), field.data(), value);
  }

  String text() {
    return next(Decoder::restAsText);
  }
}
