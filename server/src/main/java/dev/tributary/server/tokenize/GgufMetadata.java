package dev.tributary.server.tokenize;

import java.lang.reflect.Array;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Typed access to a GGUF file's metadata: plain Java values, arrays as lists or primitive arrays.
/// Whatever is missing or of another type is a [TokenizerException] naming the key.
record GgufMetadata(Map<String, Object> values) {

  @Nullable String optionalString(String key) {
    return switch (values.get(key)) {
      case null -> null;
      case String text -> text;
      default -> throw wrong(key, "a string");
    };
  }

  String string(String key) {
    String value = optionalString(key);
    if (value == null) {
      throw missing(key);
    }
    return value;
  }

  boolean flag(String key, boolean standard) {
    return switch (values.get(key)) {
      case null -> standard;
      case Boolean flag -> flag;
      default -> throw wrong(key, "a boolean");
    };
  }

  /// A token id below `size`, or -1 where the key is absent.
  int id(String key, int size) {
    Object value = values.get(key);
    if (value == null) {
      return -1;
    }
    if (!(value instanceof Number number) || value instanceof Double || value instanceof Float) {
      throw wrong(key, "a token id");
    }
    long id = number.longValue();
    if (id < 0 || id >= size) {
      throw new TokenizerException(key + " is " + id + ", outside the vocabulary of " + size);
    }
    return (int) id;
  }

  /// Length of an array, or -1 where the key is absent.
  int length(String key) {
    return switch (values.get(key)) {
      case null -> -1;
      case List<?> list -> list.size();
      case Object value when value.getClass().isArray() -> Array.getLength(value);
      default -> throw wrong(key, "an array");
    };
  }

  String stringAt(String key, int index) {
    if (at(key, index) instanceof String text) {
      return text;
    }
    throw wrong(key, "an array of strings");
  }

  int integerAt(String key, int index) {
    Object value = at(key, index);
    if (value instanceof Integer
        || value instanceof Long
        || value instanceof Short
        || value instanceof Byte) {
      return Math.toIntExact(((Number) value).longValue());
    }
    throw wrong(key, "an array of whole numbers");
  }

  double realAt(String key, int index) {
    Object value = at(key, index);
    if (value instanceof Float || value instanceof Double) {
      double real = ((Number) value).doubleValue();
      if (Double.isFinite(real)) {
        return real;
      }
    }
    throw wrong(key, "an array of finite numbers");
  }

  private @Nullable Object at(String key, int index) {
    Object value = values.get(key);
    if (value == null) {
      throw missing(key);
    }
    return value instanceof List<?> list ? list.get(index) : Array.get(value, index);
  }

  private static TokenizerException missing(String key) {
    return new TokenizerException(key + " is missing");
  }

  private static TokenizerException wrong(String key, String expected) {
    return new TokenizerException(key + " is not " + expected);
  }
}
