package dev.tributary.server.web;

import java.nio.charset.StandardCharsets;

/// What a path shows.
///
/// @param status of HTTP
public record Page(int status, String contentType, byte[] body) {
  static final String PLAIN = "text/plain; charset=utf-8";

  static Page text(int status, String text) {
    return new Page(status, PLAIN, text.getBytes(StandardCharsets.UTF_8));
  }
}
