package dev.tributary.server.tokenize;

import static java.nio.charset.StandardCharsets.UTF_8;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.lang.ref.Reference;
import java.util.Map;

/// Hugging Face's tokenizers library, loaded with one `tokenizer.json`. Safe for concurrent use:
/// the library encodes through a shared reference and locks its own cache.
final class Backend {
  static {
    // DJL would otherwise report the start to its makers from EC2, and fetch a CUDA build of the
    // library where there is a GPU. The class path has all that is needed.
    setIfAbsent("OPT_OUT_TRACKING", "true");
    setIfAbsent("RUST_FLAVOR", "cpu");
  }

  private final HuggingFaceTokenizer tokenizer;

  private Backend(HuggingFaceTokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  private static void setIfAbsent(String property, String value) {
    if (System.getProperty(property) == null && System.getenv(property) == null) {
      System.setProperty(property, value);
    }
  }

  static Backend load(byte[] tokenizerJson) {
    Map<String, String> options =
        Map.of("addSpecialTokens", "false", "truncation", "false", "padding", "false");
    try {
      return new Backend(
          HuggingFaceTokenizer.newInstance(new ByteArrayInputStream(tokenizerJson), options));
    } catch (IOException | RuntimeException e) {
      throw new TokenizerException("the tokenizers library refuses it: " + e.getMessage(), e);
    }
  }

  /// Ids of a text, nothing added. Lone surrogates count as U+FFFD.
  int[] encode(String text) {
    String valid = new String(text.getBytes(UTF_8), UTF_8);
    TokenizersLibrary library = TokenizersLibrary.LIB;
    long encoding = library.encode(tokenizer.getHandle(), valid, false);
    try {
      long[] ids = library.getTokenIds(encoding);
      int[] narrow = new int[ids.length];
      for (int i = 0; i < ids.length; i++) {
        narrow[i] = Math.toIntExact(ids[i]);
      }
      return narrow;
    } finally {
      library.deleteEncoding(encoding);
      Reference.reachabilityFence(tokenizer);
    }
  }
}
