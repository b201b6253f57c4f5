package dev.tributary.tlog;

import java.nio.ByteBuffer;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.List;

/// A private Ed25519 key with its name. Its text is that of Go's `sumdb/note`:
/// `PRIVATE+KEY+NAME+HEX ID+BASE64(1 || seed)`.
public final class SigningKey {
  private static final String PREFIX = "PRIVATE+KEY+";

  private final byte[] seed;
  private final PrivateKey key;
  private final VerifierKey verifier;
  private final VerifierKey cosigner;

  private SigningKey(String name, byte[] seed) {
    this.seed = seed;
    this.key = Ed25519.privateKey(seed);
    this.verifier = new VerifierKey(name, VerifierKey.Type.NOTE, Ed25519.publicOf(seed));
    this.cosigner = verifier.cosigner();
  }

  /// @throws TlogException for a name that no key can have
  public static SigningKey generate(String name, SecureRandom random) {
    byte[] seed = new byte[Ed25519.KEY_BYTES];
    random.nextBytes(seed);
    return new SigningKey(name, seed);
  }

  /// @throws TlogException if it is anything but what [#text] gives; the message tells nothing of
  ///   the key
  public static SigningKey parse(String text) {
    String[] parts = text.split("\\+", 5);
    if (!text.startsWith(PREFIX) || parts.length != 5) {
      throw new TlogException("a private key is PRIVATE+KEY+name+id+key");
    }
    SigningKey key = new SigningKey(Canonical.keyName(parts[2]), seed(parts[4]));
    if (!key.text().equals(text)) {
      throw new TlogException(
          "the private key of "
              + Canonical.quoted(parts[2])
              + " is not of the id it is said to be");
    }
    return key;
  }

  private static byte[] seed(String base64) {
    byte[] typed;
    try {
      typed = Canonical.base64("a private key", base64);
    } catch (TlogException _) {
      throw new TlogException("a private key is not canonical base64");
    }
    if (typed.length != 1 + Ed25519.KEY_BYTES || typed[0] != 1) {
      throw new TlogException("a private key is not one of Ed25519");
    }
    return Arrays.copyOfRange(typed, 1, typed.length);
  }

  public String name() {
    return verifier.name();
  }

  /// The private key as text, without a newline. A secret.
  public String text() {
    return PREFIX
        + verifier.name()
        + "+"
        + VerifierKey.hex(verifier.id())
        + "+"
        + Canonical.base64(VerifierKey.typed(VerifierKey.Type.NOTE, seed));
  }

  /// What checks [#sign].
  public VerifierKey verifierKey() {
    return verifier;
  }

  /// What checks [#cosign].
  public VerifierKey cosignerKey() {
    return cosigner;
  }

  /// @param text of a note, with its last newline
  /// @throws TlogException if no note can have that text
  public NoteSignature sign(String text) {
    byte[] signature = Ed25519.sign(key, Note.checkedText(text));
    return new NoteSignature(verifier.name(), verifier.id(), signature);
  }

  /// A note of that text with this signature alone.
  public Note signed(String text) {
    return new Note(text, List.of(sign(text)));
  }

  /// What a witness says of a checkpoint; see [Cosignature].
  ///
  /// @param text of the checkpoint's note, with its last newline
  /// @param time seconds since 1970
  /// @throws TlogException if the text is not a checkpoint's or the time is before 1970
  public NoteSignature cosign(String text, long time) {
    Checkpoint.parse(text);
    if (time < 0) {
      throw new TlogException("a cosignature's time is " + time + ", before 1970");
    }
    byte[] signature = Ed25519.sign(key, Cosignature.message(time, Note.checkedText(text)));
    byte[] timed =
        ByteBuffer.allocate(Long.BYTES + signature.length).putLong(time).put(signature).array();
    return new NoteSignature(cosigner.name(), cosigner.id(), timed);
  }

  /// The public half.
  @Override
  public String toString() {
    return verifier.toString();
  }
}
