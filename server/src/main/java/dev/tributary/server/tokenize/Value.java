package dev.tributary.server.tokenize;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Everything a template can hold. These kinds are closed: no Java object is reachable from one.
sealed interface Value
    permits Text,
        Value.Int,
        Value.Real,
        Value.Bool,
        Value.None,
        Value.Undefined,
        Value.Items,
        Value.Stream,
        Value.Dict,
        Value.Namespace,
        Value.Loop,
        Value.Function,
        Value.Markup {

  record Int(long value) implements Value {}

  record Real(double value) implements Value {}

  enum Bool implements Value {
    FALSE,
    TRUE;

    static Bool of(boolean value) {
      return value ? TRUE : FALSE;
    }
  }

  /// Python's `None`, which is defined and prints as `None`.
  enum None implements Value {
    NONE
  }

  /// A name, key or attribute that doesn't exist. It prints as nothing and is false; what else is
  /// done with it fails with `what`.
  record Undefined(String what) implements Value {}

  /// What Python would make a list, tuple, range or view of a dict: immutable here, as in the
  /// sandbox of transformers.
  record Items(Kind kind, List<Value> values) implements Value {
    enum Kind {
      LIST,
      TUPLE,
      RANGE,
      VIEW
    }

    static Items list(List<Value> values) {
      return new Items(Kind.LIST, values);
    }

    static Items tuple(Value... values) {
      return new Items(Kind.TUPLE, List.of(values));
    }
  }

  /// A generator: what `map`, `select` and their kin give. It can be read once.
  record Stream(Deque<Value> rest) implements Value {
    Stream(List<Value> values) {
      this(new ArrayDeque<>(values));
    }
  }

  /// A dict with keys of text or whole numbers, in order of insertion.
  record Dict(Map<Value, Value> entries) implements Value {
    static Dict empty() {
      return new Dict(new LinkedHashMap<>());
    }
  }

  /// `namespace(...)`, the one thing a template can change in place.
  record Namespace(Map<String, Value> attributes) implements Value {}

  /// The `loop` of a `for`.
  record Loop(List<Value> values, int[] position) implements Value {}

  /// A macro, a global function or a method bound to its object.
  record Function(String name, Body body) implements Value {
    @FunctionalInterface
    interface Body {
      Value call(Arguments arguments);
    }
  }

  /// What the filter `safe` gives. Python would escape whatever is added to it, which no chat
  /// template means: it can be printed, joined by `~` and looked at, and nothing else.
  record Markup(Text text) implements Value {}

  /// How many levels a value given by a caller may nest.
  int MAX_DEPTH = 64;
}
