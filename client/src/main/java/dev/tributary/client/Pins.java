package dev.tributary.client;

import dev.tributary.tlog.TlogException;
import dev.tributary.tlog.VerifierKey;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// The keys of logs as they were seen at first contact, one verifier key a line in a file; a log's
/// name is its key's.
///
/// The file is only ever appended to, under a lock, and the first line of a name counts. A key that
/// is rotated stays pinned: what the log signed before the rotation is still to be checked by it,
/// and the rotation leads from it to the next. Lines that begin with # are people's.
public final class Pins {
  /// Bytes of the file; a line has about a hundred.
  private static final int MAX_BYTES = 1 << 20;

  private final Path file;

  public Pins(Path file) {
    this.file = file;
  }

  public Path file() {
    return file;
  }

  /// The key of a log, if there was a first contact.
  ///
  /// @throws IOException if the file cannot be read or has a line that is no key
  public Optional<VerifierKey> pinned(String origin) throws IOException {
    return Files.exists(file) ? first(origin, Files.readString(file)) : Optional.empty();
  }

  /// Pins a key unless one of that name is pinned.
  ///
  /// @return whether this was the first contact
  /// @throws UnmetException if another key of that name is pinned
  /// @throws IOException if the file cannot be read or written
  public boolean pin(VerifierKey key) throws IOException {
    try (FileChannel channel = open()) {
      String text = read(channel);
      Optional<VerifierKey> pinned = first(key.name(), text);
      if (pinned.isEmpty()) {
        append(channel, text, key);
        return true;
      }
      if (!pinned.get().equals(key)) {
        throw new UnmetException(
            ("the log %s shows the key %s, but at first contact it was %s. Either it was rotated,"
                    + " which `tributary ledger audit` can follow, or this is not that log; the"
                    + " pin is in %s")
                .formatted(key.name(), key, pinned.get(), file));
      }
      return false;
    }
  }

  /// Open for reading and writing, and locked until it is closed.
  private FileChannel open() throws IOException {
    Path folder = file.toAbsolutePath().getParent();
    if (folder != null) {
      Files.createDirectories(folder);
    }
    FileChannel channel =
        FileChannel.open(
            file, StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.CREATE);
    channel.lock();
    return channel;
  }

  private String read(FileChannel channel) throws IOException {
    if (channel.size() > MAX_BYTES) {
      throw new IOException(file + " is too long for pinned keys");
    }
    ByteBuffer bytes = ByteBuffer.allocate((int) channel.size());
    while (bytes.hasRemaining() && channel.read(bytes, bytes.position()) >= 0) {
      // Until all is there.
    }
    return StandardCharsets.UTF_8.decode(bytes.flip()).toString();
  }

  private static void append(FileChannel channel, String before, VerifierKey key)
      throws IOException {
    // A person's editor may have left the last line without its end.
    String open = before.isEmpty() || before.endsWith("\n") ? "" : "\n";
    ByteBuffer line = ByteBuffer.wrap((open + key + "\n").getBytes(StandardCharsets.UTF_8));
    long at = channel.size();
    while (line.hasRemaining()) {
      at += channel.write(line, at);
    }
    channel.force(true);
  }

  private Optional<VerifierKey> first(String origin, String text) throws IOException {
    List<VerifierKey> keys = new ArrayList<>();
    int number = 0;
    for (String line : text.lines().toList()) {
      number++;
      if (line.isBlank() || line.startsWith("#")) {
        continue;
      }
      try {
        keys.add(VerifierKey.parse(line.strip()));
      } catch (TlogException e) {
        throw new IOException("%s, line %d: %s".formatted(file, number, e.getMessage()), e);
      }
    }
    return keys.stream().filter(key -> key.name().equals(origin)).findFirst();
  }
}
