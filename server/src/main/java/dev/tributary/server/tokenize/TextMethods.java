package dev.tributary.server.tokenize;

import dev.tributary.server.tokenize.Value.Bool;
import dev.tributary.server.tokenize.Value.Int;
import dev.tributary.server.tokenize.Value.Items;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/// The methods of Python's `str`. Characters keep their origin through all of them.
final class TextMethods {
  private final RenderBudget budget;

  TextMethods(RenderBudget budget) {
    this.budget = budget;
  }

  Value call(Text text, String name, Arguments arguments) {
    budget.text(text.length());
    Value result =
        switch (name) {
          case "strip" -> text.strip(arguments.optionalText("chars"), true, true);
          case "lstrip" -> text.strip(arguments.optionalText("chars"), true, false);
          case "rstrip" -> text.strip(arguments.optionalText("chars"), false, true);
          case "split" -> split(text, arguments, true);
          case "rsplit" -> split(text, arguments, false);
          case "splitlines" -> splitLines(text, arguments.flag("keepends", false));
          case "startswith" -> Bool.of(hasAffix(text, arguments.required("prefix"), true));
          case "endswith" -> Bool.of(hasAffix(text, arguments.required("suffix"), false));
          case "upper" -> text.upper();
          case "lower" -> text.lower();
          case "title" -> title(text);
          case "capitalize" -> text.capitalized();
          case "replace" ->
              replace(
                  text,
                  arguments.text("old"),
                  arguments.text("new"),
                  arguments.integer("count", -1));
          case "join" -> join(text, Python.iterate(arguments.required("iterable"), budget));
          case "find" -> new Int(text.indexOf(arguments.text("sub"), 0, budget));
          case "rfind" -> new Int(text.lastIndexOf(arguments.text("sub"), text.length(), budget));
          case "count" -> new Int(count(text, arguments.text("sub")));
          case "isdigit" -> Bool.of(all(text, Character::isDigit));
          case "isspace" -> Bool.of(all(text, Python::isSpace));
          case "isalpha" -> Bool.of(all(text, Character::isLetter));
          case "removeprefix" -> {
            Text prefix = arguments.text("prefix");
            yield text.matchesAt(0, prefix) ? text.slice(prefix.length(), text.length()) : text;
          }
          case "removesuffix" -> {
            Text suffix = arguments.text("suffix");
            int start = text.length() - suffix.length();
            yield suffix.length() > 0 && text.matchesAt(start, suffix)
                ? text.slice(0, start)
                : text;
          }
          default -> throw new IllegalStateException(name);
        };
    arguments.end();
    return result;
  }

  private static boolean all(Text text, IntPredicate predicate) {
    for (int i = 0; i < text.length(); i++) {
      if (!predicate.test(text.codePoint(i))) {
        return false;
      }
    }
    return text.length() > 0;
  }

  private static boolean hasAffix(Text text, Value affix, boolean prefix) {
    return switch (affix) {
      case Text part -> text.matchesAt(prefix ? 0 : text.length() - part.length(), part);
      case Items items when items.kind() == Items.Kind.TUPLE ->
          items.values().stream()
              .anyMatch(each -> each instanceof Text && hasAffix(text, each, prefix));
      default ->
          throw new TemplateException(
              "startswith and endswith need a str or a tuple of str, not a " + Python.type(affix));
    };
  }

  private Value split(Text text, Arguments arguments, boolean fromLeft) {
    Text separator = arguments.optionalText("sep");
    long limit = arguments.integer("maxsplit", -1);
    if (separator != null && separator.length() == 0) {
      throw new TemplateException("empty separator");
    }
    List<Value> parts = new ArrayList<>();
    if (fromLeft) {
      splitLeft(text, separator, limit < 0 ? Long.MAX_VALUE : limit, parts);
    } else {
      splitRight(text, separator, limit < 0 ? Long.MAX_VALUE : limit, parts);
      Collections.reverse(parts);
    }
    budget.collection(parts.size());
    return Items.list(parts);
  }

  private void splitLeft(Text text, @Nullable Text separator, long limit, List<Value> parts) {
    int at = separator == null ? space(text, 0, 1) : 0;
    while (separator != null || at < text.length()) {
      int end = text.length();
      int next = end;
      if (parts.size() < limit) {
        if (separator == null) {
          end = word(text, at, 1);
          next = space(text, end, 1);
        } else {
          int found = text.indexOf(separator, at, budget);
          end = found < 0 ? end : found;
          next = found < 0 ? end : found + separator.length();
        }
      }
      boolean last = separator == null ? next >= text.length() : next == end;
      parts.add(text.slice(at, end));
      budget.work(1);
      if (last) {
        return;
      }
      at = next;
    }
  }

  private void splitRight(Text text, @Nullable Text separator, long limit, List<Value> parts) {
    int to = separator == null ? space(text, text.length(), -1) : text.length();
    while (separator != null || to > 0) {
      int start = 0;
      int next = 0;
      boolean cut = false;
      if (parts.size() < limit) {
        if (separator == null) {
          start = word(text, to, -1);
          next = space(text, start, -1);
          cut = next > 0;
        } else {
          int found = text.lastIndexOf(separator, to, budget);
          cut = found >= 0;
          start = cut ? found + separator.length() : 0;
          next = Math.max(found, 0);
        }
      }
      parts.add(text.slice(start, to));
      budget.work(1);
      if (!cut) {
        return;
      }
      to = next;
    }
  }

  /// From `at`, past white space in the direction of `by`.
  private static int space(Text text, int at, int by) {
    int i = at;
    while (by > 0
        ? i < text.length() && Python.isSpace(text.codePoint(i))
        : i > 0 && Python.isSpace(text.codePoint(i - 1))) {
      i += by;
    }
    return i;
  }

  private static int word(Text text, int at, int by) {
    int i = at;
    while (by > 0
        ? i < text.length() && !Python.isSpace(text.codePoint(i))
        : i > 0 && !Python.isSpace(text.codePoint(i - 1))) {
      i += by;
    }
    return i;
  }

  private Value splitLines(Text text, boolean keepEnds) {
    List<Value> lines = new ArrayList<>();
    int start = 0;
    for (int i = 0; i < text.length(); i++) {
      int c = text.codePoint(i);
      boolean ends =
          c >= 0x0a && c <= 0x0d
              || c >= 0x1c && c <= 0x1e
              || c == 0x85
              || c == 0x2028
              || c == 0x2029;
      if (ends) {
        int next =
            c == '\r' && i + 1 < text.length() && text.codePoint(i + 1) == '\n' ? i + 2 : i + 1;
        lines.add(text.slice(start, keepEnds ? next : i));
        start = next;
        i = next - 1;
      }
    }
    if (start < text.length()) {
      lines.add(text.slice(start, text.length()));
    }
    budget.collection(lines.size());
    return Items.list(lines);
  }

  private static Text title(Text text) {
    Text.Builder out = new Text.Builder(text.length());
    boolean afterCased = false;
    for (int i = 0; i < text.length(); i++) {
      Text one = text.slice(i, i + 1);
      out.add(afterCased ? one.lower() : one.titleCased());
      int c = text.codePoint(i);
      afterCased = Character.isUpperCase(c) || Character.isLowerCase(c) || Character.isTitleCase(c);
    }
    return out.build();
  }

  private long count(Text text, Text part) {
    if (part.length() == 0) {
      return text.length() + 1L;
    }
    long count = 0;
    for (int at = text.indexOf(part, 0, budget);
        at >= 0;
        at = text.indexOf(part, at + part.length(), budget)) {
      count++;
    }
    return count;
  }

  /// @param limit how many to replace at most; negative means all
  Text replace(Text text, Text old, Text replacement, long limit) {
    long left = limit < 0 ? Long.MAX_VALUE : limit;
    Text.Builder out = new Text.Builder(text.length());
    int at = 0;
    if (old.length() == 0) {
      for (; left > 0 && at <= text.length(); at++, left--) {
        append(out, replacement);
        append(out, text.slice(at, Math.min(at + 1, text.length())));
      }
      return at <= text.length() ? append(out, text.slice(at, text.length())).build() : out.build();
    }
    while (left-- > 0) {
      int found = text.indexOf(old, at, budget);
      if (found < 0) {
        break;
      }
      append(out, text.slice(at, found));
      append(out, replacement);
      at = found + old.length();
    }
    return append(out, text.slice(at, text.length())).build();
  }

  private Text.Builder append(Text.Builder out, Text part) {
    budget.text(part.length());
    budget.length((long) out.length() + part.length());
    return out.add(part);
  }

  Text join(Text separator, List<Value> parts) {
    Text.Builder out = new Text.Builder(64);
    for (int i = 0; i < parts.size(); i++) {
      if (!(parts.get(i) instanceof Text part)) {
        throw new TemplateException("join needs str, not " + Python.type(parts.get(i)));
      }
      append(append(out, i == 0 ? Text.EMPTY : separator), part);
    }
    return out.build();
  }
}
