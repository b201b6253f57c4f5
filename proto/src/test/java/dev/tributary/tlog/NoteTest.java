package dev.tributary.tlog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NoteTest {
  /// Of C2SP signed-note.
  private static final VerifierKey FOO =
      VerifierKey.parse("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k");

  private static final String FOO_NOTE =
      """
      This is an example message.

      \u2014 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
      """;

  /// Of the documentation of Go's sumdb/note.
  private static final VerifierKey PETER =
      VerifierKey.parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");

  private static final String PETER_SECRET =
      "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";

  private static final String PETER_TEXT =
      """
      If you think cryptography is the answer to your problem,
      then you don't know what your problem is.
      """;

  private static final String PETER_LINE =
      "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=";

  private static final NoteSignature LINE = NoteSignature.parse(PETER_LINE);

  @Test
  void signedBy_publishedNotes() {
    assertThat(Note.parse(FOO_NOTE).signedBy(FOO)).isTrue();
    assertThat(Note.parse(FOO_NOTE).signedBy(PETER)).isFalse();
    Note peter = Note.parse(PETER_TEXT + "\n" + PETER_LINE + "\n");
    assertThat(peter.signedBy(PETER)).isTrue();
    assertThat(peter.signedBy(FOO)).isFalse();
  }

  @Test
  void sign_isThePublishedNote() {
    SigningKey key = SigningKey.parse(PETER_SECRET);
    assertThat(key.verifierKey()).isEqualTo(PETER);
    assertThat(key.text()).isEqualTo(PETER_SECRET);
    assertThat(key.signed(PETER_TEXT)).hasToString(PETER_TEXT + "\n" + PETER_LINE + "\n");
    assertThat(key.toString()).doesNotContain("AYEKFALVFGyNhPJEMzD1QIDr");
  }

  /// The text ends at the last empty line, so it can have empty lines itself, even at its end.
  @ParameterizedTest
  @ValueSource(
      strings = {
        "\n",
        "\n\n",
        "a\n",
        "a\n\nb\n\n\n",
        "\n\u2014 x AAAAAAA=\n",
        "\u00e9\ud83d\ude00 \u2028\n"
      })
  void parse_anyText(String text) {
    Note note = SigningKey.parse(PETER_SECRET).signed(text);
    assertThat(Note.parse(note.bytes())).isEqualTo(note);
    assertThat(Note.parse(note.toString()).signedBy(PETER)).isTrue();
  }

  @Test
  void parse_whatFormatGives() {
    Random random = new Random(1);
    for (int round = 0; round < 500; round++) {
      String text = Texts.random(random, 200, "\n \u2014abc+\u00e9\ud83d\ude00") + "\n";
      List<NoteSignature> signatures =
          random
              .ints(1 + random.nextInt(5))
              .mapToObj(id -> new NoteSignature(name(random), id, bytes(random)))
              .toList();
      Note note = new Note(text, signatures);
      assertThat(Note.parse(note.bytes())).isEqualTo(note);
      assertThat(Note.parse(note.toString())).hasToString(note.toString());
    }
  }

  private static String name(Random random) {
    return "n" + Texts.random(random, 10, "a/.\u2014\u00e9");
  }

  private static byte[] bytes(Random random) {
    byte[] bytes = new byte[1 + random.nextInt(100)];
    random.nextBytes(bytes);
    return bytes;
  }

  @Test
  void everyChangeOfAByte_isRefused() {
    byte[] note = FOO_NOTE.getBytes(StandardCharsets.UTF_8);
    for (int at = 0; at < note.length; at++) {
      for (int change = 1; change < 256; change += 1 + at % 7) {
        byte[] changed = note.clone();
        changed[at] ^= (byte) change;
        assertThat(holds(changed, FOO)).as("byte %d changed by %d", at, change).isFalse();
      }
    }
    assertThat(holds(note, FOO)).isTrue();
  }

  private static boolean holds(byte[] note, VerifierKey key) {
    try {
      return Note.parse(note).signedBy(key);
    } catch (TlogException _) {
      return false;
    }
  }

  @Test
  void signedBy_aForgedLineBesideATrueOne_isFalse() {
    byte[] forged = LINE.bytes();
    forged[3] ^= 1;
    Note note = new Note(PETER_TEXT, List.of(LINE));
    assertThat(note.with(new NoteSignature(LINE.name(), LINE.id(), forged)).signedBy(PETER))
        .isFalse();
    assertThat(note.with(new NoteSignature(LINE.name(), LINE.id() + 1, forged)).signedBy(PETER))
        .isTrue();
    assertThat(note.with(new NoteSignature("another", LINE.id(), forged)).signedBy(PETER)).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "\n",
        "text\n",
        "text\n\n",
        "text\n\n\u2014 a AAAAAAA=",
        "text\n\u2014 a AAAAAAA=\n",
        "text\n\n- a AAAAAAA=\n",
        "text\n\n\u2014  AAAAAAA=\n",
        "text\n\n\u2014 a\n",
        "text\n\n\u2014 a AAAAAAA=\nmore\n",
        "text\n\n\u2014 a AAAAAAA= \n",
        "text\n\n\u2014 a AAAAAAA\n",
        "text\n\n\u2014 a AAAAAAB=\n",
        "text\n\n\u2014 a AAAAAA==\n",
        "text\n\n\u2014 a b AAAAAAA=\n",
        "text\n\n\u2014 a+b AAAAAAA=\n",
        "text\n\n\u2014 a\u2003b AAAAAAA=\n",
        "text\n\n\u2014 a\u0085b AAAAAAA=\n",
        "te\txt\n\n\u2014 a AAAAAAA=\n",
        "text\r\n\n\u2014 a AAAAAAA=\n",
        "te\ud800xt\n\n\u2014 a AAAAAAA=\n"
      })
  void parse_notANote_isRefused(String note) {
    assertThatExceptionOfType(TlogException.class).isThrownBy(() -> Note.parse(note));
  }

  @Test
  void parse_bounds() {
    Note most = new Note("text\n", Collections.nCopies(Note.MAX_SIGNATURES, LINE));
    assertThat(Note.parse(most.bytes())).isEqualTo(most);
    assertThatExceptionOfType(TlogException.class).isThrownBy(() -> most.with(LINE));
    assertThatExceptionOfType(TlogException.class)
        .isThrownBy(() -> Note.parse(most + PETER_LINE + "\n"));
    assertThatExceptionOfType(TlogException.class)
        .isThrownBy(() -> Note.parse(new byte[Note.MAX_BYTES + 1]));
    assertThatExceptionOfType(TlogException.class)
        .isThrownBy(() -> Note.parse(new byte[] {'a', '\n', (byte) 0xff, '\n'}));
    assertThatExceptionOfType(TlogException.class)
        .isThrownBy(() -> SigningKey.parse(PETER_SECRET).sign("no newline"));
  }

  @Test
  void cosign_isNotANotesSignature() {
    SigningKey key = SigningKey.generate("witness.example/w1", new SecureRandom());
    String text = new Checkpoint("example.com/log", 0, Merkle.EMPTY).text();
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    NoteSignature cosignature = key.cosign(text, 1_679_315_147);
    assertThat(key.cosignerKey().verifies(bytes, cosignature)).isTrue();
    assertThat(key.verifierKey().verifies(bytes, cosignature)).isFalse();
    assertThat(key.cosignerKey().verifies(bytes, key.sign(text))).isFalse();
    assertThat(key.cosignerKey().id()).isNotEqualTo(key.verifierKey().id());
    assertThat(VerifierKey.parse(key.cosignerKey().toString())).isEqualTo(key.cosignerKey());
    byte[] changed = cosignature.bytes();
    for (int at = 0; at < changed.length; at++) {
      changed[at] ^= 1;
      NoteSignature forged = new NoteSignature(cosignature.name(), cosignature.id(), changed);
      assertThat(key.cosignerKey().verifies(bytes, forged)).as("byte %d", at).isFalse();
      changed[at] ^= 1;
    }
    assertThatExceptionOfType(TlogException.class).isThrownBy(() -> key.cosign(text, -1));
    assertThatExceptionOfType(TlogException.class).isThrownBy(() -> key.cosign("no tree\n", 1));
  }
}
