package dev.tributary.server.tokenize;

import dev.tributary.server.tokenize.Value.Bool;
import dev.tributary.server.tokenize.Value.Dict;
import dev.tributary.server.tokenize.Value.Int;
import dev.tributary.server.tokenize.Value.Items;
import dev.tributary.server.tokenize.Value.None;
import dev.tributary.server.tokenize.Value.Real;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Plain Java data (null, Boolean, Number, String, List, Map with String keys) as values.
final class Values {
  private Values() {}

  /// @param given whether a caller gave it, so that no part of it may become a control token
  /// @throws TemplateException for other classes and for data nested too deep
  static Value of(@Nullable Object plain, boolean given) {
    return of(plain, given, 0);
  }

  private static Value of(@Nullable Object plain, boolean given, int depth) {
    if (depth > Value.MAX_DEPTH) {
      throw new TemplateException("a value nests deeper than " + Value.MAX_DEPTH);
    }
    return switch (plain) {
      case null -> None.NONE;
      case String text -> given ? Text.given(text) : Text.own(text);
      case Boolean bool -> Bool.of(bool);
      case Integer number -> new Int(number);
      case Long number -> new Int(number);
      case Float number -> new Real(number);
      case Double number -> new Real(number);
      case List<?> list -> {
        List<Value> values = new ArrayList<>(list.size());
        for (Object item : list) {
          values.add(of(item, given, depth + 1));
        }
        yield Items.list(values);
      }
      case Map<?, ?> map -> {
        Map<Value, Value> entries = new LinkedHashMap<>();
        for (Map.Entry<?, ?> entry : map.entrySet()) {
          if (!(entry.getKey() instanceof String)) {
            throw new TemplateException("a map's keys must be strings");
          }
          entries.put(of(entry.getKey(), given, depth), of(entry.getValue(), given, depth + 1));
        }
        yield new Dict(entries);
      }
      default -> throw new TemplateException("a " + plain.getClass().getName() + " is no value");
    };
  }

  static boolean isKey(Value value) {
    return value instanceof Text || value instanceof Int;
  }

  /// Whether Python could look for the value in a dict.
  static boolean isHashable(Value value) {
    return isHashable(value, 0);
  }

  private static boolean isHashable(Value value, int depth) {
    if (depth > Value.MAX_DEPTH) {
      throw new TemplateException("a value nests deeper than " + Value.MAX_DEPTH);
    }
    return switch (value) {
      case Dict dict -> false;
      case Items items ->
          items.kind() != Items.Kind.LIST
              && items.values().stream().allMatch(item -> isHashable(item, depth + 1));
      default -> true;
    };
  }

  /// What a dict has under a key, or null. Numbers that are equal are the same key.
  static @Nullable Value find(Dict dict, Value key) {
    if (!isHashable(key)) {
      throw new TemplateException("a " + Python.type(key) + " can't be a key");
    }
    return switch (key) {
      case Bool bool -> dict.entries().get(new Int(bool == Bool.TRUE ? 1 : 0));
      case Real real when real.value() == Math.rint(real.value()) ->
          dict.entries().get(new Int((long) real.value()));
      default -> isKey(key) ? dict.entries().get(key) : null;
    };
  }
}
