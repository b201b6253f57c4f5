package dev.tributary.server.weights;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.sun.management.ThreadMXBean;
import dev.tributary.server.tensor.Bytes;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/// Whatever the bytes are, the readers answer or throw [FormatException], with memory in proportion
/// to the file.
class WeightsFuzzTest {
  private static final int MUTATIONS = 5_000;
  private static final Path FILE = Path.of("fuzzed");

  /// Classes loaded on the way count, too; a list of [GgufReader]'s greatest length wouldn't fit.
  private static final long BASE_BYTES = 8 << 20;

  /// A [Long] in a list that grows, and what errors say.
  private static final long BYTES_PER_BYTE = 200;

  private static final long[] NUMBERS = {
    0,
    1,
    2,
    8,
    9,
    31,
    255,
    1 << 16,
    1L << 31,
    1L << 32,
    1L << 40,
    Long.MAX_VALUE,
    Long.MIN_VALUE,
    -1
  };

  @FunctionalInterface
  private interface Reader {
    void read(byte[] bytes) throws IOException;
  }

  @FuzzTest(maxDuration = "30s")
  void gguf(byte[] bytes) throws IOException {
    accepts(WeightsFuzzTest::readGguf, bytes);
  }

  @FuzzTest(maxDuration = "30s")
  void safetensors(byte[] bytes) throws IOException {
    accepts(WeightsFuzzTest::readSafetensors, bytes);
  }

  @FuzzTest(maxDuration = "30s")
  void json(byte[] bytes) throws IOException {
    accepts(text -> JsonFile.parse(FILE, text), bytes);
  }

  @Test
  void gguf_mutated_onlyFormatException() throws IOException {
    fuzz(WeightsFuzzTest::readGguf, GgufTest.small().bytes());
  }

  @Test
  void safetensors_mutated_onlyFormatException() throws IOException {
    fuzz(
        WeightsFuzzTest::readSafetensors,
        new SafetensorsFile()
            .f32("a", "[1,32]", new float[32])
            .tensor("b", "BF16", "[2,2]", new byte[8])
            .bytes());
  }

  @Test
  void json_mutated_onlyFormatException() throws IOException {
    fuzz(
        text -> JsonFile.parse(FILE, text),
        "{\"a\":[1,2.5e3,true,\"\\u00e9\"],\"weight_map\":{\"x\":\"é\",\"y\":null}}"
            .getBytes(StandardCharsets.UTF_8));
  }

  private static void fuzz(Reader reader, byte[] right) throws IOException {
    Random random = new Random(11);
    int accepted = 0;
    for (int i = 0; i < MUTATIONS; i++) {
      accepted += accepts(reader, mutated(right, random)) ? 1 : 0;
    }
    assertThat(accepted).isBetween(1, MUTATIONS - 1);
  }

  private static boolean accepts(Reader reader, byte[] bytes) throws IOException {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long before = threads.getCurrentThreadAllocatedBytes();
    boolean accepted = true;
    try {
      reader.read(bytes);
    } catch (FormatException e) {
      assertThat(e).hasMessageStartingWith("fuzzed: byte ");
      accepted = false;
    }
    assertThat(threads.getCurrentThreadAllocatedBytes() - before)
        .isLessThan(BASE_BYTES + BYTES_PER_BYTE * bytes.length);
    return accepted;
  }

  private static void readGguf(byte[] bytes) {
    for (StoredTensor tensor : new GgufReader(FILE, Bytes.copyOf(bytes)).read().values()) {
      use(tensor);
    }
  }

  private static void readSafetensors(byte[] bytes) throws IOException {
    Safetensors file = Safetensors.read(FILE, Bytes.copyOf(bytes));
    for (String name : file.tensorNames()) {
      use(file.tensor(name));
    }
  }

  private static void use(StoredTensor tensor) {
    assertThat(tensor.toFloats()).hasSize(tensor.rows() * tensor.cols());
    if (tensor.shape().size() == 2) {
      assertThat(tensor.toLinear().outputs()).isEqualTo(tensor.rows());
      assertThat(Quantizer.quantize(tensor).inputs()).isEqualTo(tensor.cols());
    }
  }

  private static byte[] mutated(byte[] right, Random random) {
    byte[] bytes = right.clone();
    for (int n = random.nextInt(1, 4); n > 0 && bytes.length > 0; n--) {
      int at = random.nextInt(bytes.length);
      switch (random.nextInt(5)) {
        case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
        case 1 -> bytes[at] = (byte) random.nextInt(256);
        case 2 -> {
          byte[] number = GgufFile.u64(NUMBERS[random.nextInt(NUMBERS.length)]);
          int length = Math.min(random.nextBoolean() ? 4 : 8, bytes.length - at);
          System.arraycopy(number, 0, bytes, at, length);
        }
        case 3 -> bytes = Arrays.copyOf(bytes, at);
        default -> {
          int from = random.nextInt(bytes.length);
          int length = random.nextInt(Math.min(16, bytes.length - Math.max(at, from)) + 1);
          System.arraycopy(right, from, bytes, at, length);
        }
      }
    }
    return bytes;
  }
}
