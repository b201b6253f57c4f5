package dev.tributary.server.tokenize;

import dev.tributary.server.tokenize.TemplateParser.TokenStream;
import dev.tributary.server.tokenize.Value.Bool;
import dev.tributary.server.tokenize.Value.Dict;
import dev.tributary.server.tokenize.Value.Function;
import dev.tributary.server.tokenize.Value.Int;
import dev.tributary.server.tokenize.Value.Items;
import dev.tributary.server.tokenize.Value.Loop;
import dev.tributary.server.tokenize.Value.Markup;
import dev.tributary.server.tokenize.Value.None;
import dev.tributary.server.tokenize.Value.Real;
import dev.tributary.server.tokenize.Value.Stream;
import dev.tributary.server.tokenize.Value.Undefined;
import java.util.Map;

/// Jinja's tests: `value is name`.
final class Tests {
  /// Name to the number of arguments.
  private static final Map<String, Integer> ARGUMENTS =
      Map.ofEntries(
          Map.entry("defined", 0),
          Map.entry("undefined", 0),
          Map.entry("none", 0),
          Map.entry("string", 0),
          Map.entry("mapping", 0),
          Map.entry("iterable", 0),
          Map.entry("sequence", 0),
          Map.entry("true", 0),
          Map.entry("false", 0),
          Map.entry("boolean", 0),
          Map.entry("number", 0),
          Map.entry("integer", 0),
          Map.entry("float", 0),
          Map.entry("callable", 0),
          Map.entry("even", 0),
          Map.entry("odd", 0),
          Map.entry("divisibleby", 1),
          Map.entry("eq", 1),
          Map.entry("equalto", 1),
          Map.entry("ne", 1),
          Map.entry("lt", 1),
          Map.entry("lessthan", 1),
          Map.entry("le", 1),
          Map.entry("gt", 1),
          Map.entry("greaterthan", 1),
          Map.entry("ge", 1),
          Map.entry("in", 1),
          Map.entry("sameas", 1));

  private final Operators operators;

  Tests(RenderBudget budget) {
    this.operators = new Operators(budget);
  }

  static boolean isKnown(String name) {
    return ARGUMENTS.containsKey(name);
  }

  static void require(String name, TokenStream tokens) {
    if (!isKnown(name)) {
      throw tokens.error("test '" + name + "' is not supported");
    }
  }

  boolean test(Value value, String name, Arguments arguments) {
    Value other = ARGUMENTS.getOrDefault(name, -1) == 1 ? arguments.required("other") : None.NONE;
    arguments.end();
    return switch (name) {
      case "defined" -> !(value instanceof Undefined);
      case "undefined" -> value instanceof Undefined;
      case "none" -> value == None.NONE;
      case "string" -> value instanceof Text || value instanceof Markup;
      case "mapping" -> value instanceof Dict;
      case "iterable" ->
          value instanceof Text
              || value instanceof Markup
              || value instanceof Items
              || value instanceof Dict
              || value instanceof Stream
              || value instanceof Loop
              || value instanceof Undefined;
      case "sequence" ->
          value instanceof Text
              || value instanceof Markup
              || value instanceof Items items && items.kind() != Items.Kind.VIEW
              || value instanceof Dict
              || value instanceof Undefined;
      case "true" -> value == Bool.TRUE;
      case "false" -> value == Bool.FALSE;
      case "boolean" -> value instanceof Bool;
      case "number" -> Operators.isNumber(value);
      case "integer" -> value instanceof Int;
      case "float" -> value instanceof Real;
      case "callable" ->
          value instanceof Function || value instanceof Loop || value instanceof Undefined;
      case "even" -> isMultiple(value, new Int(2));
      case "odd" -> !isMultiple(value, new Int(2));
      case "divisibleby" -> isMultiple(value, other);
      case "eq", "equalto" -> operators.equal(value, other);
      case "ne" -> !operators.equal(value, other);
      case "lt", "lessthan" -> operators.compare("<", value, other);
      case "le" -> operators.compare("<=", value, other);
      case "gt", "greaterthan" -> operators.compare(">", value, other);
      case "ge" -> operators.compare(">=", value, other);
      case "in" -> operators.contains(other, value);
      case "sameas" -> isSame(value, other);
      default -> throw new TemplateException("test '" + name + "' is not supported");
    };
  }

  private boolean isMultiple(Value value, Value divisor) {
    return operators.equal(operators.binary("%", value, divisor), new Int(0));
  }

  private static boolean isSame(Value value, Value other) {
    boolean single = other instanceof Bool || other == None.NONE;
    if (!single) {
      throw new TemplateException("'sameas' is supported for booleans and none only");
    }
    return value == other;
  }
}
