package dev.tributary.tlog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TlogProofTest {
  private static final SigningKey LOG = SigningKey.generate("example.com/log", new SecureRandom());
  private static final List<Hash> LEAVES =
      IntStream.range(0, 100)
          .mapToObj(i -> Merkle.leaf(("entry " + i).getBytes(StandardCharsets.UTF_8)))
          .toList();

  private static TlogProof proof(int index, int size) {
    List<Hash> leaves = LEAVES.subList(0, size);
    Note note = LOG.signed(new Checkpoint(LOG.name(), size, Merkle.root(leaves)).text());
    return new TlogProof(index, Merkle.inclusionProof(index, size, Merkle.of(leaves)), note);
  }

  @Test
  void includes_itsLeafOnly() {
    for (int size : new int[] {1, 2, 3, 64, 65, 100}) {
      for (int index = 0; index < size; index++) {
        TlogProof proof = TlogProof.parse(proof(index, size).bytes());
        assertThat(proof).isEqualTo(proof(index, size));
        assertThat(proof.includes(LEAVES.get(index))).isTrue();
        assertThat(proof.includes(Merkle.leaf(new byte[0]))).isFalse();
      }
    }
  }

  @Test
  void everyChangeOfAByte_isRefused() {
    Policy policy = Policy.of(LOG.verifierKey());
    byte[] bytes = proof(41, 77).bytes();
    for (int at = 0; at < bytes.length; at++) {
      for (int bit = 0; bit < 8; bit++) {
        byte[] changed = bytes.clone();
        changed[at] ^= (byte) (1 << bit);
        assertThat(holds(changed, policy)).as("bit %d of byte %d", bit, at).isFalse();
      }
    }
    assertThat(holds(bytes, policy)).isTrue();
  }

  private static boolean holds(byte[] bytes, Policy policy) {
    try {
      TlogProof proof = TlogProof.parse(bytes);
      return proof.includes(LEAVES.get(41)) && policy.check(proof.checkpoint()).holds();
    } catch (TlogException _) {
      return false;
    }
  }

  @ParameterizedTest
  @CsvSource({
    "c2sp.org/tlog-proof@v1, c2sp.org/tlog-proof@v2",
    "'index 41', 'extra AAAA\nindex 41'",
    "'index 41', 'index 041'",
    "'index 41', 'index -1'",
    "'index 41', 'index 77'",
    "'index 41', 'index 9223372036854775808'",
    "'index 41', 'Index 41'",
    "'index 41', '41'",
    "'index 41\n', 'index 41\n\n'",
    "'index 41\n', ''",
    "'\n\n', '\n'",
    "'=\n\n', '\n\n'"
  })
  void parse_notAProof_isRefused(String from, String to) {
    String proof = proof(41, 77).toString();
    assertThat(proof).contains(from);
    assertThatExceptionOfType(TlogException.class)
        .isThrownBy(() -> TlogProof.parse(proof.replaceFirst(from, to)));
  }

  @Test
  void constructor_bounds() {
    TlogProof proof = proof(3, 10);
    List<Hash> most = Collections.nCopies(Merkle.MAX_INCLUSION, Merkle.EMPTY);
    TlogProof longest = new TlogProof(3, most, proof.checkpoint());
    assertThat(TlogProof.parse(longest.toString())).isEqualTo(longest);
    assertThat(longest.includes(LEAVES.get(3))).isFalse();
    String more = longest.toString().replaceFirst("\n\n", "\n" + Merkle.EMPTY.base64() + "\n\n");
    assertThatExceptionOfType(TlogException.class).isThrownBy(() -> TlogProof.parse(more));
    assertThatExceptionOfType(TlogException.class)
        .isThrownBy(() -> new TlogProof(10, proof.hashes(), proof.checkpoint()));
    assertThatExceptionOfType(TlogException.class)
        .isThrownBy(() -> new TlogProof(0, List.of(), LOG.signed("no checkpoint\n")));
  }
}
