package dev.tributary.server.tokenize;

import dev.tributary.server.tokenize.Value.Bool;
import dev.tributary.server.tokenize.Value.Dict;
import dev.tributary.server.tokenize.Value.Int;
import dev.tributary.server.tokenize.Value.Items;
import dev.tributary.server.tokenize.Value.None;
import dev.tributary.server.tokenize.Value.Real;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The `tojson` filter as transformers defines it: Python's `json.dumps` with `ensure_ascii=False`,
/// which puts a space after every comma and colon.
final class Json {
  private final RenderBudget budget;
  private final Text.Builder out = new Text.Builder(128);
  private final boolean ascii;
  private final @Nullable Text indent;
  private final Text itemSeparator;
  private final Text keySeparator;
  private final boolean sortKeys;

  private Json(Arguments arguments) {
    this.budget = arguments.budget();
    this.ascii = arguments.flag("ensure_ascii", false);
    this.indent = indent(arguments.or("indent", None.NONE), budget);
    Value separators = arguments.or("separators", None.NONE);
    this.sortKeys = arguments.flag("sort_keys", false);
    if (separators == None.NONE) {
      this.itemSeparator = Text.own(indent == null ? ", " : ",");
      this.keySeparator = Text.own(": ");
    } else if (separators instanceof Items items
        && items.values().size() == 2
        && items.values().get(0) instanceof Text item
        && items.values().get(1) instanceof Text key) {
      this.itemSeparator = item;
      this.keySeparator = key;
    } else {
      throw new TemplateException("tojson needs two str as separators");
    }
  }

  static Text write(Value value, Arguments arguments) {
    Json json = new Json(arguments);
    json.value(value, 0);
    return json.out.build();
  }

  private static @Nullable Text indent(Value indent, RenderBudget budget) {
    return switch (indent) {
      case None none -> null;
      case Text text -> text;
      default -> (Text) new Operators(budget).binary("*", Text.own(" "), indent);
    };
  }

  private void value(Value value, int depth) {
    if (depth > Value.MAX_DEPTH) {
      throw new TemplateException("a value nests deeper than " + Value.MAX_DEPTH);
    }
    budget.work(1);
    switch (value) {
      case Text text -> string(text);
      case Int number -> add(Long.toString(number.value()));
      case Bool bool -> add(bool == Bool.TRUE ? "true" : "false");
      case None none -> add("null");
      case Real number -> add(number(number.value()));
      case Items items when items.kind() == Items.Kind.LIST || items.kind() == Items.Kind.TUPLE -> {
        String separator = "[";
        for (Value item : items.values()) {
          separate(separator, depth + 1);
          value(item, depth + 1);
          separator = ",";
        }
        close(items.values().isEmpty(), "[]", depth);
      }
      case Dict dict -> dict(dict, depth);
      default ->
          throw new TemplateException("a " + Python.type(value) + " is not JSON serializable");
    }
  }

  private void dict(Dict dict, int depth) {
    List<Map.Entry<Value, Value>> entries = new ArrayList<>(dict.entries().entrySet());
    if (sortKeys) {
      Operators operators = new Operators(budget);
      entries.sort((a, b) -> operators.order(a.getKey(), b.getKey()));
    }
    String separator = "{";
    for (Map.Entry<Value, Value> entry : entries) {
      separate(separator, depth + 1);
      string(Python.str(entry.getKey(), budget));
      add(keySeparator);
      value(entry.getValue(), depth + 1);
      separator = ",";
    }
    close(entries.isEmpty(), "{}", depth);
  }

  /// Opens a list or map, or goes to its next entry.
  private void separate(String separator, int depth) {
    if (separator.equals(",")) {
      add(itemSeparator);
    } else {
      add(separator);
    }
    newLine(depth);
  }

  private void close(boolean empty, String brackets, int depth) {
    if (empty) {
      add(brackets);
    } else {
      newLine(depth);
      add(brackets.substring(1));
    }
  }

  private void newLine(int depth) {
    if (indent != null) {
      add("\n");
      for (int i = 0; i < depth; i++) {
        add(indent);
      }
    }
  }

  private static String number(double value) {
    return Double.isNaN(value)
        ? "NaN"
        : Double.isInfinite(value) ? (value > 0 ? "Infinity" : "-Infinity") : Python.repr(value);
  }

  private void string(Text text) {
    add("\"");
    add(text.mapped(i -> escaped(text.codePoint(i))));
    add("\"");
  }

  private String escaped(int c) {
    return switch (c) {
      case '"' -> "\\\"";
      case '\\' -> "\\\\";
      case '\n' -> "\\n";
      case '\r' -> "\\r";
      case '\t' -> "\\t";
      case '\f' -> "\\f";
      case '\b' -> "\\b";
      default -> {
        if (c < 0x20 || ascii && c > 0x7e) {
          StringBuilder escaped = new StringBuilder();
          for (char unit : Character.toChars(c)) {
            escaped.append(String.format("\\u%04x", (int) unit));
          }
          yield escaped.toString();
        }
        yield Character.toString(c);
      }
    };
  }

  private void add(String text) {
    add(Text.own(text));
  }

  private void add(Text text) {
    budget.text(text.length());
    budget.length((long) out.length() + text.length());
    out.add(text);
  }
}
