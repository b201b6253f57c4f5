package dev.tributary.server.tokenize;

import dev.tributary.server.tokenize.Value.None;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// The arguments of one call, taken parameter by parameter in the order of the signature; what
/// nobody took is an error.
final class Arguments {
  private final String callee;
  private final List<Value> positional;
  private final Map<String, Value> named;
  private final RenderBudget budget;
  private final Set<String> used = new HashSet<>();
  private int taken;

  Arguments(String callee, List<Value> positional, Map<String, Value> named, RenderBudget budget) {
    this.callee = callee;
    this.positional = positional;
    this.named = named;
    this.budget = budget;
  }

  RenderBudget budget() {
    return budget;
  }

  /// The next positional argument, else the one of this name, else null.
  @Nullable Value next(String name) {
    if (taken < positional.size()) {
      if (named.containsKey(name)) {
        throw error("got two values for '" + name + "'");
      }
      return positional.get(taken++);
    }
    return named(name);
  }

  /// The argument of this name, which has no position.
  @Nullable Value named(String name) {
    used.add(name);
    return named.get(name);
  }

  Value required(String name) {
    Value value = next(name);
    if (value == null) {
      throw error("misses '" + name + "'");
    }
    return value;
  }

  Value or(String name, Value standard) {
    Value value = next(name);
    return value == null ? standard : value;
  }

  Text text(String name) {
    if (required(name) instanceof Text text) {
      return text;
    }
    throw error("needs a str as '" + name + "'");
  }

  /// Text, or null where the argument is absent or none.
  @Nullable Text optionalText(String name) {
    Value value = next(name);
    if (value == null || value == None.NONE) {
      return null;
    }
    if (value instanceof Text text) {
      return text;
    }
    throw error("needs a str as '" + name + "'");
  }

  long integer(String name, long standard) {
    Value value = next(name);
    return value == null || value == None.NONE ? standard : Operators.integer(value);
  }

  boolean flag(String name, boolean standard) {
    Value value = next(name);
    return value == null ? standard : Python.isTrue(value);
  }

  /// Everything positional that is left.
  List<Value> rest() {
    List<Value> rest = positional.subList(taken, positional.size());
    taken = positional.size();
    return rest;
  }

  Map<String, Value> allNamed() {
    used.addAll(named.keySet());
    return named;
  }

  /// Call after the last parameter.
  void end() {
    if (taken < positional.size()) {
      throw error("takes at most " + taken + " arguments");
    }
    for (String name : named.keySet()) {
      if (!used.contains(name)) {
        throw error("has no argument '" + name + "'");
      }
    }
  }

  TemplateException error(String message) {
    return new TemplateException(callee + " " + message);
  }
}
