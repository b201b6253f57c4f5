package dev.tributary.server.state;

import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// The bounds of what is stored. A caller that breaks one has a bug: requests are validated before,
/// with the field's path.
final class Checks {
  /// Rows of one page.
  static final int MAX_PAGE = 10_000;

  private static final Pattern LABEL = Pattern.compile("[a-z][a-z0-9-]{0,62}");
  private static final Pattern ADAPTER = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,62}");
  private static final Pattern DIGEST = Pattern.compile("sha256:[0-9a-f]{64}");

  private Checks() {}

  static void tenant(String name) {
    require(LABEL.matcher(name).matches(), "tenant name", name);
  }

  static void alias(String name) {
    require(LABEL.matcher(name).matches(), "alias", name);
  }

  static void adapter(String name) {
    require(ADAPTER.matcher(name).matches(), "adapter name", name);
  }

  static void digest(String digest) {
    require(DIGEST.matcher(digest).matches(), "digest", digest);
  }

  /// @param most characters
  static void text(String what, String text, int most) {
    if (text.length() > most) {
      throw new IllegalArgumentException(
          "%s has %d characters, at most %d are kept".formatted(what, text.length(), most));
    }
  }

  static void range(String what, long value, long least, long most) {
    if (value < least || value > most) {
      throw new IllegalArgumentException(
          "%s is %d, must be between %d and %d".formatted(what, value, least, most));
    }
  }

  static void page(int limit) {
    range("page size", limit, 1, MAX_PAGE);
  }

  /// Compares an expected etag; null expects nothing.
  static void etag(String kind, String name, @Nullable String expected, String current) {
    if (expected != null && !expected.equals(current)) {
      throw new StateException(new StateException.EtagMismatch(kind, name, current));
    }
  }

  private static void require(boolean holds, String what, String value) {
    if (!holds) {
      throw new IllegalArgumentException("not a " + what + ": " + value);
    }
  }
}
