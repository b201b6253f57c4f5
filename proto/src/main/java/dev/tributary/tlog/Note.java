package dev.tributary.tlog;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/// Text with the signatures of one or more keys (C2SP signed-note). A parsed note is as good as
/// unsigned until [#signedBy] or a [Policy] has looked at it.
///
/// @param text with its last newline; no control characters but newlines
/// @param signatures at least one
public record Note(String text, List<NoteSignature> signatures) {
  /// Most bytes of a note, signatures included.
  public static final int MAX_BYTES = 1 << 20;

  /// Most signatures.
  public static final int MAX_SIGNATURES = 100;

  /// @throws TlogException if no note can have that text or so many signatures
  public Note {
    checkedText(text);
    signatures = List.copyOf(signatures);
    if (signatures.isEmpty() || signatures.size() > MAX_SIGNATURES) {
      throw new TlogException(
          "a note has 1 to " + MAX_SIGNATURES + " signatures, not " + signatures.size());
    }
  }

  /// @throws TlogException if it is anything but a note in canonical form
  public static Note parse(byte[] note) {
    if (note.length > MAX_BYTES) {
      throw new TlogException("a note has at most " + MAX_BYTES + " bytes, not " + note.length);
    }
    return parse(Canonical.utf8("the note", note));
  }

  /// @throws TlogException if it is anything but a note in canonical form
  public static Note parse(String note) {
    if (note.length() > MAX_BYTES) {
      throw new TlogException("a note has at most " + MAX_BYTES + " bytes");
    }
    int blank = note.lastIndexOf("\n\n");
    if (blank < 0) {
      throw new TlogException("a note has an empty line between text and signatures");
    }
    if (!note.endsWith("\n") || blank + 2 == note.length()) {
      throw new TlogException("a note ends with a signature line and its newline");
    }
    List<NoteSignature> signatures = new ArrayList<>();
    for (String line : note.substring(blank + 2, note.length() - 1).split("\n", -1)) {
      if (signatures.size() == MAX_SIGNATURES) {
        throw new TlogException("a note has at most " + MAX_SIGNATURES + " signatures");
      }
      signatures.add(NoteSignature.parse(line));
    }
    return new Note(note.substring(0, blank + 1), signatures);
  }

  /// Whether at least one line names this key, and every line that does is truly its.
  public boolean signedBy(VerifierKey key) {
    List<NoteSignature> claims = signatures.stream().filter(key::claimedBy).toList();
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return !claims.isEmpty() && claims.stream().allMatch(s -> key.verifies(bytes, s));
  }

  /// The same note with one signature more, as the last line.
  ///
  /// @throws TlogException if there are as many as there may be
  public Note with(NoteSignature signature) {
    List<NoteSignature> more = new ArrayList<>(signatures);
    more.add(signature);
    return new Note(text, more);
  }

  /// The note as it is written: what [#parse(String)] takes.
  @Override
  public String toString() {
    StringBuilder out = new StringBuilder(text).append('\n');
    signatures.forEach(s -> out.append(s).append('\n'));
    return out.toString();
  }

  /// The note in UTF-8.
  public byte[] bytes() {
    return toString().getBytes(StandardCharsets.UTF_8);
  }

  /// The text in UTF-8.
  ///
  /// @throws TlogException unless it ends in a newline and has no other control characters
  static byte[] checkedText(String text) {
    if (!text.endsWith("\n")) {
      throw new TlogException("the text of a note ends with a newline");
    }
    int control = 0;
    while (control < text.length()
        && (text.charAt(control) >= ' ' || text.charAt(control) == '\n')) {
      control++;
    }
    if (control < text.length()) {
      throw new TlogException("a control character at " + control + " of the text of a note");
    }
    byte[] bytes = Canonical.utf8("the text of a note", text);
    if (bytes.length > MAX_BYTES) {
      throw new TlogException("a note has at most " + MAX_BYTES + " bytes");
    }
    return bytes;
  }
}
