package dev.tributary.server.rpc;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.tributary.server.accounts.GenerationQuery.Place;
import dev.tributary.server.state.AdapterName;
import java.util.Base64;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Where the next page of a list starts. Opaque to callers, and only good for the list that it came
/// from.
///
/// @param list what was listed: the request's `tenant`, an adapter's versions, leaves, receipts
///   with what they were filtered by, or runs
/// @param last name or number of the last one of the page before; empty for the first page
record PageToken(String list, String last) {
  private static final char SEPARATOR = '\n';

  String text() {
    return Base64.getUrlEncoder()
        .withoutPadding()
        .encodeToString((list + SEPARATOR + last).getBytes(UTF_8));
  }

  /// The token in `text`, which is empty for the first page.
  static PageToken read(String text, String list) {
    if (text.isEmpty()) {
      return new PageToken(list, "");
    }
    String plain;
    try {
      plain = new String(Base64.getUrlDecoder().decode(text), UTF_8);
    } catch (IllegalArgumentException e) {
      throw notOurs();
    }
    int separator = plain.indexOf(SEPARATOR);
    if (separator < 0 || !plain.substring(0, separator).equals(list)) {
      throw notOurs();
    }
    return new PageToken(list, plain.substring(separator + 1));
  }

  /// The last adapter of the page before; null for the first page.
  @Nullable AdapterName adapter() {
    if (last.isEmpty()) {
      return null;
    }
    int slash = last.indexOf('/');
    try {
      return new AdapterName(last.substring(0, Math.max(slash, 0)), last.substring(slash + 1));
    } catch (IllegalArgumentException e) {
      throw notOurs();
    }
  }

  /// Number of the last version of the page before; beyond all for the first page.
  int number() {
    if (last.isEmpty()) {
      return Integer.MAX_VALUE;
    }
    try {
      return Integer.parseInt(last);
    } catch (NumberFormatException e) {
      throw notOurs();
    }
  }

  /// Sequence of the last run of the page before; beyond all for the first page.
  long run() {
    return last.isEmpty() ? Long.MAX_VALUE : leaf();
  }

  /// Index of the first leaf of the page.
  long leaf() {
    try {
      long leaf = Long.parseLong(last);
      if (leaf >= 0) {
        return leaf;
      }
    } catch (NumberFormatException e) {
      throw notOurs();
    }
    throw notOurs();
  }

  /// The last generation of the page before; empty for the first page.
  Optional<Place> generation() {
    if (last.isEmpty()) {
      return Optional.empty();
    }
    String[] parts = last.split(" ", -1);
    try {
      return Optional.of(new Place(Long.parseLong(parts[0]), Long.parseLong(parts[1])));
    } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
      throw notOurs();
    }
  }

  private static RuntimeException notOurs() {
    return Statuses.invalid("page_token", "is not one of this list's");
  }
}
