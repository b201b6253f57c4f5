package dev.tributary.server.tokenize;

import dev.tributary.server.tokenize.Value.Bool;
import dev.tributary.server.tokenize.Value.Dict;
import dev.tributary.server.tokenize.Value.Function;
import dev.tributary.server.tokenize.Value.Int;
import dev.tributary.server.tokenize.Value.Items;
import dev.tributary.server.tokenize.Value.Loop;
import dev.tributary.server.tokenize.Value.Markup;
import dev.tributary.server.tokenize.Value.Namespace;
import dev.tributary.server.tokenize.Value.None;
import dev.tributary.server.tokenize.Value.Real;
import dev.tributary.server.tokenize.Value.Stream;
import dev.tributary.server.tokenize.Value.Undefined;
import java.math.BigDecimal;
import java.util.List;
import java.util.Map;

/// What Python's built-ins say about a value: its type, truth, `str` and `repr`.
final class Python {
  private Python() {}

  /// White space as `str.isspace` and `re` see it.
  static boolean isSpace(int c) {
    return c >= 0x09 && c <= 0x0d
        || c >= 0x1c && c <= 0x20
        || c == 0x85
        || c == 0xa0
        || c == 0x1680
        || c >= 0x2000 && c <= 0x200a
        || c == 0x2028
        || c == 0x2029
        || c == 0x202f
        || c == 0x205f
        || c == 0x3000;
  }

  static boolean isSpace(String text) {
    return text.codePoints().allMatch(Python::isSpace);
  }

  static String stripTrailing(String text) {
    int end = text.length();
    while (end > 0 && isSpace(text.charAt(end - 1))) {
      end--;
    }
    return text.substring(0, end);
  }

  /// The type's name, for messages.
  static String type(Value value) {
    return switch (value) {
      case Text text -> "str";
      case Int number -> "int";
      case Real number -> "float";
      case Bool bool -> "bool";
      case None none -> "NoneType";
      case Undefined undefined -> "undefined";
      case Items items ->
          switch (items.kind()) {
            case LIST -> "list";
            case TUPLE -> "tuple";
            case RANGE -> "range";
            case VIEW -> "view of a dict";
          };
      case Stream stream -> "generator";
      case Dict dict -> "dict";
      case Namespace namespace -> "namespace";
      case Loop loop -> "loop";
      case Function function -> "function";
      case Markup markup -> "str marked as safe";
    };
  }

  static boolean isTrue(Value value) {
    return switch (value) {
      case Text text -> text.length() > 0;
      case Int number -> number.value() != 0;
      case Real number -> number.value() != 0;
      case Bool bool -> bool == Bool.TRUE;
      case None none -> false;
      case Undefined undefined -> false;
      case Items items -> !items.values().isEmpty();
      case Dict dict -> !dict.entries().isEmpty();
      case Loop loop -> !loop.values().isEmpty();
      case Stream stream -> true;
      case Namespace namespace -> true;
      case Function function -> true;
      case Markup markup -> markup.text().length() > 0;
    };
  }

  /// `str(value)`, which is what a template prints.
  static Text str(Value value, RenderBudget budget) {
    if (value instanceof Text text) {
      return text;
    }
    if (value instanceof Markup markup) {
      return markup.text();
    }
    if (value instanceof Undefined) {
      return Text.EMPTY;
    }
    return repr(value, budget);
  }

  static Text repr(Value value, RenderBudget budget) {
    Text.Builder out = new Text.Builder(32);
    repr(value, out, budget, 0);
    return out.build();
  }

  private static void repr(Value value, Text.Builder out, RenderBudget budget, int depth) {
    if (depth > Value.MAX_DEPTH) {
      throw new TemplateException("a value nests deeper than " + Value.MAX_DEPTH);
    }
    budget.work(1);
    budget.length(out.length());
    switch (value) {
      case Text text -> {
        budget.text(text.length());
        reprText(text, out);
      }
      case Int number -> out.add(Long.toString(number.value()), false);
      case Real number -> out.add(repr(number.value()), false);
      case Bool bool -> out.add(bool == Bool.TRUE ? "True" : "False", false);
      case None none -> out.add("None", false);
      case Undefined undefined -> out.add("Undefined", false);
      case Items items -> reprItems(items, out, budget, depth);
      case Dict dict -> {
        out.add("{", false);
        String separator = "";
        for (Map.Entry<Value, Value> entry : dict.entries().entrySet()) {
          out.add(separator, false);
          repr(entry.getKey(), out, budget, depth + 1);
          out.add(": ", false);
          repr(entry.getValue(), out, budget, depth + 1);
          separator = ", ";
        }
        out.add("}", false);
      }
      case Stream stream -> throw unprintable(value);
      case Namespace namespace -> throw unprintable(value);
      case Loop loop -> throw unprintable(value);
      case Function function -> throw unprintable(value);
      case Markup markup -> throw unprintable(value);
    }
  }

  private static void reprItems(Items items, Text.Builder out, RenderBudget budget, int depth) {
    String open;
    String close;
    switch (items.kind()) {
      case LIST -> {
        open = "[";
        close = "]";
      }
      case TUPLE -> {
        open = "(";
        close = items.values().size() == 1 ? ",)" : ")";
      }
      default -> throw unprintable(items);
    }
    out.add(open, false);
    String separator = "";
    for (Value item : items.values()) {
      out.add(separator, false);
      repr(item, out, budget, depth + 1);
      separator = ", ";
    }
    out.add(close, false);
  }

  private static TemplateException unprintable(Value value) {
    return new TemplateException("a " + type(value) + " can't be printed");
  }

  private static void reprText(Text text, Text.Builder out) {
    String quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? "\"" : "'";
    out.add(quote, false);
    out.add(text.mapped(i -> reprCharacter(text.codePoint(i), quote.charAt(0))));
    out.add(quote, false);
  }

  private static String reprCharacter(int c, char quote) {
    return switch (c) {
      case '\\' -> "\\\\";
      case '\n' -> "\\n";
      case '\r' -> "\\r";
      case '\t' -> "\\t";
      default -> {
        if (c == quote) {
          yield "\\" + quote;
        }
        if (isPrintable(c)) {
          yield Character.toString(c);
        }
        yield c < 0x100
            ? String.format("\\x%02x", c)
            : c < 0x10000 ? String.format("\\u%04x", c) : String.format("\\U%08x", c);
      }
    };
  }

  private static boolean isPrintable(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      case Character.SPACE_SEPARATOR -> c == ' ';
      default -> true;
    };
  }

  /// Shortest digits that read back as the same double, in Python's notation.
  static String repr(double value) {
    if (Double.isNaN(value)) {
      return "nan";
    }
    if (Double.isInfinite(value)) {
      return value > 0 ? "inf" : "-inf";
    }
    if (value == 0) {
      return 1 / value < 0 ? "-0.0" : "0.0";
    }
    BigDecimal shortest = new BigDecimal(Double.toString(Math.abs(value))).stripTrailingZeros();
    String digits = shortest.unscaledValue().toString();
    int exponent = digits.length() - shortest.scale() - 1;
    String sign = value < 0 ? "-" : "";
    if (exponent < -4 || exponent >= 16) {
      String fraction = digits.length() > 1 ? "." + digits.substring(1) : "";
      String power = (exponent < 0 ? "-" : "+") + (Math.abs(exponent) < 10 ? "0" : "");
      return sign + digits.charAt(0) + fraction + "e" + power + Math.abs(exponent);
    }
    String plain = shortest.toPlainString();
    return sign + (plain.contains(".") ? plain : plain + ".0");
  }

  /// What iterating over a value gives.
  static List<Value> iterate(Value value, RenderBudget budget) {
    List<Value> items =
        switch (value) {
          case Text text -> {
            budget.collection(text.length());
            yield java.util.stream.IntStream.range(0, text.length())
                .<Value>mapToObj(i -> text.slice(i, i + 1))
                .toList();
          }
          case Items list -> list.values();
          case Dict dict -> List.copyOf(dict.entries().keySet());
          case Undefined undefined -> List.of();
          case Stream stream -> {
            List<Value> rest = List.copyOf(stream.rest());
            stream.rest().clear();
            yield rest;
          }
          default -> throw new TemplateException("a " + type(value) + " is not iterable");
        };
    budget.work(items.size());
    return items;
  }

  /// `len(value)`.
  static long length(Value value) {
    return switch (value) {
      case Text text -> text.length();
      case Items items -> items.values().size();
      case Dict dict -> dict.entries().size();
      case Undefined undefined -> 0;
      case Loop loop -> loop.values().size();
      case Markup markup -> markup.text().length();
      default -> throw new TemplateException("a " + type(value) + " has no length");
    };
  }
}
