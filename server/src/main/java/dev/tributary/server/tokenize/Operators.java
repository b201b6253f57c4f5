package dev.tributary.server.tokenize;

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
import java.util.List;
import java.util.Map;

/// Python's operators. Values of kinds that Python doesn't mix are an error, never coerced.
final class Operators {
  private static final int MAX_POWER = 64;

  private final RenderBudget budget;

  Operators(RenderBudget budget) {
    this.budget = budget;
  }

  Value binary(String operator, Value left, Value right) {
    if (operator.equals("%") && left instanceof Text) {
      throw new TemplateException("formatting by '%' is not supported");
    }
    if (left instanceof Undefined undefined) {
      throw new TemplateException(undefined.what());
    }
    if (right instanceof Undefined undefined) {
      throw new TemplateException(undefined.what());
    }
    if (operator.equals("+")) {
      if (left instanceof Text a && right instanceof Text b) {
        budget.text((long) a.length() + b.length());
        return a.plus(b);
      }
      if (left instanceof Items a
          && right instanceof Items b
          && a.kind() == b.kind()
          && isSequence(a)) {
        budget.collection((long) a.values().size() + b.values().size());
        List<Value> joined = new ArrayList<>(a.values());
        joined.addAll(b.values());
        return new Items(a.kind(), joined);
      }
    }
    if (operator.equals("*")) {
      if (isNumber(right) && !(right instanceof Real) && !isNumber(left)) {
        return repeated(left, integer(right));
      }
      if (isNumber(left) && !(left instanceof Real) && !isNumber(right)) {
        return repeated(right, integer(left));
      }
    }
    if (!isNumber(left) || !isNumber(right)) {
      throw unsupported(operator, left, right);
    }
    return left instanceof Real || right instanceof Real || operator.equals("/")
        ? reals(operator, real(left), real(right))
        : integers(operator, integer(left), integer(right));
  }

  private Value repeated(Value value, long count) {
    long times = Math.max(0, Math.min(count, Integer.MAX_VALUE));
    switch (value) {
      case Text text -> {
        budget.text(text.length() * times);
        Text.Builder out = new Text.Builder((int) (text.length() * times));
        for (long i = 0; i < times && text.length() > 0; i++) {
          out.add(text);
        }
        return out.build();
      }
      case Items items when isSequence(items) -> {
        budget.collection(items.values().size() * times);
        List<Value> all = new ArrayList<>();
        for (long i = 0; i < times && !items.values().isEmpty(); i++) {
          all.addAll(items.values());
        }
        return new Items(items.kind(), all);
      }
      default -> throw unsupported("*", value, new Int(count));
    }
  }

  private static boolean isSequence(Items items) {
    return items.kind() == Items.Kind.LIST || items.kind() == Items.Kind.TUPLE;
  }

  private static Value integers(String operator, long a, long b) {
    try {
      return switch (operator) {
        case "+" -> new Int(Math.addExact(a, b));
        case "-" -> new Int(Math.subtractExact(a, b));
        case "*" -> new Int(Math.multiplyExact(a, b));
        case "//" -> new Int(Math.floorDivExact(a, b));
        case "%" -> new Int(Math.floorMod(a, b));
        case "**" -> power(a, b);
        default -> throw new IllegalStateException(operator);
      };
    } catch (ArithmeticException e) {
      throw new TemplateException(
          b == 0 ? "division by zero" : a + " " + operator + " " + b + " is too large");
    }
  }

  private static Value power(long base, long exponent) {
    if (exponent < 0) {
      return new Real(Math.pow(base, exponent));
    }
    if (exponent > MAX_POWER) {
      throw new TemplateException("exponents above " + MAX_POWER + " are not supported");
    }
    long result = 1;
    for (long i = 0; i < exponent; i++) {
      result = Math.multiplyExact(result, base);
    }
    return new Int(result);
  }

  private static Value reals(String operator, double a, double b) {
    boolean divides = operator.equals("/") || operator.equals("//") || operator.equals("%");
    if (divides && b == 0) {
      throw new TemplateException("division by zero");
    }
    return new Real(
        switch (operator) {
          case "+" -> a + b;
          case "-" -> a - b;
          case "*" -> a * b;
          case "/" -> a / b;
          case "//" -> Math.floor(a / b);
          case "%" -> a - b * Math.floor(a / b);
          case "**" -> Math.pow(a, b);
          default -> throw new IllegalStateException(operator);
        });
  }

  Value sign(char sign, Value operand) {
    if (operand instanceof Undefined undefined) {
      throw new TemplateException(undefined.what());
    }
    if (!isNumber(operand)) {
      throw new TemplateException("bad operand for unary " + sign + ": " + Python.type(operand));
    }
    int factor = sign == '-' ? -1 : 1;
    return operand instanceof Real number
        ? new Real(factor * number.value())
        : new Int(factor * integer(operand));
  }

  boolean compare(String operator, Value left, Value right) {
    return switch (operator) {
      case "==" -> equal(left, right);
      case "!=" -> !equal(left, right);
      case "in" -> contains(right, left);
      case "not in" -> !contains(right, left);
      case "<" -> order(left, right) < 0;
      case "<=" -> order(left, right) <= 0;
      case ">" -> order(left, right) > 0;
      case ">=" -> order(left, right) >= 0;
      default -> throw new IllegalStateException(operator);
    };
  }

  boolean equal(Value left, Value right) {
    return equal(left, right, 0);
  }

  private boolean equal(Value left, Value right, int depth) {
    if (depth > Value.MAX_DEPTH) {
      throw new TemplateException("a value nests deeper than " + Value.MAX_DEPTH);
    }
    if (left instanceof Markup markup) {
      return equal(markup.text(), right, depth + 1);
    }
    if (right instanceof Markup markup) {
      return equal(left, markup.text(), depth + 1);
    }
    budget.work(1);
    if (isNumber(left) && isNumber(right)) {
      return left instanceof Real || right instanceof Real
          ? real(left) == real(right)
          : integer(left) == integer(right);
    }
    return switch (left) {
      case Text a -> {
        budget.work(a.length() >> 4);
        yield right.equals(a);
      }
      case None none -> right == None.NONE;
      case Undefined a -> right instanceof Undefined;
      case Items a when right instanceof Items b && a.kind() == b.kind() -> {
        if (a.values().size() != b.values().size()) {
          yield false;
        }
        boolean same = true;
        for (int i = 0; same && i < a.values().size(); i++) {
          same = equal(a.values().get(i), b.values().get(i), depth + 1);
        }
        yield same;
      }
      case Dict a when right instanceof Dict b -> {
        boolean same = a.entries().size() == b.entries().size();
        for (Map.Entry<Value, Value> entry : a.entries().entrySet()) {
          Value other = same ? b.entries().get(entry.getKey()) : null;
          same = other != null && equal(entry.getValue(), other, depth + 1);
        }
        yield same;
      }
      default -> left == right;
    };
  }

  boolean contains(Value container, Value item) {
    switch (container) {
      case Text text -> {
        if (item instanceof Undefined undefined) {
          throw new TemplateException(undefined.what());
        }
        if (!(item instanceof Text part)) {
          throw new TemplateException("'in <str>' requires a str, not a " + Python.type(item));
        }
        return text.indexOf(part, 0, budget) >= 0;
      }
      case Dict dict -> {
        return Values.find(dict, item) != null;
      }
      case Stream stream -> {
        while (!stream.rest().isEmpty()) {
          if (equal(stream.rest().removeFirst(), item)) {
            return true;
          }
        }
        return false;
      }
      default -> {
        for (Value each : Python.iterate(container, budget)) {
          if (equal(each, item)) {
            return true;
          }
        }
        return false;
      }
    }
  }

  int order(Value left, Value right) {
    return order(left, right, 0);
  }

  private int order(Value left, Value right, int depth) {
    budget.work(1);
    if (isNumber(left) && isNumber(right)) {
      return left instanceof Real || right instanceof Real
          ? orderReals(real(left), real(right))
          : Long.compare(integer(left), integer(right));
    }
    if (left instanceof Text a && right instanceof Text b) {
      budget.work(Math.min(a.length(), b.length()) >> 4);
      return a.compareTo(b);
    }
    if (left instanceof Items a
        && right instanceof Items b
        && a.kind() == b.kind()
        && isSequence(a)
        && depth < Value.MAX_DEPTH) {
      int shorter = Math.min(a.values().size(), b.values().size());
      for (int i = 0; i < shorter; i++) {
        if (!equal(a.values().get(i), b.values().get(i))) {
          return order(a.values().get(i), b.values().get(i), depth + 1);
        }
      }
      return Integer.compare(a.values().size(), b.values().size());
    }
    if (left instanceof Undefined undefined) {
      throw new TemplateException(undefined.what());
    }
    throw unsupported("<", left, right);
  }

  private static int orderReals(double a, double b) {
    if (Double.isNaN(a) || Double.isNaN(b)) {
      throw new TemplateException("NaN has no order");
    }
    return a < b ? -1 : a > b ? 1 : 0;
  }

  static boolean isNumber(Value value) {
    return value instanceof Int || value instanceof Real || value instanceof Bool;
  }

  static long integer(Value value) {
    return switch (value) {
      case Int number -> number.value();
      case Bool bool -> bool == Bool.TRUE ? 1 : 0;
      default ->
          throw new TemplateException("a whole number is needed, not a " + Python.type(value));
    };
  }

  static double real(Value value) {
    return value instanceof Real number ? number.value() : integer(value);
  }

  private static TemplateException unsupported(String operator, Value left, Value right) {
    return new TemplateException(
        "unsupported operands for "
            + operator
            + ": "
            + Python.type(left)
            + " and "
            + Python.type(right));
  }
}
