package dev.tributary.record;

import dev.tributary.tlog.Hash;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A version of an adapter, fixed before it serves.
///
/// @param name of the adapter in its tenant's namespace
/// @param number of the version, from 1
/// @param settings it was trained with
/// @param pseudonymKey what its contributors' [Pseudonym]s are made with, 32 bytes
public record AdapterBuildRecord(
    Open open, String tenant, String name, int number, String settings, byte[] pseudonymKey)
    implements Record {
  public static final int KEY_BYTES = 32;

  /// What is known of how a version came to be. Their order is that of the codes in a record.
  public enum Provenance {
    TRAINED_HERE,

    /// Trained elsewhere, and again here, with the same weights.
    REPRODUCED,

    /// As its uploader says.
    CLAIMED
  }

  /// What all may see.
  ///
  /// @param hour of this record
  /// @param adapter digest of the version
  /// @param base digest of the base that it is for
  /// @param manifest root over the hashes of its contributions' leaves; the empty tree's for none
  /// @param method of attribution, with its version
  /// @param thresholds of the method
  /// @param index digest of what attribution looks contributions up in; null for none
  public record Open(
      long hour,
      Hash adapter,
      Hash base,
      Hash manifest,
      Provenance provenance,
      String method,
      String thresholds,
      @Nullable Hash index) {

    void encode(Encoder out) {
      out.u32(hour)
          .hash(adapter)
          .hash(base)
          .hash(manifest)
          .choice(provenance)
          .text(method)
          .text(thresholds)
          .optional(index);
    }

    static Open decode(Decoder in) {
      return new Open(
          in.u32(),
          in.hash(),
          in.hash(),
          in.hash(),
          in.choice(Provenance.class),
          in.text(),
          in.text(),
          in.optional(Decoder::hash));
    }

    /// @param leaves the main one last, its continuations before it
    public static Open of(List<Leaf> leaves) {
      return OpenPart.read(Kind.ADAPTER_BUILD, leaves, Open::decode);
    }
  }

  public AdapterBuildRecord {
    RecordException.require(number >= 1, "version " + number + " of an adapter");
    RecordException.require(
        pseudonymKey.length == KEY_BYTES,
        "a key of pseudonyms has 32 bytes, not " + pseudonymKey.length);
    pseudonymKey = pseudonymKey.clone();
  }

  @Override
  public byte[] pseudonymKey() {
    return pseudonymKey.clone();
  }

  @Override
  public Kind kind() {
    return Kind.ADAPTER_BUILD;
  }

  @Override
  public Sealed seal(SecureRandom random) {
    return Sealed.draw(
        kind(),
        Encoder.encode(open::encode),
        List.of(
            Encoder.utf8(tenant),
            Encoder.utf8(name),
            Encoder.encode(out -> out.u32(number)),
            Encoder.utf8(settings),
            pseudonymKey),
        random);
  }

  public static AdapterBuildRecord of(Sealed sealed) {
    FieldReader in = new FieldReader(sealed, Kind.ADAPTER_BUILD);
    return new AdapterBuildRecord(
        in.open(Open::decode),
        in.text(),
        in.text(),
        in.next(Decoder::u31),
        in.text(),
        in.next(Decoder::rest));
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof AdapterBuildRecord record
        && open.equals(record.open)
        && tenant.equals(record.tenant)
        && name.equals(record.name)
        && number == record.number
        && settings.equals(record.settings)
        && Arrays.equals(pseudonymKey, record.pseudonymKey);
  }

  @Override
  public int hashCode() {
    return open.hashCode();
  }

  /// Without the private part.
  @Override
  public String toString() {
    return "AdapterBuildRecord[" + open + "]";
  }
}
