package dev.tributary.record;

import dev.tributary.tlog.Hash;
import dev.tributary.tlog.Merkle;
import dev.tributary.tlog.Note;
import dev.tributary.tlog.TlogException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/// Reads what [ReceiptFormat] writes. What was read is written again and compared, so that whatever
/// is taken has one form.
final class ReceiptParser {
  private final byte[] file;

  /// Where the line after [#line] begins.
  private int at;

  private int number;
  private String line = "";

  ReceiptParser(byte[] file) {
    this.file = file;
  }

  Receipt parse() {
    RecordException.require(
        file.length <= Receipt.MAX_BYTES, "a receipt has at most 16 MiB, not " + file.length);
    next();
    check(line.equals(ReceiptFormat.HEADER), "is not " + ReceiptFormat.HEADER);
    next();
    Map<Kind, List<Proven>> records = new EnumMap<>(Kind.class);
    while (!line.isEmpty()) {
      Proven proven = record();
      records.computeIfAbsent(proven.kind(), kind -> new ArrayList<>()).add(proven);
    }
    Receipt receipt = receipt(records, checkpoint());
    RecordException.require(
        Arrays.equals(receipt.bytes(), file), "the file is not in the only form of a receipt");
    return receipt;
  }

  private static Receipt receipt(Map<Kind, List<Proven>> records, Note checkpoint) {
    List<Proven> generations = records.getOrDefault(Kind.GENERATION, List.of());
    List<Proven> attributions = records.getOrDefault(Kind.ATTRIBUTION, List.of());
    RecordException.require(generations.size() == 1, "a receipt is of one generation");
    RecordException.require(attributions.size() <= 1, "a receipt has at most one attribution");
    return new Receipt(
        generations.getFirst(),
        attributions.stream().findFirst(),
        records.getOrDefault(Kind.ADAPTER_BUILD, List.of()),
        records.getOrDefault(Kind.KEY_ROTATION, List.of()),
        checkpoint);
  }

  private Proven record() {
    List<Proven.Placed> placed = new ArrayList<>();
    do {
      check(placed.size() <= OpenPart.MAX_CHUNKS, "is of too many continuations");
      placed.add(placed());
    } while (placed.getLast().leaf().kind() == Kind.CONTINUATION);
    List<Field> fields = new ArrayList<>();
    while (line.startsWith(ReceiptFormat.OPENED + " ")
        || line.startsWith(ReceiptFormat.HIDDEN + " ")) {
      check(fields.size() < placed.getLast().leaf().kind().tags().size(), "is a field too many");
      fields.add(field());
    }
    return new Proven(placed, fields);
  }

  private Proven.Placed placed() {
    String kind = line;
    next();
    Leaf leaf = Leaf.decode(base64(words(ReceiptFormat.LEAF, 1)[0]));
    check(leaf.kind().word().equals(kind), "is of another kind than the line before it");
    next();
    long index = index(words(ReceiptFormat.INDEX, 1)[0]);
    next();
    List<Hash> proof = new ArrayList<>();
    while (line.startsWith(ReceiptFormat.HASH + " ")) {
      check(proof.size() < Merkle.MAX_INCLUSION, "is a hash too many");
      proof.add(hash(words(ReceiptFormat.HASH, 1)[0]));
      next();
    }
    return new Proven.Placed(leaf, new Proven.Place(index, proof));
  }

  private Field field() {
    Field field;
    if (line.startsWith(ReceiptFormat.OPENED + " ")) {
      String[] words = words(ReceiptFormat.OPENED, 3);
      field = new SaltedField(words[0], base64(words[1]), base64(words[2]));
    } else {
      String[] words = words(ReceiptFormat.HIDDEN, 2);
      field = new HiddenField(words[0], hash(words[1]));
    }
    next();
    return field;
  }

  /// The rest of the file, after the empty line.
  private Note checkpoint() {
    try {
      return Note.parse(Arrays.copyOfRange(file, at, file.length));
    } catch (TlogException e) {
      throw new RecordException("the checkpoint: " + e.getMessage(), e);
    }
  }

  /// What follows the first word of the line.
  private String[] words(String first, int count) {
    String[] words = line.split(" ", -1);
    check(
        words.length == count + 1 && words[0].equals(first),
        "is not \"" + first + "\" and " + count + " more words");
    return Arrays.copyOfRange(words, 1, words.length);
  }

  private long index(String decimal) {
    return refusing("is no index", decimal, Long::parseLong);
  }

  private Hash hash(String base64) {
    return refusing("has no hash", base64, Hash::ofBase64);
  }

  private byte[] base64(String text) {
    return text.equals(ReceiptFormat.NONE)
        ? new byte[0]
        : refusing("is not base64", text, Base64.getDecoder()::decode);
  }

  private <T> T refusing(String otherwise, String text, Function<String, T> parse) {
    try {
      return parse.apply(text);
    } catch (IllegalArgumentException e) {
      throw new RecordException("line " + number + " " + otherwise, e);
    }
  }

  private void next() {
    int end = at;
    while (end < file.length && file[end] != '\n') {
      end++;
    }
    number++;
    check(end < file.length, "does not end");
    // Other bytes than ASCII become something that isn't written again.
    line = new String(file, at, end - at, StandardCharsets.US_ASCII);
    at = end + 1;
  }

  private void check(boolean holds, String otherwise) {
    RecordException.require(holds, "line " + number + " " + otherwise);
  }
}
