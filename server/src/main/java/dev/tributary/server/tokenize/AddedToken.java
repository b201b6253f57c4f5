package dev.tributary.server.tokenize;

/// A token that is found in text before anything else is cut.
///
/// @param control whether it steers the model (special, in Hugging Face's word)
/// @param leftStrip whether it takes the white space before it
/// @param rightStrip whether it takes the white space after it
/// @param normalized whether it is looked for in normalised text
record AddedToken(
    int id,
    String content,
    boolean control,
    boolean leftStrip,
    boolean rightStrip,
    boolean normalized) {
  /// A token that is found as it is written, wherever it stands.
  static AddedToken plain(int id, String content, boolean control) {
    return new AddedToken(id, content, control, false, false, false);
  }
}
