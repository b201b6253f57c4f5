package dev.tributary.tlog;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/// Whatever the bytes are, a parser refuses them with its own exception, or what it makes of them
/// is written as the same bytes.
class TlogFuzzTest {
  private static final int MUTATIONS = 1_500;

  private static final SigningKey LOG = SigningKey.generate("example.com/log", new SecureRandom());
  private static final SigningKey WITNESS = SigningKey.generate("w", new SecureRandom());
  private static final List<Hash> LEAVES =
      List.of(Merkle.leaf(new byte[] {1}), Merkle.leaf(new byte[] {2}), Merkle.EMPTY);
  private static final String TREE =
      new Checkpoint("example.com/log", 3, Merkle.root(LEAVES)).text();
  private static final Note NOTE = LOG.signed(TREE).with(WITNESS.cosign(TREE, 1_700_000_000));
  private static final TlogProof PROOF =
      new TlogProof(1, Merkle.inclusionProof(1, 3, Merkle.of(LEAVES)), NOTE);
  private static final Policy POLICY =
      new Policy(
          List.of(new Policy.Log(LOG.verifierKey(), Optional.of("https://a.example/"))),
          List.of(new Policy.Witness("one", WITNESS.cosignerKey(), Optional.empty())),
          List.of(new Policy.Group("all-of-them", 1, List.of("one"))),
          "all-of-them");

  /// Pieces that mean something to one of the parsers.
  private static final List<String> TOKENS =
      List.of(
          "\n",
          "\n\n",
          "\u2014 ",
          "\u2014",
          " ",
          "+",
          "=",
          "==",
          "/",
          "A",
          "0",
          "-1",
          "00",
          "x000/",
          "x001/",
          ".p/",
          ".p/256",
          "tile/",
          "entries",
          "index ",
          "extra ",
          "PRIVATE+KEY+",
          "log ",
          "witness ",
          "group ",
          "any ",
          "all ",
          "quorum ",
          "none",
          "#",
          "\t",
          "\r",
          "\u0000",
          "\u007f",
          "\u0085",
          "\u00a0",
          "\u2003",
          "\u00e9",
          "9223372036854775807",
          "9223372036854775808",
          "18446744073709551616",
          "4294967297",
          "c2sp.org/tlog-proof@v1\n",
          NOTE.signatures().getFirst() + "\n",
          LOG.verifierKey().toString(),
          Merkle.EMPTY.base64());

  @FuzzTest(maxDuration = "30s")
  void note(byte[] bytes) {
    note(bytes, NOTE);
  }

  private static boolean note(byte[] bytes, Note original) {
    return same(
        bytes,
        b -> {
          Note note = Note.parse(b);
          if (note.signedBy(LOG.verifierKey())) {
            assertThat(note.text()).isEqualTo(original.text());
          }
          return note.bytes();
        });
  }

  @FuzzTest(maxDuration = "30s")
  void proof(byte[] bytes) {
    same(bytes, b -> TlogProof.parse(b).bytes());
  }

  @FuzzTest(maxDuration = "30s")
  void policy(byte[] bytes) {
    policyKeepsItsMeaning(bytes);
  }

  @FuzzTest(maxDuration = "30s")
  void lines(byte[] bytes) {
    same(bytes, text(t -> Checkpoint.parse(t).text()));
    same(bytes, text(t -> VerifierKey.parse(t).toString()));
    same(bytes, text(t -> SigningKey.parse(t).text()));
    same(bytes, text(t -> NoteSignature.parse(t).toString()));
    same(bytes, text(t -> TilePath.parse(t).toString()));
  }

  @Test
  void note_mutated() {
    assertThat(mutations(NOTE.toString(), 1, bytes -> note(bytes, NOTE)))
        .isBetween(1, MUTATIONS / 2);
  }

  @Test
  void proof_mutated() {
    assertThat(mutations(PROOF.toString(), 2, b -> same(b, c -> TlogProof.parse(c).bytes())))
        .isBetween(1, MUTATIONS / 2);
  }

  @Test
  void policy_mutated() {
    assertThat(mutations(POLICY.text(), 3, TlogFuzzTest::policyKeepsItsMeaning))
        .isBetween(1, MUTATIONS);
  }

  @Test
  void checkpoint_mutated() {
    assertThat(mutations(TREE, 4, b -> same(b, text(t -> Checkpoint.parse(t).text()))))
        .isBetween(1, MUTATIONS);
  }

  @Test
  void signatureLine_mutated() {
    String line = NOTE.signatures().getFirst().toString();
    assertThat(mutations(line, 5, b -> same(b, text(t -> NoteSignature.parse(t).toString()))))
        .isBetween(1, MUTATIONS);
  }

  /// The id would let an accepted change through once in 2^32 times.
  @Test
  void keys_mutated() {
    String vkey = LOG.verifierKey().toString();
    mutations(vkey, 6, b -> same(b, text(t -> VerifierKey.parse(t).toString())));
    mutations(LOG.text(), 7, b -> same(b, text(t -> SigningKey.parse(t).text())));
  }

  @Test
  void tilePath_mutated() {
    String path = "tile/3/x012/x345/678.p/90";
    assertThat(mutations(path, 8, b -> same(b, text(t -> TilePath.parse(t).toString()))))
        .isBetween(1, MUTATIONS);
  }

  private static boolean policyKeepsItsMeaning(byte[] bytes) {
    try {
      Policy policy = Policy.parse(bytes);
      assertThat(Policy.parse(policy.bytes())).isEqualTo(policy);
      assertThat(policy.check(NOTE).checkpoint().size()).isEqualTo(3);
      return true;
    } catch (TlogException e) {
      assertThat(e).hasMessageMatching("[ -~]{1,1000}");
      return false;
    }
  }

  /// Whether the bytes were taken. Then they are what was written of them.
  private static boolean same(byte[] bytes, Function<byte[], byte[]> parseAndWrite) {
    byte[] written;
    try {
      written = parseAndWrite.apply(bytes);
    } catch (TlogException e) {
      assertThat(e).hasMessageMatching("[ -~]{1,1000}");
      return false;
    }
    assertThat(written).isEqualTo(bytes);
    return true;
  }

  /// For parsers of strings: bytes that are no UTF-8 never reach them.
  private static Function<byte[], byte[]> text(Function<String, String> parseAndWrite) {
    return bytes ->
        Canonical.utf8("text", parseAndWrite.apply(Canonical.utf8("the fuzzed text", bytes)));
  }

  /// How many of the mutated texts were taken.
  private static int mutations(String original, int seed, Function<byte[], Boolean> parser) {
    byte[] bytes = original.getBytes(StandardCharsets.UTF_8);
    assertThat(parser.apply(bytes)).isTrue();
    Random random = new Random(seed);
    int taken = 0;
    for (int i = 0; i < MUTATIONS; i++) {
      taken += parser.apply(mutated(bytes, random)) ? 1 : 0;
    }
    return taken;
  }

  /// One to three edits: a bit, a byte, a token put in or over, a piece cut out or doubled.
  private static byte[] mutated(byte[] original, Random random) {
    byte[] bytes = original;
    int edits = 1 + random.nextInt(3);
    for (int i = 0; i < edits; i++) {
      bytes = bytes.length == 0 ? new byte[1] : bytes.clone();
      int at = random.nextInt(bytes.length);
      int length = random.nextInt(Math.min(16, bytes.length - at) + 1);
      byte[] token = TOKENS.get(random.nextInt(TOKENS.size())).getBytes(StandardCharsets.UTF_8);
      bytes =
          switch (random.nextInt(6)) {
            case 0 -> with(bytes, at, (byte) (bytes[at] ^ (1 << random.nextInt(8))));
            case 1 -> with(bytes, at, (byte) random.nextInt());
            case 2 -> spliced(bytes, at, 0, token);
            case 3 -> spliced(bytes, at, Math.min(token.length, bytes.length - at), token);
            case 4 -> spliced(bytes, at, length, new byte[0]);
            default -> spliced(bytes, at, 0, Arrays.copyOfRange(bytes, at, at + length));
          };
    }
    return bytes;
  }

  private static byte[] with(byte[] bytes, int at, byte value) {
    bytes[at] = value;
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
