package dev.tributary.server.adapter;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Whatever stands in a folder, it is served or refused with a reason, and nothing else happens.
class PeftFolderFuzzTest {
  private static final int MUTATIONS = 3_000;

  /// Pieces that mean something in either file.
  private static final List<String> TOKENS =
      List.of(
          "null",
          "true",
          "-1",
          "0",
          "4",
          "8",
          "1e999",
          "9223372036854775807",
          "2147483648",
          "[",
          "]",
          "{",
          "}",
          ",",
          ":",
          "\"F32\"",
          "\"F16\"",
          "\"BF16\"",
          "\"I8\"",
          "[4,32]",
          "[32,4]",
          "[0,32]",
          "[0]",
          "[]",
          "use_dora",
          "modules_to_save",
          "[\"norm\"]",
          "[\"lm_head\"]",
          "all-linear",
          "q_proj",
          "k_proj",
          "lora_A",
          "lora_B",
          "lora_magnitude_vector",
          "layers.1.",
          "layers.0.",
          "base_model.model.",
          "rank_pattern",
          "{\"q_proj\":4}",
          "base_model_digest",
          "\u0000",
          "\u00e9");

  private enum Outcome {
    SERVED,
    REFUSED
  }

  @TempDir Path folder;

  @FuzzTest(maxDuration = "30s")
  void folder(byte[] input) throws IOException {
    // Two bytes say how many of the others are the configuration.
    ByteBuffer bytes = ByteBuffer.wrap(input);
    byte[] config = new byte[input.length < 2 ? 0 : bytes.getShort() & 0xffff];
    config = Arrays.copyOf(config, Math.min(config.length, bytes.remaining()));
    bytes.get(config);
    byte[] weights = new byte[bytes.remaining()];
    bytes.get(weights);
    Path temporary = Files.createTempDirectory("peft-fuzz");
    try {
      read(temporary, config, weights);
    } finally {
      Files.deleteIfExists(temporary.resolve("adapter_config.json"));
      Files.deleteIfExists(temporary.resolve("adapter_model.safetensors"));
      Files.delete(temporary);
    }
  }

  @Test
  void read_mutatedFiles_servedOrRefused() throws IOException {
    Random random = new Random(20_261);
    Map<Outcome, Integer> outcomes = new EnumMap<>(Outcome.class);
    for (int i = 0; i < MUTATIONS; i++) {
      PeftFiles files = PeftFiles.small(random.nextInt(4));
      byte[] config = files.configJson();
      byte[] weights = files.safetensors();
      switch (random.nextInt(3)) {
        case 0 -> config = mutated(config, random);
        case 1 -> weights = mutatedHeader(weights, random);
        default -> weights = mutated(weights, random);
      }
      outcomes.merge(read(folder, config, weights), 1, Integer::sum);
    }
    // Both ends are reached, so the mutations are neither idle nor hopeless.
    assertThat(outcomes).containsOnlyKeys(Outcome.SERVED, Outcome.REFUSED);
    assertThat(outcomes.values()).allMatch(count -> count > MUTATIONS / 20);
  }

  private static Outcome read(Path folder, byte[] config, byte[] weights) throws IOException {
    Files.write(folder.resolve("adapter_config.json"), config);
    Files.write(folder.resolve("adapter_model.safetensors"), weights);
    AdapterReader reader =
        new AdapterReader(
            new TinyBase(TinyBase.CONFIG),
            TinyBase.IDENTITY,
            new EffectProof(new FakeProbe()),
            1 << 20);
    PeftFolder peft = new PeftFolder(folder);
    try {
      AdapterVersion version = TestStore.describe(reader, peft, "fuzz");
      assertThat(reader.load(peft, version, false).bytes()).isPositive();
      return Outcome.SERVED;
    } catch (AdapterException e) {
      // Nothing changed between the two reads, and nothing else is loading.
      assertThat(e.refusal())
          .isNotInstanceOfAny(
              AdapterRefusal.Corrupt.class,
              AdapterRefusal.Unreadable.class,
              AdapterRefusal.NotFound.class,
              AdapterRefusal.NoSuchVersion.class,
              AdapterRefusal.Busy.class);
      assertThat(e.refusal().message()).isNotBlank().hasSizeLessThan(100_000);
      return Outcome.REFUSED;
    }
  }

  /// Mutates the header and states its new length, so that more than the length is tested.
  private static byte[] mutatedHeader(byte[] file, Random random) {
    int length = Math.toIntExact(ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong());
    byte[] header = mutated(Arrays.copyOfRange(file, Long.BYTES, Long.BYTES + length), random);
    ByteBuffer result =
        ByteBuffer.allocate(file.length - length + header.length).order(ByteOrder.LITTLE_ENDIAN);
    result.putLong(header.length).put(header);
    return result.put(file, Long.BYTES + length, file.length - Long.BYTES - length).array();
  }

  /// Flips a bit, cuts, or puts a token in place of some bytes.
  private static byte[] mutated(byte[] bytes, Random random) {
    int at = random.nextInt(bytes.length);
    switch (random.nextInt(4)) {
      case 0 -> {
        byte[] flipped = bytes.clone();
        flipped[at] ^= (byte) (1 << random.nextInt(8));
        return flipped;
      }
      case 1 -> {
        return Arrays.copyOf(bytes, at);
      }
      default -> {
        byte[] token = TOKENS.get(random.nextInt(TOKENS.size())).getBytes(StandardCharsets.UTF_8);
        int cut = Math.min(bytes.length - at, random.nextInt(8));
        return ByteBuffer.allocate(bytes.length - cut + token.length)
            .put(bytes, 0, at)
            .put(token)
            .put(bytes, at + cut, bytes.length - at - cut)
            .array();
      }
    }
  }
}
