package dev.tributary.identity;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// The identity of a base model: see [the package][dev.tributary.identity].
public final class BaseDigest {
  private static final Set<String> COUNTING_NAMES =
      Set.of(
          "config.json",
          // the tokenizer
          "tokenizer.json",
          "tokenizer_config.json",
          "tokenizer.model",
          "special_tokens_map.json",
          "added_tokens.json",
          "vocab.json",
          "vocab.txt",
          "merges.txt",
          // the chat template
          "chat_template.jinja",
          "chat_template.json",
          // the weights
          "model.safetensors",
          "model.safetensors.index.json");

  private static final Pattern SHARD = Pattern.compile("model-[0-9]{5}-of-[0-9]{5}\\.safetensors");

  /// A directory with more entries than this is not a model's.
  private static final int MAX_ENTRIES = 10_000;

  private BaseDigest() {}

  /// Whether a file of this name directly inside a model directory is part of its identity:
  /// `config.json`; the tokenizer (`tokenizer.json`, `tokenizer_config.json`, `tokenizer.model`,
  /// `special_tokens_map.json`, `added_tokens.json`, `vocab.json`, `vocab.txt`, `merges.txt`); the
  /// template (`chat_template.jinja`, `chat_template.json`); the weights (`model.safetensors`,
  /// `model.safetensors.index.json`, `model-NNNNN-of-NNNNN.safetensors`).
  public static boolean counts(String fileName) {
    return COUNTING_NAMES.contains(fileName) || SHARD.matcher(fileName).matches();
  }

  /// The digest of a model file or directory. Links are followed.
  ///
  /// @return `sha256:<hex>`
  /// @throws IOException if it cannot be read, or a directory has no `config.json`
  public static String of(Path fileOrDirectory) throws IOException {
    if (!Files.isDirectory(fileOrDirectory)) {
      return "sha256:" + hex(fileOrDirectory);
    }
    if (!Files.isRegularFile(fileOrDirectory.resolve("config.json"))) {
      throw new NoSuchFileException(
          fileOrDirectory.resolve("config.json").toString(), null, "not a model directory");
    }
    // The lines are ASCII, so String order is byte order.
    TreeSet<String> lines = new TreeSet<>();
    for (Path file : countingFiles(fileOrDirectory)) {
      lines.add(hex(file) + "  " + file.getFileName() + "\n");
    }
    Sha256 sha = new Sha256();
    lines.forEach(line -> sha.bytes(line.getBytes(StandardCharsets.US_ASCII)));
    return sha.text();
  }

  private static List<Path> countingFiles(Path directory) throws IOException {
    try (Stream<Path> entries = Files.list(directory)) {
      List<Path> all = entries.limit(MAX_ENTRIES + 1).toList();
      if (all.size() > MAX_ENTRIES) {
        throw new IOException(directory + " has more than " + MAX_ENTRIES + " entries");
      }
      return all.stream()
          .filter(path -> counts(String.valueOf(path.getFileName())) && Files.isRegularFile(path))
          .toList();
    }
  }

  private static String hex(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file)) {
      return new Sha256().range(ReadableBytes.of(channel), 0, channel.size()).hex();
    }
  }
}
