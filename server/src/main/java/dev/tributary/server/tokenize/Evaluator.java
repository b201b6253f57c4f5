package dev.tributary.server.tokenize;

import dev.tributary.server.tokenize.Node.Expr;
import dev.tributary.server.tokenize.Value.Bool;
import dev.tributary.server.tokenize.Value.Dict;
import dev.tributary.server.tokenize.Value.Function;
import dev.tributary.server.tokenize.Value.Items;
import dev.tributary.server.tokenize.Value.None;
import dev.tributary.server.tokenize.Value.Undefined;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Values of expressions.
final class Evaluator {
  /// The name under which a block's text waits for its filters; no template can spell it.
  static final String BLOCK_INPUT = "(block)";

  private final RenderBudget budget;
  private final Operators operators;
  private final Methods methods;
  private final Filters filters;
  private final Tests tests;

  Evaluator(RenderBudget budget) {
    this.budget = budget;
    this.operators = new Operators(budget);
    this.methods = new Methods(budget);
    this.filters = new Filters(budget);
    this.tests = new Tests(budget);
  }

  Value value(Expr expr, Scope scope) {
    budget.enter();
    Value value =
        switch (expr) {
          case Node.Const constant -> constant.value();
          case Node.Name name -> scope.get(name.name());
          case Node.BlockInput input -> scope.get(BLOCK_INPUT);
          case Node.ListOf list -> Items.list(values(list.items(), scope));
          case Node.TupleOf tuple -> new Items(Items.Kind.TUPLE, values(tuple.items(), scope));
          case Node.DictOf dict -> dict(dict, scope);
          case Node.Attribute attribute ->
              methods.attribute(value(attribute.object(), scope), attribute.name());
          case Node.Subscript subscript ->
              methods.item(value(subscript.object(), scope), value(subscript.key(), scope));
          case Node.Slice slice ->
              methods.slice(
                  value(slice.object(), scope),
                  optional(slice.from(), scope),
                  optional(slice.to(), scope),
                  optional(slice.step(), scope));
          case Node.Call call -> call(call, scope);
          case Node.Filter filter ->
              filters.apply(
                  value(filter.input(), scope),
                  filter.name(),
                  arguments(
                      "filter '" + filter.name() + "'", filter.arguments(), filter.named(), scope));
          case Node.Test test ->
              Bool.of(
                  tests.test(
                      value(test.input(), scope),
                      test.name(),
                      arguments("test '" + test.name() + "'", test.arguments(), Map.of(), scope)));
          case Node.Unary unary -> operators.sign(unary.operator(), value(unary.operand(), scope));
          case Node.Binary binary ->
              operators.binary(
                  binary.operator(), value(binary.left(), scope), value(binary.right(), scope));
          case Node.Concat concat -> concat(concat, scope);
          case Node.Compare compare -> Bool.of(compare(compare, scope));
          case Node.Not not -> Bool.of(!Python.isTrue(value(not.operand(), scope)));
          case Node.And and -> {
            Value left = value(and.left(), scope);
            yield Python.isTrue(left) ? value(and.right(), scope) : left;
          }
          case Node.Or or -> {
            Value left = value(or.left(), scope);
            yield Python.isTrue(left) ? left : value(or.right(), scope);
          }
          case Node.Conditional conditional -> conditional(conditional, scope);
        };
    budget.leave();
    return value;
  }

  private Value optional(@Nullable Expr expr, Scope scope) {
    return expr == null ? None.NONE : value(expr, scope);
  }

  private List<Value> values(List<Expr> items, Scope scope) {
    budget.collection(items.size());
    List<Value> values = new ArrayList<>(items.size());
    for (Expr item : items) {
      values.add(value(item, scope));
    }
    return values;
  }

  private Value dict(Node.DictOf dict, Scope scope) {
    budget.collection(dict.keys().size());
    Map<Value, Value> entries = new LinkedHashMap<>();
    for (int i = 0; i < dict.keys().size(); i++) {
      Value key = value(dict.keys().get(i), scope);
      if (!Values.isKey(key)) {
        throw new TemplateException("a " + Python.type(key) + " can't be a key here");
      }
      entries.put(key, value(dict.values().get(i), scope));
    }
    return new Dict(entries);
  }

  private Value call(Node.Call call, Scope scope) {
    Value callee = value(call.callee(), scope);
    return switch (callee) {
      case Function function ->
          function.body().call(arguments(function.name(), call.arguments(), call.named(), scope));
      case Undefined undefined -> throw new TemplateException(undefined.what());
      default -> throw new TemplateException("a " + Python.type(callee) + " can't be called");
    };
  }

  private Arguments arguments(
      String callee, List<Expr> positional, Map<String, Expr> named, Scope scope) {
    Map<String, Value> namedValues = new LinkedHashMap<>();
    List<Value> values = values(positional, scope);
    named.forEach((name, expr) -> namedValues.put(name, value(expr, scope)));
    return new Arguments(callee, values, namedValues, budget);
  }

  private Value concat(Node.Concat concat, Scope scope) {
    Text.Builder out = new Text.Builder(64);
    for (Expr part : concat.parts()) {
      Text text = Python.str(value(part, scope), budget);
      budget.text(text.length());
      budget.length((long) out.length() + text.length());
      out.add(text);
    }
    return out.build();
  }

  private boolean compare(Node.Compare compare, Scope scope) {
    Value left = value(compare.operands().getFirst(), scope);
    for (int i = 0; i < compare.operators().size(); i++) {
      Value right = value(compare.operands().get(i + 1), scope);
      if (!operators.compare(compare.operators().get(i), left, right)) {
        return false;
      }
      left = right;
    }
    return true;
  }

  private Value conditional(Node.Conditional conditional, Scope scope) {
    if (Python.isTrue(value(conditional.test(), scope))) {
      return value(conditional.then(), scope);
    }
    Expr otherwise = conditional.otherwise();
    return otherwise == null
        ? new Undefined("the inline if-expression has no else")
        : value(otherwise, scope);
  }
}
