package dev.tributary.server.tokenize;

import dev.tributary.server.tokenize.Value.Dict;
import dev.tributary.server.tokenize.Value.Function;
import dev.tributary.server.tokenize.Value.Int;
import dev.tributary.server.tokenize.Value.Items;
import dev.tributary.server.tokenize.Value.Namespace;
import java.time.Clock;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// The functions a template can call.
final class Globals {
  static final Set<String> FUNCTIONS =
      Set.of("raise_exception", "strftime_now", "namespace", "dict", "range");

  /// The bound of Jinja's sandbox.
  private static final long MAX_RANGE = 100_000;

  private final Clock clock;
  private final RenderBudget budget;

  Globals(Clock clock, RenderBudget budget) {
    this.clock = clock;
    this.budget = budget;
  }

  Scope scope() {
    Scope scope = new Scope(null);
    define(scope, "raise_exception", this::raise);
    define(scope, "strftime_now", this::strftime);
    define(scope, "namespace", this::namespace);
    define(scope, "dict", arguments -> new Dict(entries(arguments)));
    define(scope, "range", this::range);
    return scope;
  }

  private static void define(Scope scope, String name, Function.Body body) {
    scope.set(name, new Function(name, body));
  }

  private Value raise(Arguments arguments) {
    Text message = Python.str(arguments.required("message"), budget);
    arguments.end();
    throw TemplateException.refusal(message.toString());
  }

  private Value strftime(Arguments arguments) {
    String format = arguments.text("format").toString();
    arguments.end();
    return Text.own(Strftime.format(ZonedDateTime.now(clock), format));
  }

  private Value namespace(Arguments arguments) {
    Map<String, Value> attributes = new LinkedHashMap<>();
    entries(arguments)
        .forEach(
            (key, value) -> {
              requireAttribute(key.toString());
              attributes.put(key.toString(), value);
            });
    return new Namespace(attributes);
  }

  /// @throws TemplateException for names that the sandbox of transformers keeps from namespaces
  static void requireAttribute(String name) {
    if (name.startsWith("_")) {
      throw new TemplateException("a namespace can't hold '" + name + "'");
    }
  }

  private static Map<Value, Value> entries(Arguments arguments) {
    Map<Value, Value> entries = new LinkedHashMap<>();
    for (Value each : arguments.rest()) {
      if (!(each instanceof Dict dict)) {
        throw arguments.error("needs a dict");
      }
      entries.putAll(dict.entries());
    }
    arguments.allNamed().forEach((name, value) -> entries.put(Text.own(name), value));
    arguments.end();
    return entries;
  }

  private Value range(Arguments arguments) {
    long first = Operators.integer(arguments.required("start"));
    Value second = arguments.next("stop");
    long step = arguments.integer("step", 1);
    arguments.end();
    long start = second == null ? 0 : first;
    long stop = second == null ? first : Operators.integer(second);
    if (step == 0) {
      throw new TemplateException("range step cannot be zero");
    }
    List<Value> values = new ArrayList<>();
    for (long i = start; step > 0 ? i < stop : i > stop; i = Math.addExact(i, step)) {
      if (values.size() >= MAX_RANGE) {
        throw new TemplateException("ranges are limited to " + MAX_RANGE + " items");
      }
      values.add(new Int(i));
    }
    budget.collection(values.size());
    return new Items(Items.Kind.RANGE, values);
  }
}
