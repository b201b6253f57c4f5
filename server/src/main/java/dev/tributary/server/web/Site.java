package dev.tributary.server.web;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/// The files that the page is made of, as they lie among the program's resources. There is nothing
/// to build: browsers read them as they are.
final class Site {
  /// The page itself is at `/`, what it loads below this.
  static final String FOLDER = "/page/";

  private static final String INDEX = "index.html";

  private static final List<String> FILES =
      List.of(
          INDEX,
          "style.css",
          "icon.svg",
          "app.js",
          "api.js",
          "view.js",
          "answers.js",
          "answer.js",
          "text.js",
          "adapters.js",
          "statement.js",
          "verify.js",
          "receipt.js",
          "record.js",
          "tlog.js",
          "pins.js");

  private static final Map<String, String> TYPES =
      Map.of(
          "html", Page.HTML,
          "css", "text/css; charset=utf-8",
          "js", "text/javascript; charset=utf-8",
          "svg", "image/svg+xml");

  private Site() {}

  /// All of them by path.
  static Map<String, Page> pages() {
    Map<String, Page> pages = new HashMap<>();
    for (String file : FILES) {
      byte[] body = read(file);
      String type = TYPES.get(file.substring(file.lastIndexOf('.') + 1));
      pages.put(
          file.equals(INDEX) ? "/" : FOLDER + file,
          Page.file(String.valueOf(type), "\"" + digest(body) + "\"", body));
    }
    return pages;
  }

  private static byte[] read(String file) {
    try (InputStream in = Site.class.getResourceAsStream(file)) {
      if (in == null) {
        throw new IllegalStateException("the program lacks its page's " + file);
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String digest(byte[] body) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(body), 0, 16);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java platform has SHA-256", e);
    }
  }
}
