package dev.tributary.server.attribution;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;

/// Gathers texts and sorts their suffixes, for [SpanIndex]. In memory: 25 bytes a token at most.
public final class SpanIndexBuilder {
  /// Tokens and texts together.
  static final int MOST = 1 << 28;

  private static final int CHUNK = 1 << 16;

  private final int vocabulary;

  /// Tokens and one, each text with a 0 behind it.
  private int[] symbols = new int[1 << 12];

  private int length;
  private int[] starts = new int[64];
  private int[] owners = new int[64];
  private int texts;

  /// @param vocabulary tokens are below it
  public SpanIndexBuilder(int vocabulary) {
    this.vocabulary = vocabulary;
  }

  /// Adds a text that matches don't go beyond.
  ///
  /// @param owner whose it is, such as an example's number
  /// @throws IllegalStateException if all is more than 268 million tokens
  public void add(int owner, int[] tokens) {
    if (length + tokens.length + 1L > MOST) {
      throw new IllegalStateException("more than " + MOST + " tokens");
    }
    if (symbols.length < length + tokens.length + 1) {
      symbols = Arrays.copyOf(symbols, Math.min(MOST, 2 * (length + tokens.length + 1)));
    }
    if (texts == starts.length) {
      starts = Arrays.copyOf(starts, 2 * texts);
      owners = Arrays.copyOf(owners, 2 * texts);
    }
    starts[texts] = length;
    owners[texts++] = owner;
    for (int token : tokens) {
      if (token < 0 || token >= vocabulary) {
        throw new IllegalArgumentException("token " + token + " of " + vocabulary);
      }
      symbols[length++] = token + 1;
    }
    symbols[length++] = 0;
  }

  /// Writes the index; one that is there is replaced.
  public void write(Path file) throws IOException {
    int[] text = Arrays.copyOf(symbols, length);
    symbols = text;
    int[] order = SuffixArray.of(text, vocabulary + 1);
    int[] buckets = new int[vocabulary + 2];
    for (int symbol : text) {
      buckets[symbol + 1]++;
    }
    for (int symbol = 0; symbol <= vocabulary; symbol++) {
      buckets[symbol + 1] += buckets[symbol];
    }
    try (FileChannel channel =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      put(channel, new int[] {SpanIndex.MAGIC, SpanIndex.FORMAT, vocabulary, length, texts, 0}, 6);
      put(channel, text, length);
      put(channel, order, length);
      put(channel, buckets, buckets.length);
      put(channel, starts, texts);
      put(channel, owners, texts);
      channel.force(true);
    }
  }

  private static void put(FileChannel channel, int[] values, int count) throws IOException {
    ByteBuffer chunk = ByteBuffer.allocate(CHUNK).order(ByteOrder.LITTLE_ENDIAN);
    for (int at = 0; at < count; ) {
      chunk.clear();
      int some = Math.min(CHUNK / Integer.BYTES, count - at);
      chunk.asIntBuffer().put(values, at, some);
      chunk.limit(some * Integer.BYTES);
      while (chunk.hasRemaining()) {
        channel.write(chunk);
      }
      at += some;
    }
  }
}
