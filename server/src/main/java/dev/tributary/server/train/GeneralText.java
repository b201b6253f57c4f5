package dev.tributary.server.train;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.tributary.server.tokenize.Tokenizer;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;

/// A small text about nothing in particular, written for this: how much worse an adapter predicts
/// it than the base is what its training forgot.
public final class GeneralText {
  private static final String RESOURCE = "general.txt";

  private GeneralText() {}

  /// Its pieces, a line each, with what the model wants around a bare prompt.
  public static List<int[]> tokens(Tokenizer tokenizer) {
    return lines().stream()
        .map(tokenizer::encodePrompt)
        .filter(tokens -> tokens.length >= 2)
        .toList();
  }

  static List<String> lines() {
    try (InputStream in = GeneralText.class.getResourceAsStream(RESOURCE)) {
      if (in == null) {
        throw new IllegalStateException(RESOURCE + " is missing from the build");
      }
      return new String(in.readAllBytes(), UTF_8).lines().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
