package dev.tributary.server.model;

import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Strict reading of a configuration map: every key read is noted, so that the rest can be refused.
final class Keys {
  private final String source;
  private final Map<String, Object> values;
  private final Set<String> read = new HashSet<>();

  /// @param source what the keys belong to, for messages
  Keys(String source, Map<String, Object> values) {
    this.source = source;
    this.values = values;
  }

  /// The value of `key`, or null where it is absent or null.
  @Nullable Object optional(String key) {
    read.add(key);
    return values.get(key);
  }

  boolean has(String key) {
    return optional(key) != null;
  }

  int integer(String key) {
    return integer(key, required(key));
  }

  int integer(String key, int otherwise) {
    Object value = optional(key);
    return value == null ? otherwise : integer(key, value);
  }

  private int integer(String key, Object value) {
    if (value instanceof Number number
        && number.doubleValue() == Math.rint(number.doubleValue())
        && number.doubleValue() >= 0
        && number.doubleValue() <= Integer.MAX_VALUE) {
      return number.intValue();
    }
    throw refusal(key, value, "a whole number");
  }

  double real(String key) {
    return real(key, required(key));
  }

  double real(String key, double otherwise) {
    Object value = optional(key);
    return value == null ? otherwise : real(key, value);
  }

  private double real(String key, Object value) {
    if (value instanceof Number number && Double.isFinite(number.doubleValue())) {
      return number.doubleValue();
    }
    throw refusal(key, value, "a number");
  }

  boolean flag(String key, boolean otherwise) {
    Object value = optional(key);
    if (value == null) {
      return otherwise;
    }
    if (value instanceof Boolean flag) {
      return flag;
    }
    throw refusal(key, value, "true or false");
  }

  String text(String key, String otherwise) {
    Object value = optional(key);
    if (value == null) {
      return otherwise;
    }
    if (value instanceof String text) {
      return text;
    }
    throw refusal(key, value, "text");
  }

  /// The value of `key` as a map of its own, or null.
  @Nullable Keys map(String key) {
    Object value = optional(key);
    if (value == null) {
      return null;
    }
    if (!(value instanceof Map<?, ?> map)) {
      throw refusal(key, value, "an object");
    }
    Map<String, Object> copy = new java.util.HashMap<>();
    map.forEach((k, v) -> copy.put(String.valueOf(k), v));
    return new Keys(source + " " + key + ":", copy);
  }

  /// Notes keys that don't change what the model computes.
  void ignore(Collection<String> keys) {
    read.addAll(keys);
  }

  /// Refuses `key` unless it is absent or one of `allowed`.
  void require(String key, Object... allowed) {
    Object value = optional(key);
    if (value != null && !List.of(allowed).contains(value)) {
      throw new ModelException(
          source + " " + key + " = " + value + " is not supported: only " + List.of(allowed));
    }
  }

  /// Refuses every key below `prefix` that was not read, unless it is null, false, zero or empty:
  /// what it means isn't known, so the model would be computed wrongly.
  void refuseRest(String prefix) {
    values.forEach(
        (key, value) -> {
          if (key.startsWith(prefix) && !read.contains(key) && !neutral(value)) {
            throw new ModelException(
                source
                    + " "
                    + key
                    + " = "
                    + abbreviate(value)
                    + " is not supported: it may change what the model computes");
          }
        });
  }

  private static boolean neutral(@Nullable Object value) {
    return switch (value) {
      case null -> true;
      case Boolean flag -> !flag;
      case Number number -> number.doubleValue() == 0;
      case String text -> text.isEmpty();
      case Collection<?> list -> list.isEmpty();
      case Map<?, ?> map -> map.isEmpty();
      default -> false;
    };
  }

  private static String abbreviate(Object value) {
    String text = value.toString();
    return text.length() <= 80 ? text : text.substring(0, 77) + "...";
  }

  private Object required(String key) {
    Object value = optional(key);
    if (value == null) {
      throw new ModelException(source + " lacks " + key);
    }
    return value;
  }

  private ModelException refusal(String key, Object value, String wanted) {
    return new ModelException(source + " " + key + " = " + abbreviate(value) + " is not " + wanted);
  }
}
