package dev.tributary.record;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.provider.MethodSource;

/// Whatever the bytes are, a parser refuses them with its own exception, or takes them and writes
/// the same again.
class RecordFuzzTest {
  private static final int MUTATIONS = 1_000;

  private static final byte[] RECEIPT = ReceiptSamples.receipt().bytes();
  private static final Trust TRUST = new Trust.ByPolicy(TestLog.witnessed());

  /// Numbers and lines that mean something to one of the parsers.
  private static final List<byte[]> PIECES =
      List.of(
          new byte[] {0, 0, 0, 0},
          new byte[] {0, 0, 0, 1},
          new byte[] {-1, -1, -1, -1},
          new byte[] {127, -1, -1, -1},
          new byte[] {127, -64, 0, 0},
          new byte[] {-128, 0, 0, 0},
          new byte[] {-19, -96, -128},
          "TL".getBytes(StandardCharsets.US_ASCII),
          "\n\n".getBytes(StandardCharsets.US_ASCII),
          "\nhash ".getBytes(StandardCharsets.US_ASCII),
          "\nfield ".getBytes(StandardCharsets.US_ASCII),
          "\ncontinuation\n".getBytes(StandardCharsets.US_ASCII),
          "\nindex 9223372036854775808\n".getBytes(StandardCharsets.US_ASCII),
          "-".getBytes(StandardCharsets.US_ASCII),
          "==".getBytes(StandardCharsets.US_ASCII));

  @MethodSource("leaves")
  @FuzzTest(maxDuration = "30s")
  void leaf(byte[] bytes) {
    takesLeaf(bytes);
  }

  @MethodSource("sealedRecords")
  @FuzzTest(maxDuration = "30s")
  void sealedRecord(byte[] bytes) {
    takesSealed(bytes);
  }

  @MethodSource("receipts")
  @FuzzTest(maxDuration = "30s")
  void receipt(byte[] file) {
    takesReceipt(file);
  }

  /// What the fuzzers begin with.
  static Stream<byte[]> leaves() {
    return new Samples(5).all().map(record -> record.seal(Samples.seeded(5)).leaf().encode());
  }

  static Stream<byte[]> sealedRecords() {
    return new Samples(6).all().map(record -> record.seal(Samples.seeded(6)).encode());
  }

  static Stream<byte[]> receipts() {
    return Stream.of(RECEIPT);
  }

  @Test
  void leaf_mutated_refusedOrTheSame() {
    int taken = 0;
    for (Record record : new Samples(1).all().toList()) {
      byte[] bytes = record.seal(Samples.seeded(1)).leaf().encode();
      Random random = new Random(1);
      for (int i = 0; i < MUTATIONS; i++) {
        taken += takesLeaf(mutated(bytes, random)) ? 1 : 0;
      }
    }
    assertThat(taken).isPositive();
  }

  @Test
  void sealedRecord_mutated_refusedOrTheSame() {
    int taken = 0;
    for (Record record : new Samples(2).all().toList()) {
      byte[] bytes = record.seal(Samples.seeded(2)).encode();
      Random random = new Random(2);
      for (int i = 0; i < MUTATIONS; i++) {
        taken += takesSealed(mutated(bytes, random)) ? 1 : 0;
      }
    }
    assertThat(taken).isPositive();
  }

  @Test
  void receipt_mutated_refusedOrTheSame() {
    Random random = new Random(3);
    int taken = 0;
    for (int i = 0; i < MUTATIONS; i++) {
      taken += takesReceipt(mutated(RECEIPT, random)) ? 1 : 0;
    }
    assertThat(taken).isPositive();
  }

  /// Gets behind the base64, where leaves and fields are.
  @Test
  void receipt_mutatedInsideItsBase64_refusedOrTheSame() {
    String file = new String(RECEIPT, StandardCharsets.UTF_8);
    int end = file.indexOf("\n\n");
    Random random = new Random(4);
    int taken = 0;
    for (int i = 0; i < MUTATIONS; i++) {
      Matcher words = Pattern.compile("(?<= )[A-Za-z0-9+/]{20,}=*(?=[ \n])").matcher(file);
      words.find(random.nextInt(end - 2000));
      byte[] inside = mutated(Base64.getDecoder().decode(words.group()), random);
      String changed =
          file.substring(0, words.start())
              + Base64.getEncoder().encodeToString(inside)
              + file.substring(words.end());
      taken += takesReceipt(changed.getBytes(StandardCharsets.UTF_8)) ? 1 : 0;
    }
    assertThat(taken).isGreaterThan(MUTATIONS / 4);
  }

  private static boolean takesLeaf(byte[] bytes) {
    try {
      Leaf leaf = Leaf.decode(bytes);
      assertThat(leaf.encode()).isEqualTo(bytes);
      return true;
    } catch (RecordException e) {
      return false;
    }
  }

  /// Reads the record's values, too: they have one form.
  private static boolean takesSealed(byte[] bytes) {
    try {
      Sealed sealed = Sealed.decode(bytes);
      assertThat(sealed.encode()).isEqualTo(bytes);
      Record record = Record.of(sealed);
      Sealed again = record.seal(Samples.seeded(0));
      assertThat(OpenPart.join(again.leaves())).isEqualTo(OpenPart.join(sealed.leaves()));
      assertThat(data(again)).isEqualTo(data(sealed));
      return true;
    } catch (RecordException e) {
      return false;
    }
  }

  private static List<String> data(Sealed sealed) {
    return sealed.fields().stream().map(f -> HexFormat.of().formatHex(f.data())).toList();
  }

  /// The verifier never throws, and believes nothing that was changed.
  private static boolean takesReceipt(byte[] file) {
    List<Check> checks = ReceiptVerifier.verify(file, TRUST);
    if (checks.getFirst().ok()) {
      assertThat(Receipt.parse(file).bytes()).isEqualTo(file);
      assertThat(checks.stream().allMatch(Check::ok)).isEqualTo(Arrays.equals(file, RECEIPT));
    }
    return checks.getFirst().ok();
  }

  private static byte[] mutated(byte[] original, Random random) {
    byte[] bytes = original.clone();
    for (int i = random.nextInt(3); i >= 0; i--) {
      int at = random.nextInt(bytes.length);
      switch (random.nextInt(4)) {
        case 0 -> bytes[at] = (byte) random.nextInt(256);
        case 1 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
        case 2 -> bytes = spliced(bytes, at, new byte[0], random.nextInt(9));
        default -> {
          byte[] piece = PIECES.get(random.nextInt(PIECES.size()));
          bytes = spliced(bytes, at, piece, random.nextBoolean() ? piece.length : 0);
        }
      }
    }
    return bytes;
  }

  private static byte[] spliced(byte[] bytes, int at, byte[] piece, int without) {
    int rest = Math.min(bytes.length, at + without);
    byte[] out = Arrays.copyOf(bytes, at + piece.length + bytes.length - rest);
    System.arraycopy(piece, 0, out, at, piece.length);
    System.arraycopy(bytes, rest, out, at + piece.length, bytes.length - rest);
    return out.length == 0 ? new byte[1] : out;
  }
}
