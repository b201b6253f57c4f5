package dev.tributary.server.adapter;

import dev.tributary.identity.AdapterDigest;
import dev.tributary.identity.PeftConfig;
import dev.tributary.identity.PeftConfigException;
import dev.tributary.identity.ReadableBytes;
import dev.tributary.identity.SafetensorsException;
import dev.tributary.identity.SafetensorsHeader;
import dev.tributary.server.tensor.Region;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.Optional;

/// A folder as PEFT saves an adapter: `adapter_config.json` and `adapter_model.safetensors`. Of
/// other files in it only `probe.jsonl` is read, see [ProbeFile].
record PeftFolder(Path path) {
  /// What PEFT wrote before safetensors; reading it would run whatever code it holds.
  private static final String PICKLE_FILE = "adapter_model.bin";

  /// Bytes a read: some 10 µs.
  private static final int CHUNK = 1 << 16;

  /// The two files, parsed, and the digest of exactly these bytes.
  record Contents(PeftConfig config, SafetensorsHeader header, String digest) {}

  /// [Contents], with the bytes of the weights file that they were parsed from: off the heap, which
  /// need not be as large as an adapter.
  record Loaded(Contents contents, Region weights) implements AutoCloseable {
    @Override
    public void close() {
      weights.close();
    }
  }

  /// What tells a file that was changed from one that was not, without reading it.
  record FileStamp(long size, FileTime modified, Optional<Object> key) {}

  /// The stamps of all files that are read; empty where one is missing.
  record Stamp(
      Optional<FileStamp> config, Optional<FileStamp> weights, Optional<FileStamp> probe) {}

  String name() {
    return String.valueOf(path.getFileName());
  }

  /// Bytes of all its files.
  long bytes() {
    try {
      long bytes = 0;
      for (Path file : Trash.entries(path)) {
        bytes += Files.size(file);
      }
      return bytes;
    } catch (IOException e) {
      throw new AdapterException(new AdapterRefusal.Unreadable(name(), e.toString()), e);
    }
  }

  /// The stamps as they are now.
  Stamp stamp() {
    return new Stamp(
        stamp(AdapterDigest.CONFIG_FILE), stamp(AdapterDigest.WEIGHTS_FILE), stamp(ProbeFile.NAME));
  }

  /// Reads configuration and header and computes the digest; the weights are not kept.
  ///
  /// @param limit most bytes that the weights may have
  Contents scan(long limit, Pace pace) {
    return read((config, channel) -> contents(config, pace.of(ReadableBytes.of(channel))), limit);
  }

  /// Reads both files once, into memory: what is hashed is what is served.
  ///
  /// @param limit most bytes that the weights may have
  Loaded load(long limit, Pace pace) {
    return read(
        (config, channel) -> {
          Region memory = Region.allocate(channel.size());
          try {
            ByteBuffer weights = memory.buffer();
            ReadableBytes source = pace.of(ReadableBytes.of(channel));
            for (int at = 0; at < weights.capacity(); at += CHUNK) {
              source.read(at, weights.slice(at, Math.min(CHUNK, weights.capacity() - at)));
            }
            return new Loaded(contents(config, pace.of(ReadableBytes.of(weights))), memory);
          } catch (IOException | RuntimeException | Error e) {
            memory.close();
            throw e;
          }
        },
        limit);
  }

  private interface WeightsReader<T> {
    T read(PeftConfig config, FileChannel weights) throws IOException;
  }

  private <T> T read(WeightsReader<T> reader, long limit) {
    requireFiles();
    try (FileChannel weights = FileChannel.open(path.resolve(AdapterDigest.WEIGHTS_FILE))) {
      long most = Math.min(limit, Integer.MAX_VALUE - 8);
      if (weights.size() > most) {
        throw new AdapterException(new AdapterRefusal.TooLarge(weights.size(), most));
      }
      return reader.read(config(), weights);
    } catch (PeftConfigException e) {
      String key = e.key().isEmpty() ? AdapterDigest.CONFIG_FILE : e.key();
      String reason = String.valueOf(e.getMessage()).substring(key.length() + ": ".length());
      throw new AdapterException(new AdapterRefusal.Unsupported(key, reason), e);
    } catch (SafetensorsException e) {
      throw new AdapterException(
          new AdapterRefusal.Malformed(AdapterDigest.WEIGHTS_FILE, String.valueOf(e.getMessage())),
          e);
    } catch (IOException e) {
      throw new AdapterException(new AdapterRefusal.Unreadable(name(), e.toString()), e);
    }
  }

  private PeftConfig config() throws IOException {
    Path file = path.resolve(AdapterDigest.CONFIG_FILE);
    byte[] bytes;
    try (var in = Files.newInputStream(file)) {
      bytes = in.readNBytes(PeftConfig.MAX_BYTES + 1);
    }
    return PeftConfig.parse(bytes);
  }

  private static Contents contents(PeftConfig config, ReadableBytes weights) throws IOException {
    SafetensorsHeader header = SafetensorsHeader.parse(weights);
    return new Contents(config, header, AdapterDigest.of(config, header, weights));
  }

  private void requireFiles() {
    if (!Files.isRegularFile(path.resolve(AdapterDigest.WEIGHTS_FILE))
        && Files.exists(path.resolve(PICKLE_FILE))) {
      throw new AdapterException(
          new AdapterRefusal.Unsupported(
              PICKLE_FILE, "pickled weights are never read; save the adapter as safetensors"));
    }
    for (String file : new String[] {AdapterDigest.CONFIG_FILE, AdapterDigest.WEIGHTS_FILE}) {
      if (!Files.isRegularFile(path.resolve(file))) {
        throw new AdapterException(new AdapterRefusal.Malformed(file, "is missing"));
      }
    }
  }

  private Optional<FileStamp> stamp(String file) {
    try {
      BasicFileAttributes attributes =
          Files.readAttributes(path.resolve(file), BasicFileAttributes.class);
      return Optional.of(
          new FileStamp(
              attributes.size(),
              attributes.lastModifiedTime(),
              Optional.ofNullable(attributes.fileKey())));
    } catch (IOException e) {
      // Missing or unreadable: reading the folder says which, a stamp only notices a change.
      return Optional.empty();
    }
  }
}
