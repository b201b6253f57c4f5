package dev.tributary.record;

import dev.tributary.tlog.Hash;
import dev.tributary.tlog.Merkle;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/// How open fields get into leaves: whole where they fit, else in [Kind#CONTINUATION] leaves that
/// come before, each with a chunk, and the main leaf with the root over the chunks.
final class OpenPart {
  /// Most bytes that stand whole in a leaf: one byte says that they do.
  static final int MAX_WHOLE = Leaf.MAX_OPEN - 1;

  /// Bytes of every chunk but the last, which may have fewer: before it stand root, number, count.
  static final int CHUNK = Leaf.MAX_OPEN - Hash.BYTES - 2 - 2;

  /// 128 chunks are 8 MiB, which a receipt can hold.
  static final int MAX_CHUNKS = 128;

  private static final int WHOLE = 0;
  private static final int CONTINUED = 1;

  private OpenPart() {}

  /// The leaves in the order in which they are appended, the main one last.
  static List<Leaf> split(Kind kind, byte[] open, Hash root, SecureRandom random) {
    if (open.length <= MAX_WHOLE) {
      return List.of(leaf(kind, Encoder.encode(out -> out.u8(WHOLE).raw(open)), root, random));
    }
    List<byte[]> chunks = new ArrayList<>();
    for (int at = 0; at < open.length; at += CHUNK) {
      chunks.add(Arrays.copyOfRange(open, at, Math.min(open.length, at + CHUNK)));
    }
    RecordException.require(
        chunks.size() <= MAX_CHUNKS, "open fields of " + open.length + " bytes are too many");
    Hash over = root(chunks);
    List<Leaf> leaves = new ArrayList<>();
    for (int i = 0; i < chunks.size(); i++) {
      Chunk chunk = new Chunk(over, i, chunks.size(), chunks.get(i));
      leaves.add(leaf(Kind.CONTINUATION, chunk.encode(), Merkle.EMPTY, random));
    }
    byte[] main =
        Encoder.encode(out -> out.u8(CONTINUED).u32(open.length).u16(chunks.size()).hash(over));
    leaves.add(leaf(kind, main, root, random));
    return leaves;
  }

  /// What [#split] was given.
  ///
  /// @throws RecordException unless `leaves` are in its form
  static byte[] join(List<Leaf> leaves) {
    RecordException.require(!leaves.isEmpty(), "there is no leaf");
    Leaf main = leaves.getLast();
    RecordException.require(
        main.kind() != Kind.CONTINUATION, "a continuation is not a record of its own");
    List<Leaf> before = leaves.subList(0, leaves.size() - 1);
    return Decoder.decode(main.kind().word(), main.open(), in -> join(in, before));
  }

  /// How many leaves of chunks come before a main leaf.
  static int continuations(Leaf main) {
    return Decoder.decode(
        main.kind().word(),
        main.open(),
        in -> {
          int form = in.u8();
          in.check(form == WHOLE || form == CONTINUED, "form " + form + " is not known");
          if (form == WHOLE) {
            in.rest();
            return 0;
          }
          in.u31();
          int count = in.u16();
          in.rest();
          return count;
        });
  }

  /// The open fields of a record of `kind`.
  static <T> T read(Kind kind, List<Leaf> leaves, Function<Decoder, T> value) {
    byte[] open = join(leaves);
    RecordException.require(
        leaves.getLast().kind() == kind, "a " + leaves.getLast().kind() + " is no " + kind);
    return Decoder.decode(kind.word(), open, value);
  }

  private static byte[] join(Decoder in, List<Leaf> continuations) {
    int form = in.u8();
    in.check(form == WHOLE || form == CONTINUED, "form " + form + " is not known");
    if (form == WHOLE) {
      in.check(continuations.isEmpty(), "is whole, but continuations precede it");
      return in.rest();
    }
    int length = in.u31();
    int count = in.u16();
    Hash root = in.hash();
    in.check(
        length > MAX_WHOLE && count <= MAX_CHUNKS && count == (length + CHUNK - 1) / CHUNK,
        length + " bytes in " + count + " chunks are not its form");
    in.check(
        continuations.size() == count,
        "has " + count + " continuations, but " + continuations.size() + " precede it");
    List<byte[]> chunks = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Chunk chunk = Chunk.decode(continuations.get(i));
      in.check(
          chunk.root.equals(root) && chunk.number == i && chunk.count == count,
          "continuation " + i + " is of something else");
      in.check(
          chunk.bytes.length == Math.min(CHUNK, length - i * CHUNK),
          "continuation " + i + " has " + chunk.bytes.length + " bytes");
      chunks.add(chunk.bytes);
    }
    in.check(root(chunks).equals(root), "continuations are not its own");
    return Encoder.encode(out -> chunks.forEach(out::raw));
  }

  private static Hash root(List<byte[]> chunks) {
    return Merkle.root(chunks.stream().map(Merkle::leaf).toList());
  }

  private static Leaf leaf(Kind kind, byte[] open, Hash root, SecureRandom random) {
    byte[] nonce = new byte[Leaf.NONCE_BYTES];
    random.nextBytes(nonce);
    return new Leaf(kind, nonce, open, root);
  }

  private static final class Chunk {
    final Hash root;
    final int number;
    final int count;
    final byte[] bytes;

    Chunk(Hash root, int number, int count, byte[] bytes) {
      this.root = root;
      this.number = number;
      this.count = count;
      this.bytes = bytes;
    }

    byte[] encode() {
      return Encoder.encode(out -> out.hash(root).u16(number).u16(count).raw(bytes));
    }

    static Chunk decode(Leaf leaf) {
      RecordException.require(
          leaf.kind() == Kind.CONTINUATION, "a " + leaf.kind() + " is no continuation");
      return Decoder.decode(
          "continuation", leaf.open(), in -> new Chunk(in.hash(), in.u16(), in.u16(), in.rest()));
    }
  }
}
