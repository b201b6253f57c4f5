package dev.tributary.server.web;

import java.nio.charset.StandardCharsets;

/// What a path shows.
///
/// @param status of HTTP
/// @param cache who may keep it and how long, as the header Cache-Control says it
public record Page(int status, String contentType, String cache, byte[] body) {
  static final String PLAIN = "text/plain; charset=utf-8";

  /// By nobody.
  static final String NO_STORE = "no-store";

  /// @param body that nobody may keep
  public Page(int status, String contentType, byte[] body) {
    this(status, contentType, NO_STORE, body);
  }

  static Page text(int status, String text) {
    return new Page(status, PLAIN, text.getBytes(StandardCharsets.UTF_8));
  }
}
