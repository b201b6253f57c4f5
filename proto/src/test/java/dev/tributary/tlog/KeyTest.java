package dev.tributary.tlog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class KeyTest {
  private static final String PETER =
      "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
  private static final String SECRET =
      "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";

  /// RFC 8032, section 7.1: secret, public, message, signature.
  @ParameterizedTest
  @CsvSource({
    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60,"
        + " d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a, '',"
        + " e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb,"
        + " 3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c, 72,"
        + " 92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
  })
  void ed25519_isTheStandards(String secret, String key, String message, String signature) {
    byte[] seed = HexFormat.of().parseHex(secret);
    byte[] bytes = HexFormat.of().parseHex(message);
    assertThat(HexFormat.of().formatHex(Ed25519.publicOf(seed))).isEqualTo(key);
    byte[] signed = Ed25519.sign(Ed25519.privateKey(seed), bytes);
    assertThat(HexFormat.of().formatHex(signed)).isEqualTo(signature);
    assertThat(Ed25519.verifies(Ed25519.publicKey(Ed25519.publicOf(seed)), bytes, signed)).isTrue();
  }

  @Test
  void parse_whatFormatGives() {
    for (int round = 0; round < 50; round++) {
      SigningKey key = SigningKey.generate("example.com/\u00e9" + round, new SecureRandom());
      SigningKey again = SigningKey.parse(key.text());
      assertThat(again.text()).isEqualTo(key.text());
      assertThat(again.verifierKey()).isEqualTo(key.verifierKey());
      VerifierKey verifier = VerifierKey.parse(key.verifierKey().toString());
      assertThat(verifier).isEqualTo(key.verifierKey()).hasSameHashCodeAs(key.verifierKey());
      assertThat(verifier).isNotEqualTo(key.cosignerKey());
      byte[] text = "text\n".getBytes(StandardCharsets.UTF_8);
      assertThat(verifier.verifies(text, again.sign("text\n"))).isTrue();
      assertThat(verifier.verifies(text, again.sign("test\n"))).isFalse();
    }
  }

  @Test
  void everyChangeOfAByte_isRefused() {
    for (int change = 1; change < 128; change++) {
      for (int at = 0; at < PETER.length(); at++) {
        String changed = changed(PETER, at, change);
        assertThatExceptionOfType(TlogException.class)
            .as(changed)
            .isThrownBy(() -> VerifierKey.parse(changed));
      }
      for (int at = 0; at < SECRET.length(); at++) {
        String changed = changed(SECRET, at, change);
        assertThatExceptionOfType(TlogException.class)
            .as(changed)
            .isThrownBy(() -> SigningKey.parse(changed));
      }
    }
  }

  private static String changed(String text, int at, int change) {
    return text.substring(0, at) + (char) (text.charAt(at) ^ change) + text.substring(at + 1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "+",
        "++",
        "PeterNeumann",
        "PeterNeumann+c74f20a3",
        "PeterNeumann+c74f20a3+",
        "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY=="
      })
  void parse_notAKey_isRefused(String vkey) {
    assertThatExceptionOfType(TlogException.class).isThrownBy(() -> VerifierKey.parse(vkey));
  }

  /// Half of all y are of no point; those and the ones above the field's prime have to be told.
  @Test
  void constructor_bytesOfNoPoint_isRefused() {
    Random random = new Random(1);
    int refused = 0;
    for (int round = 0; round < 200; round++) {
      byte[] bytes = new byte[32];
      random.nextBytes(bytes);
      try {
        VerifierKey key = new VerifierKey("k", VerifierKey.Type.NOTE, bytes);
        assertThat(VerifierKey.parse(key.toString())).isEqualTo(key);
      } catch (TlogException _) {
        refused++;
      }
    }
    assertThat(refused).isBetween(60, 140);
    for (int low = 0xed; low <= 0xff; low++) {
      byte[] bytes = HexFormat.of().parseHex("ff".repeat(31) + "7f");
      bytes[0] = (byte) low;
      assertThatExceptionOfType(TlogException.class)
          .isThrownBy(() -> new VerifierKey("k", VerifierKey.Type.NOTE, bytes));
    }
  }
}
