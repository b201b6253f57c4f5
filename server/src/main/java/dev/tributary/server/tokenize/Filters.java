package dev.tributary.server.tokenize;

import dev.tributary.server.tokenize.TemplateParser.TokenStream;
import dev.tributary.server.tokenize.Value.Bool;
import dev.tributary.server.tokenize.Value.Dict;
import dev.tributary.server.tokenize.Value.Int;
import dev.tributary.server.tokenize.Value.Items;
import dev.tributary.server.tokenize.Value.Markup;
import dev.tributary.server.tokenize.Value.None;
import dev.tributary.server.tokenize.Value.Real;
import dev.tributary.server.tokenize.Value.Stream;
import dev.tributary.server.tokenize.Value.Undefined;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Jinja's filters: `value | name(arguments)`. `tojson` is the one of transformers.
final class Filters {
  private static final Set<String> NAMES =
      Set.of(
          "abs",
          "capitalize",
          "count",
          "d",
          "default",
          "dictsort",
          "first",
          "float",
          "indent",
          "int",
          "items",
          "join",
          "last",
          "length",
          "list",
          "lower",
          "map",
          "max",
          "min",
          "reject",
          "rejectattr",
          "replace",
          "reverse",
          "safe",
          "select",
          "selectattr",
          "sort",
          "string",
          "sum",
          "title",
          "tojson",
          "trim",
          "unique",
          "upper");
  private static final Set<String> MARKUP_NAMES =
      Set.of("count", "d", "default", "length", "safe", "string", "tojson");
  private static final Pattern DIGITS = Pattern.compile("[+-]?[0-9](_?[0-9]){0,17}");
  private static final Pattern DECIMAL =
      Pattern.compile("[+-]?(N\\.?(N)?|\\.N)([eE][+-]?N)?".replace("N", "[0-9](_?[0-9])*+"));
  private static final String WORD_STARTS = "-({[<";

  private final RenderBudget budget;
  private final Operators operators;
  private final Methods methods;
  private final TextMethods texts;
  private final Tests tests;

  Filters(RenderBudget budget) {
    this.budget = budget;
    this.operators = new Operators(budget);
    this.methods = new Methods(budget);
    this.texts = new TextMethods(budget);
    this.tests = new Tests(budget);
  }

  static boolean isKnown(String name) {
    return NAMES.contains(name);
  }

  static void require(String name, TokenStream tokens) {
    if (!isKnown(name)) {
      throw tokens.error("filter '" + name + "' is not supported");
    }
  }

  Value apply(Value value, String name, Arguments arguments) {
    if (value instanceof Markup && !MARKUP_NAMES.contains(name)) {
      throw new TemplateException("filter '" + name + "' can't be applied after 'safe'");
    }
    Value result =
        switch (name) {
          case "default", "d" -> {
            Value standard = arguments.or("default_value", Text.EMPTY);
            boolean orFalse = arguments.flag("boolean", false);
            boolean absent = value instanceof Undefined || orFalse && !Python.isTrue(value);
            yield absent ? standard : value;
          }
          case "length", "count" -> new Int(Python.length(value));
          case "first" -> first(Python.iterate(value, budget));
          case "last" -> first(reversed(value));
          case "reverse" ->
              value instanceof Text text && text.length() > 0
                  ? text.pick(text.length() - 1, -1, text.length())
                  : value instanceof Text
                      ? value
                      : new Stream(
                          reversed(
                              value instanceof Stream
                                  ? Items.list(Python.iterate(value, budget))
                                  : value));
          case "list" -> Items.list(charged(Python.iterate(value, budget)));
          case "items" -> items(value);
          case "join" -> join(value, arguments);
          case "map" -> map(value, arguments);
          case "select" -> select(value, arguments, false, true);
          case "reject" -> select(value, arguments, false, false);
          case "selectattr" -> select(value, arguments, true, true);
          case "rejectattr" -> select(value, arguments, true, false);
          case "sort" -> sort(value, arguments);
          case "unique" -> unique(value, arguments);
          case "min" -> extreme(value, arguments, -1);
          case "max" -> extreme(value, arguments, 1);
          case "sum" -> sum(value, arguments);
          case "dictsort" -> dictSort(value, arguments);
          case "safe" -> new Markup(Python.str(value, budget));
          case "string" -> value instanceof Markup ? value : Python.str(value, budget);
          case "tojson" ->
              Json.write(value instanceof Markup markup ? markup.text() : value, arguments);
          case "abs" -> operators.sign(operators.order(value, new Int(0)) < 0 ? '-' : '+', value);
          case "indent" -> indent(value, arguments);
          case "int" -> toInt(value, arguments);
          case "float" -> toFloat(value, arguments);
          default -> onText(Python.str(value, budget), name, arguments);
        };
    arguments.end();
    return result;
  }

  private Value onText(Text text, String name, Arguments arguments) {
    budget.text(text.length());
    return switch (name) {
      case "trim" -> text.strip(arguments.optionalText("chars"), true, true);
      case "upper" -> text.upper();
      case "lower" -> text.lower();
      case "capitalize" -> text.capitalized();
      case "title" -> title(text);
      case "replace" -> {
        Text old = Python.str(arguments.required("old"), budget);
        Text replacement = Python.str(arguments.required("new"), budget);
        yield texts.replace(text, old, replacement, arguments.integer("count", -1));
      }
      default -> throw new TemplateException("filter '" + name + "' is not supported");
    };
  }

  private List<Value> charged(List<Value> values) {
    budget.collection(values.size());
    return values;
  }

  private static Value first(List<Value> values) {
    return values.isEmpty() ? new Undefined("the sequence is empty") : values.getFirst();
  }

  private List<Value> reversed(Value value) {
    if (value instanceof Stream) {
      throw new TemplateException("a " + Python.type(value) + " can't be reversed");
    }
    List<Value> values = new ArrayList<>(charged(Python.iterate(value, budget)));
    Collections.reverse(values);
    return values;
  }

  private Value items(Value value) {
    if (value instanceof Undefined) {
      return new Stream(List.of());
    }
    if (!(value instanceof Dict dict)) {
      throw new TemplateException("'items' needs a dict, not a " + Python.type(value));
    }
    return new Stream(charged(Methods.pairs(dict)));
  }

  private Value join(Value value, Arguments arguments) {
    Text separator = Python.str(arguments.or("d", Text.EMPTY), budget);
    Value attribute = arguments.or("attribute", None.NONE);
    List<Value> parts = new ArrayList<>();
    for (Value each : Python.iterate(value, budget)) {
      Value part = attribute == None.NONE ? each : lookup(each, attribute);
      parts.add(Python.str(part, budget));
    }
    return texts.join(separator, charged(parts));
  }

  private Value map(Value value, Arguments arguments) {
    if (!Python.isTrue(value)) {
      arguments.rest();
      arguments.allNamed();
      return new Stream(List.of());
    }
    List<Value> results = new ArrayList<>();
    Value attribute = arguments.named("attribute");
    if (attribute != null) {
      Value standard = arguments.named("default");
      arguments.end();
      for (Value each : Python.iterate(value, budget)) {
        Value found = lookup(each, attribute);
        results.add(found instanceof Undefined && standard != null ? standard : found);
      }
      return new Stream(charged(results));
    }
    String filter = arguments.text("filter").toString();
    if (!isKnown(filter)) {
      throw new TemplateException("filter '" + filter + "' is not supported");
    }
    List<Value> rest = arguments.rest();
    Map<String, Value> named = arguments.allNamed();
    for (Value each : Python.iterate(value, budget)) {
      budget.enter();
      results.add(apply(each, filter, new Arguments(filter, rest, named, budget)));
      budget.leave();
    }
    return new Stream(charged(results));
  }

  private Value select(Value value, Arguments arguments, boolean byAttribute, boolean wanted) {
    Value attribute = byAttribute ? arguments.required("attribute") : null;
    Text test = arguments.optionalText("test");
    List<Value> rest = arguments.rest();
    if (test != null && !Tests.isKnown(test.toString())) {
      throw new TemplateException("test '" + test + "' is not supported");
    }
    if (!Python.isTrue(value)) {
      return new Stream(List.of());
    }
    List<Value> results = new ArrayList<>();
    for (Value each : Python.iterate(value, budget)) {
      Value tested = attribute == null ? each : lookup(each, attribute);
      boolean holds =
          test == null
              ? Python.isTrue(tested)
              : tests.test(
                  tested, test.toString(), new Arguments(test.toString(), rest, Map.of(), budget));
      if (holds == wanted) {
        results.add(each);
      }
    }
    return new Stream(charged(results));
  }

  /// The attribute of a path such as `function.name` or `0`.
  private Value lookup(Value value, Value path) {
    if (path instanceof Int) {
      return methods.item(value, path);
    }
    if (!(path instanceof Text text)) {
      throw new TemplateException("an attribute must be a str, not a " + Python.type(path));
    }
    Value found = value;
    for (String part : text.toString().split("\\.", -1)) {
      boolean index = DIGITS.matcher(part).matches() && Character.isDigit(part.charAt(0));
      found = methods.item(found, index ? new Int(Long.parseLong(part)) : Text.own(part));
    }
    return found;
  }

  private Value key(Value value, @Nullable Value attribute, boolean caseSensitive) {
    Value key = attribute == null || attribute == None.NONE ? value : lookup(value, attribute);
    return !caseSensitive && key instanceof Text text ? text.lower() : key;
  }

  private Value sort(Value value, Arguments arguments) {
    boolean reverse = arguments.flag("reverse", false);
    boolean caseSensitive = arguments.flag("case_sensitive", false);
    Value attribute = arguments.next("attribute");
    if (attribute instanceof Text path && path.indexOf(',') >= 0) {
      throw new TemplateException("sorting by several attributes is not supported");
    }
    return Items.list(
        sorted(
            Python.iterate(value, budget), each -> key(each, attribute, caseSensitive), reverse));
  }

  private List<Value> sorted(
      List<Value> values, java.util.function.UnaryOperator<Value> key, boolean reverse) {
    record Keyed(Value key, Value value) {}
    Comparator<Keyed> order = (a, b) -> operators.order(a.key(), b.key());
    return charged(values).stream()
        .map(each -> new Keyed(key.apply(each), each))
        .sorted(reverse ? order.reversed() : order)
        .map(Keyed::value)
        .toList();
  }

  private Value dictSort(Value value, Arguments arguments) {
    if (!(value instanceof Dict dict)) {
      throw new TemplateException("'dictsort' needs a dict, not a " + Python.type(value));
    }
    boolean caseSensitive = arguments.flag("case_sensitive", false);
    String by = Python.str(arguments.or("by", Text.own("key")), budget).toString();
    boolean reverse = arguments.flag("reverse", false);
    if (!by.equals("key") && !by.equals("value")) {
      throw new TemplateException("'dictsort' sorts by key or value");
    }
    Value position = new Int(by.equals("key") ? 0 : 1);
    return Items.list(
        sorted(Methods.pairs(dict), pair -> key(pair, position, caseSensitive), reverse));
  }

  private Value unique(Value value, Arguments arguments) {
    boolean caseSensitive = arguments.flag("case_sensitive", false);
    Value attribute = arguments.next("attribute");
    List<Value> results = new ArrayList<>();
    List<Value> seen = new ArrayList<>();
    for (Value each : Python.iterate(value, budget)) {
      Value key = key(each, attribute, caseSensitive);
      if (seen.stream().noneMatch(other -> operators.equal(other, key))) {
        seen.add(key);
        results.add(each);
      }
    }
    return new Stream(charged(results));
  }

  private Value extreme(Value value, Arguments arguments, int sign) {
    boolean caseSensitive = arguments.flag("case_sensitive", false);
    Value attribute = arguments.next("attribute");
    List<Value> values = Python.iterate(value, budget);
    Value best = first(values);
    for (Value each : values) {
      Value key = key(each, attribute, caseSensitive);
      if (operators.order(key, key(best, attribute, caseSensitive)) * sign > 0) {
        best = each;
      }
    }
    return best;
  }

  private Value sum(Value value, Arguments arguments) {
    Value attribute = arguments.next("attribute");
    Value total = arguments.or("start", new Int(0));
    for (Value each : Python.iterate(value, budget)) {
      Value term = attribute == null || attribute == None.NONE ? each : lookup(each, attribute);
      total = operators.binary("+", total, term);
    }
    return total;
  }

  private static Value toInt(Value value, Arguments arguments) {
    Value standard = arguments.or("default", new Int(0));
    if (arguments.integer("base", 10) != 10) {
      throw new TemplateException("'int' supports base 10 only");
    }
    return switch (value) {
      case Int number -> number;
      case Bool bool -> new Int(bool == Bool.TRUE ? 1 : 0);
      case Real number when Math.abs(number.value()) < 1e18 -> new Int((long) number.value());
      case Text text -> {
        String digits = text.strip(null, true, true).toString();
        if (DIGITS.matcher(digits).matches()) {
          yield new Int(Long.parseLong(digits.replace("_", "")));
        }
        double real = decimal(digits);
        yield Math.abs(real) < 1e18 ? new Int((long) real) : standard;
      }
      case Undefined undefined -> throw new TemplateException(undefined.what());
      default -> standard;
    };
  }

  private static Value toFloat(Value value, Arguments arguments) {
    Value standard = arguments.or("default", new Real(0));
    return switch (value) {
      case Text text -> {
        String digits = text.strip(null, true, true).toString();
        double real = decimal(digits);
        yield Double.isNaN(real) ? standard : new Real(real);
      }
      case Undefined undefined -> throw new TemplateException(undefined.what());
      default -> Operators.isNumber(value) ? new Real(Operators.real(value)) : standard;
    };
  }

  /// The number in Python's decimal notation, or NaN.
  private static double decimal(String digits) {
    return DECIMAL.matcher(digits).matches()
        ? Double.parseDouble(digits.replace("_", ""))
        : Double.NaN;
  }

  /// Every word, by Jinja's idea of one, with its first character upper case and the rest lower.
  private static Text title(Text text) {
    Text.Builder out = new Text.Builder(text.length());
    boolean start = true;
    for (int i = 0; i < text.length(); i++) {
      int c = text.codePoint(i);
      boolean separator = Python.isSpace(c) || WORD_STARTS.indexOf(c) >= 0;
      Text one = text.slice(i, i + 1);
      out.add(start ? one.upper() : one.lower());
      start = separator;
    }
    return out.build();
  }

  private Value indent(Value value, Arguments arguments) {
    if (!(value instanceof Text text)) {
      throw new TemplateException("'indent' needs a str, not a " + Python.type(value));
    }
    Value width = arguments.or("width", new Int(4));
    boolean first = arguments.flag("first", false);
    boolean blank = arguments.flag("blank", false);
    Text margin =
        width instanceof Text given ? given : (Text) operators.binary("*", Text.own(" "), width);
    List<Value> lines =
        Python.iterate(
            texts.call(
                text.plus(Text.own("\n")),
                "splitlines",
                new Arguments("splitlines", List.of(), Map.of(), budget)),
            budget);
    List<Value> indented = new ArrayList<>();
    for (int i = 0; i < lines.size(); i++) {
      Text line = (Text) lines.get(i);
      boolean moved = (i > 0 || first) && (blank || line.length() > 0 || i == 0);
      indented.add(moved ? operators.binary("+", margin, line) : line);
    }
    return texts.join(Text.own("\n"), indented);
  }
}
