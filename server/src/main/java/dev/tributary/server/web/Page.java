package dev.tributary.server.web;

import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/// What a path shows.
///
/// @param status of HTTP
/// @param cache who may keep it and how long, as the header Cache-Control says it
/// @param tag in quotes, by which a browser asks whether what it keeps is still this (ETag); null:
///   it can't
public record Page(
    int status, String contentType, String cache, @Nullable String tag, byte[] body) {
  static final String PLAIN = "text/plain; charset=utf-8";
  static final String HTML = "text/html; charset=utf-8";

  private static final String JSON = "application/json";
  private static final int OK = 200;
  private static final int NOT_MODIFIED = 304;

  /// By nobody.
  static final String NO_STORE = "no-store";

  /// By the browser, which asks each time whether it is still this.
  private static final String ASK = "no-cache";

  /// @param body that nobody may keep
  public Page(int status, String contentType, byte[] body) {
    this(status, contentType, NO_STORE, body);
  }

  Page(int status, String contentType, String cache, byte[] body) {
    this(status, contentType, cache, null, body);
  }

  static Page text(int status, String text) {
    return new Page(status, PLAIN, text.getBytes(StandardCharsets.UTF_8));
  }

  /// Which nobody may keep.
  public static Page json(int status, byte[] body) {
    return new Page(status, JSON, body);
  }

  /// A file that changes with the program alone.
  static Page file(String contentType, String tag, byte[] body) {
    return new Page(OK, contentType, ASK, tag, body);
  }

  /// This, or that the browser has it already.
  ///
  /// @param known the header If-None-Match; empty for none
  Page unless(String known) {
    return tag != null && known.contains(tag)
        ? new Page(NOT_MODIFIED, contentType, cache, tag, new byte[0])
        : this;
  }
}
