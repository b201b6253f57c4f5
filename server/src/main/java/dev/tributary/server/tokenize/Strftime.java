package dev.tributary.server.tokenize;

import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Map;

/// `strftime_now(format)`: the directives of Python's `strftime` that chat templates use, in the C
/// locale.
final class Strftime {
  private static final Map<Character, String> PATTERNS =
      Map.ofEntries(
          Map.entry('a', "EEE"),
          Map.entry('A', "EEEE"),
          Map.entry('b', "MMM"),
          Map.entry('B', "MMMM"),
          Map.entry('d', "dd"),
          Map.entry('H', "HH"),
          Map.entry('I', "hh"),
          Map.entry('j', "DDD"),
          Map.entry('m', "MM"),
          Map.entry('M', "mm"),
          Map.entry('p', "a"),
          Map.entry('S', "ss"),
          Map.entry('y', "yy"),
          Map.entry('Y', "yyyy"),
          Map.entry('F', "yyyy-MM-dd"),
          Map.entry('T', "HH:mm:ss"));

  private Strftime() {}

  /// @throws TemplateException for a directive that isn't supported
  static String format(ZonedDateTime time, String format) {
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < format.length(); i++) {
      char c = format.charAt(i);
      if (c != '%') {
        out.append(c);
        continue;
      }
      char directive = ++i < format.length() ? format.charAt(i) : ' ';
      String pattern = PATTERNS.get(directive);
      if (directive == '%') {
        out.append('%');
      } else if (pattern != null) {
        out.append(time.format(DateTimeFormatter.ofPattern(pattern, Locale.ENGLISH)));
      } else {
        throw new TemplateException("strftime_now: '%" + directive + "' is not supported");
      }
    }
    return out.toString();
  }
}
