package dev.tributary.identity;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/// Whatever the bytes are, the parsers answer or throw their own exception.
class IdentityFuzzTest {
  private static final int MUTATIONS = 3_000;

  /// Pieces that mean something to one of the parsers.
  private static final List<String> TOKENS =
      List.of(
          "{",
          "}",
          "[",
          "]",
          ":",
          ",",
          "\"",
          "null",
          "true",
          "-1",
          "1e999",
          "9223372036854775807",
          "\"r\"",
          "\"rank_pattern\":{\"(a|b)*\":2}",
          "\"target_modules\":",
          "\"(.*){1000}\"",
          "(?=",
          "\\",
          "{2,}",
          "\\\\d",
          "\"shape\":[",
          "\"data_offsets\":[0,0]",
          "\"F32\"",
          "\"__metadata__\":{",
          "\\ud800",
          "\u00e9",
          "\u0000");

  @FuzzTest(maxDuration = "30s")
  void safetensors(byte[] file) {
    parseSafetensors(file);
  }

  @FuzzTest(maxDuration = "30s")
  void peftConfig(byte[] file) {
    parsePeftConfig(file);
  }

  @Test
  void safetensors_mutatedGoldens_onlyTheDocumentedException() throws IOException {
    int accepted = 0;
    for (byte[] golden : goldens("adapter_model.safetensors")) {
      Random random = new Random(1);
      for (int i = 0; i < MUTATIONS; i++) {
        accepted += parseSafetensors(mutated(golden, random)) ? 1 : 0;
      }
    }
    assertThat(accepted).isBetween(1, 3 * MUTATIONS);
  }

  @Test
  void peftConfig_mutatedGoldens_onlyTheDocumentedException() throws IOException {
    int accepted = 0;
    for (byte[] golden : goldens("adapter_config.json")) {
      Random random = new Random(2);
      for (int i = 0; i < MUTATIONS; i++) {
        accepted += parsePeftConfig(mutated(golden, random)) ? 1 : 0;
      }
    }
    assertThat(accepted).isBetween(1, 3 * MUTATIONS);
  }

  private static boolean parseSafetensors(byte[] file) {
    try {
      SafetensorsHeader header = SafetensorsHeader.parse(ReadableBytes.of(ByteBuffer.wrap(file)));
      long bytes = header.tensors().values().stream().mapToLong(t -> t.end() - t.begin()).sum();
      assertThat(bytes).isLessThan(file.length);
      return true;
    } catch (SafetensorsException e) {
      assertThat(e.offset()).isBetween(0L, (long) file.length);
      return false;
    } catch (IOException e) {
      throw new AssertionError("bytes in memory can be read", e);
    }
  }

  private static boolean parsePeftConfig(byte[] file) {
    try {
      PeftConfig config = PeftConfig.parse(file);
      assertThat(config.scaling("model.layers.1.self_attn.q_proj")).isPositive().isFinite();
      config.targets("model.layers.1.self_attn.q_proj");
      // What is hashed is a configuration's whole meaning.
      assertThat(config.canonicalJson()).isNotEmpty();
      return true;
    } catch (PeftConfigException e) {
      assertThat(e.getMessage()).hasSizeLessThan(6_000);
      return false;
    }
  }

  private static List<byte[]> goldens(String file) throws IOException {
    return List.of(
        Files.readAllBytes(Golden.file("adapters/plain/" + file)),
        Files.readAllBytes(Golden.file("adapters/patterns/" + file)),
        Files.readAllBytes(Golden.file("adapters/regex/" + file)));
  }

  /// One to four edits: a bit, a byte, a token put in or over, a piece cut out or doubled.
  private static byte[] mutated(byte[] original, Random random) {
    byte[] bytes = original;
    int edits = 1 + random.nextInt(4);
    for (int i = 0; i < edits; i++) {
      bytes = bytes.length == 0 ? new byte[1] : bytes.clone();
      int at = random.nextInt(bytes.length);
      int length = random.nextInt(Math.min(16, bytes.length - at) + 1);
      byte[] token = TOKENS.get(random.nextInt(TOKENS.size())).getBytes(StandardCharsets.UTF_8);
      switch (random.nextInt(6)) {
        case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
        case 1 -> bytes[at] = (byte) random.nextInt();
        case 2 -> bytes = spliced(bytes, at, 0, token);
        case 3 -> bytes = spliced(bytes, at, Math.min(token.length, bytes.length - at), token);
        case 4 -> bytes = spliced(bytes, at, length, new byte[0]);
        default ->
            bytes = spliced(bytes, at, 0, java.util.Arrays.copyOfRange(bytes, at, at + length));
      }
    }
    return bytes;
  }

  private static byte[] spliced(byte[] bytes, int at, int removed, byte[] added) {
    return ByteBuffer.allocate(bytes.length - removed + added.length)
        .put(bytes, 0, at)
        .put(added)
        .put(bytes, at + removed, bytes.length - at - removed)
        .array();
  }
}
