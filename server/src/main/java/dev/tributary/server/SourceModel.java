package dev.tributary.server;

import dev.tributary.server.model.LlamaConfig;
import dev.tributary.server.model.LlamaLoader;
import dev.tributary.server.model.ModelException;
import dev.tributary.server.rpc.SourceException;
import dev.tributary.server.rpc.SourceRefusal;
import dev.tributary.server.tokenize.TemplateException;
import dev.tributary.server.tokenize.Tokenizer;
import dev.tributary.server.tokenize.TokenizerException;
import dev.tributary.server.weights.Checkpoint;
import dev.tributary.server.weights.FormatException;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// The unquantised model that a base says it was made of: found below the import root, opened, and
/// seen to be one of the base's shape and vocabulary.
///
/// Files are mapped by their names, after it was seen that these lead to below the root. Who may
/// change that tree in between can have another file measured; nothing of it is told but sums, and
/// the first bytes of what is no model.
record SourceModel(Path path, Checkpoint checkpoint, LlamaConfig config) {
  private static final int MOST_FILES = 10_000;

  /// The base, as far as a source must equal it.
  record Base(LlamaConfig config, Tokenizer tokenizer) {}

  /// @param root that it must lie below; null: nothing may be imported
  /// @param named path, relative to the root or absolute
  /// @throws SourceException saying what it is not
  static SourceModel open(@Nullable Path root, String named, Base base) {
    if (root == null) {
      throw new SourceException(new SourceRefusal.NoRoot());
    }
    Path path = below(root, named);
    try {
      Checkpoint checkpoint = Checkpoint.open(path);
      LlamaConfig config = LlamaLoader.config(checkpoint);
      requireShape(base.config, config);
      requireTokens(base.tokenizer, Server.tokenizer(checkpoint, path), config.vocabulary());
      return new SourceModel(path, checkpoint, config);
    } catch (FormatException | ModelException | TokenizerException | TemplateException e) {
      throw unusable(named, e);
    } catch (IOException e) {
      throw new SourceException(new SourceRefusal.NotThere(named));
    }
  }

  static SourceException unusable(String named, RuntimeException problem) {
    return new SourceException(
        new SourceRefusal.Unusable(named, String.valueOf(problem.getMessage())));
  }

  /// The real path, if that and everything directly in it lies below the root.
  private static Path below(Path root, String named) {
    try {
      Path base = root.toRealPath();
      Path real = base.resolve(named).toRealPath();
      if (real.startsWith(base) && (!Files.isDirectory(real) || holdsOnly(real, base))) {
        return real;
      }
    } catch (FileSystemException | InvalidPathException e) {
      throw new SourceException(new SourceRefusal.NotThere(named));
    } catch (IOException e) {
      throw new SourceException(new SourceRefusal.Unusable(named, "can't be read"));
    }
    throw new SourceException(new SourceRefusal.NotThere(named));
  }

  private static boolean holdsOnly(Path folder, Path base) throws IOException {
    List<Path> entries;
    try (Stream<Path> all = Files.list(folder)) {
      entries = all.limit(MOST_FILES + 1).toList();
    }
    if (entries.size() > MOST_FILES) {
      return false;
    }
    for (Path entry : entries) {
      if (!entry.toRealPath().startsWith(base)) {
        return false;
      }
    }
    return true;
  }

  private static void requireShape(LlamaConfig base, LlamaConfig source) {
    requireSame("the family", base.family(), source.family());
    requireSame("the number of layers", base.layers(), source.layers());
    requireSame("the hidden size", base.hidden(), source.hidden());
    requireSame("the feed-forward size", base.feedForward(), source.feedForward());
    requireSame("the number of heads", base.attention().heads(), source.attention().heads());
    requireSame(
        "the number of key and value heads",
        base.attention().kvHeads(),
        source.attention().kvHeads());
    requireSame("a head's size", base.attention().headDim(), source.attention().headDim());
    requireSame("the vocabulary", base.vocabulary(), source.vocabulary());
    requireSame("the norms' epsilon", base.normEpsilon(), source.normEpsilon());
    requireSame("the rotation's base", base.rotary().base(), source.rotary().base());
    requireSame("a bias of q, k and v", base.qkvBias(), source.qkvBias());
    requireSame("a bias of the feed-forward", base.feedForwardBias(), source.feedForwardBias());
    requireSame("a norm of query and key heads", base.headNorms(), source.headNorms());
  }

  private static void requireTokens(Tokenizer base, Tokenizer source, int vocabulary) {
    for (int id = 0; id < vocabulary; id++) {
      byte[] own = base.bytes(id);
      byte[] other = source.bytes(id);
      if (!Arrays.equals(own, other)) {
        requireSame("token " + id, quoted(own), quoted(other));
      }
    }
    for (String name : List.of("prose", "code", "numbers", "languages")) {
      String text = CertificateTexts.plain(name);
      int[] own = base.encode(text, false);
      int[] other = source.encode(text, false);
      int at = Arrays.mismatch(own, other);
      if (at >= 0) {
        requireSame(
            "what the tokenizer makes of the text \"%s\", from token %d on".formatted(name, at),
            some(own, at),
            some(other, at));
      }
    }
  }

  private static String some(int[] ids, int from) {
    return Arrays.toString(Arrays.copyOfRange(ids, from, Math.min(ids.length, from + 4)));
  }

  private static String quoted(byte[] token) {
    return '"' + new String(token, java.nio.charset.StandardCharsets.UTF_8) + '"';
  }

  private static void requireSame(String what, Object base, Object source) {
    if (!base.equals(source)) {
      throw new SourceException(
          new SourceRefusal.Different(what, String.valueOf(base), String.valueOf(source)));
    }
  }
}
