package dev.tributary.client;

import dev.tributary.tlog.Hash;
import dev.tributary.tlog.TlogException;
import dev.tributary.tlog.VerifierKey;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Base64;
import java.util.BitSet;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.InflaterInputStream;
import org.jspecify.annotations.Nullable;

/// What an audit of one log remembers until the next: the checkpoint that it reached, the tree's
/// frontier there, and of each leaf the few bits that later leaves are held against. A text file,
/// written whole or not at all; four bits a leaf before compression.
///
/// Bit sets count leaves in an int, so an audit reaches 2^31 - 1 of them.
final class AuditMemory {
  /// Most leaves.
  static final long MAX_LEAVES = Integer.MAX_VALUE;

  /// @param after signs checkpoints of more leaves than this, until the next key does
  record Signer(VerifierKey key, long after) {}

  /// @param lastLeaf that it covers
  /// @param toHour at which its period ends
  record Settled(long lastLeaf, long toHour) {}

  private static final String HEADER = "tributary-audit-v1";

  /// The checkpoint that was reached; null before the first audit ended.
  @Nullable Head head;

  /// The log's keys as one was rotated to the next, from the first that was believed.
  final List<Signer> signers = new ArrayList<>();

  Frontier frontier = new Frontier();

  /// Leaves that are generations.
  BitSet generations = new BitSet();

  /// Generations that have an attribution.
  BitSet attributed = new BitSet();

  /// Leaves that are attributions, or corrections of some.
  BitSet attributions = new BitSet();

  /// Generations whose latest attribution has shares.
  BitSet shared = new BitSet();

  /// The last settlement of each currency.
  final SortedMap<String, Settled> settled = new TreeMap<>();

  /// The largest part of a fee that a price has for contributors; -1 before the first price.
  int partPpm = -1;

  /// The latest hour that any leaf tells.
  long hour;

  /// @throws IOException if the file cannot be read, or is not one that [#write] made
  static AuditMemory read(Path file) throws IOException {
    AuditMemory memory = new AuditMemory();
    if (!Files.exists(file)) {
      return memory;
    }
    String text = Files.readString(file);
    int blank = text.indexOf("\n\n");
    try {
      memory.parse(text.substring(0, blank).lines().toList(), text.substring(blank + 2));
    } catch (IllegalArgumentException
        | IndexOutOfBoundsException
        | NoSuchElementException
        | TlogException
        | UnmetException e) {
      throw new IOException(
          file + " is no audit's memory any more; without it the audit begins again", e);
    }
    return memory;
  }

  private void parse(List<String> lines, String note) throws IOException {
    Iterator<String> rest = lines.iterator();
    if (!rest.next().equals(HEADER)) {
      throw new IllegalArgumentException("not an audit's memory");
    }
    head = Head.parse(note);
    int keys = Integer.parseInt(value(rest, "keys"));
    for (int i = 0; i < keys; i++) {
      String[] parts = value(rest, "key").split(" ", 2);
      signers.add(new Signer(VerifierKey.parse(parts[1]), Long.parseLong(parts[0])));
    }
    hour = Long.parseLong(value(rest, "hour"));
    partPpm = Integer.parseInt(value(rest, "part-ppm"));
    generations = unpack(value(rest, "generations"));
    attributed = unpack(value(rest, "attributed"));
    attributions = unpack(value(rest, "attributions"));
    shared = unpack(value(rest, "shared"));
    int count = Integer.parseInt(value(rest, "settled"));
    for (int i = 0; i < count; i++) {
      String[] parts = value(rest, "settlement").split(" ", 3);
      settled.put(parts[2], new Settled(Long.parseLong(parts[0]), Long.parseLong(parts[1])));
    }
    List<Hash> peaks = new ArrayList<>();
    while (rest.hasNext()) {
      peaks.add(Hash.ofBase64(value(rest, "peak")));
    }
    frontier = new Frontier(head.size(), peaks);
    if (!frontier.root().equals(head.checkpoint().root())) {
      throw new IllegalArgumentException("peaks that do not lead to the checkpoint");
    }
  }

  private static String value(Iterator<String> lines, String name) {
    String text = lines.next();
    if (!text.startsWith(name + " ")) {
      throw new IllegalArgumentException("no " + name);
    }
    return text.substring(name.length() + 1);
  }

  /// Writes what is remembered at `head`, which is believed and has been read up to.
  void write(Path file, Head head) throws IOException {
    StringBuilder text = new StringBuilder(HEADER).append('\n');
    text.append("keys ").append(signers.size()).append('\n');
    signers.forEach(each -> text.append("key %d %s\n".formatted(each.after, each.key)));
    text.append("hour ").append(hour).append('\n');
    text.append("part-ppm ").append(partPpm).append('\n');
    text.append("generations ").append(pack(generations)).append('\n');
    text.append("attributed ").append(pack(attributed)).append('\n');
    text.append("attributions ").append(pack(attributions)).append('\n');
    text.append("shared ").append(pack(shared)).append('\n');
    text.append("settled ").append(settled.size()).append('\n');
    settled.forEach(
        (currency, last) ->
            text.append("settlement %d %d %s\n".formatted(last.lastLeaf, last.toHour, currency)));
    frontier.peaks().forEach(peak -> text.append("peak ").append(peak.base64()).append('\n'));
    text.append('\n').append(head.note());
    Path folder = file.toAbsolutePath().getParent();
    if (folder != null) {
      Files.createDirectories(folder);
    }
    Path beside = file.resolveSibling(file.getFileName() + ".new");
    Files.writeString(beside, text);
    Files.move(beside, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    this.head = head;
  }

  /// Where the memory of a log of this name is. An origin is a URL without scheme, so its slashes
  /// and what else file names cannot have are written as %XX.
  static Path file(Path folder, String origin) {
    return folder.resolve(FileNames.of(origin) + ".audit");
  }

  /// Which key signs checkpoints of that size.
  VerifierKey keyAt(long size) {
    return signers.reversed().stream()
        .filter(each -> each.after < size)
        .findFirst()
        .orElse(signers.getFirst())
        .key();
  }

  /// The checkpoint that an earlier audit reached.
  Optional<Head> reached() {
    return Optional.ofNullable(head);
  }

  private static String pack(BitSet bits) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DeflaterOutputStream out = new DeflaterOutputStream(bytes)) {
      out.write(bits.toByteArray());
    }
    return Base64.getEncoder().encodeToString(bytes.toByteArray());
  }

  private static BitSet unpack(String text) throws IOException {
    byte[] bytes = Base64.getDecoder().decode(text);
    try (InflaterInputStream in = new InflaterInputStream(new ByteArrayInputStream(bytes))) {
      return BitSet.valueOf(in.readNBytes((int) (MAX_LEAVES / Byte.SIZE) + 1));
    }
  }
}
