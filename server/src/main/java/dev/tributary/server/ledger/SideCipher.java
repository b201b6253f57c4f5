package dev.tributary.server.ledger;

import dev.tributary.tlog.Merkle;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Arrays;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/// AES-256-GCM under a key that is used once, bound to the leaf whose record it hides.
///
/// The nonce is constant, which is safe since no key ever meets a second text. The hash of the leaf
/// is authenticated with it: the leaf's index would not be known yet on the thread that encrypts.
final class SideCipher {
  static final int KEY_BYTES = 32;
  static final int TAG_BYTES = 16;

  private static final byte[] NONCE = new byte[12];
  private static final SecureRandom RANDOM = new SecureRandom();

  private SideCipher() {}

  /// Draws a key and encrypts.
  ///
  /// @return key, ciphertext and tag, one after the other
  static byte[] seal(byte[] text, byte[] leaf) {
    byte[] key = new byte[KEY_BYTES];
    RANDOM.nextBytes(key);
    try {
      Cipher cipher = cipher(Cipher.ENCRYPT_MODE, key, leaf);
      byte[] sealed = new byte[KEY_BYTES + text.length + TAG_BYTES];
      System.arraycopy(key, 0, sealed, 0, KEY_BYTES);
      cipher.doFinal(text, 0, text.length, sealed, KEY_BYTES);
      return sealed;
    } catch (GeneralSecurityException e) {
      throw new AssertionError("every Java platform has AES-GCM", e);
    } finally {
      Arrays.fill(key, (byte) 0);
    }
  }

  /// What was sealed.
  ///
  /// @param sealed ciphertext and tag
  /// @throws AEADBadTagException if key, ciphertext or leaf are not those of one another
  static byte[] open(byte[] key, byte[] sealed, byte[] leaf) throws AEADBadTagException {
    try {
      return cipher(Cipher.DECRYPT_MODE, key, leaf).doFinal(sealed);
    } catch (AEADBadTagException e) {
      throw e;
    } catch (GeneralSecurityException e) {
      throw new AssertionError("every Java platform has AES-GCM", e);
    }
  }

  private static Cipher cipher(int mode, byte[] key, byte[] leaf) throws GeneralSecurityException {
    Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
    cipher.init(mode, new SecretKeySpec(key, "AES"), new GCMParameterSpec(8 * TAG_BYTES, NONCE));
    cipher.updateAAD(Merkle.leaf(leaf).bytes());
    return cipher;
  }
}
