package dev.tributary.server.tokenize;

import dev.tributary.server.tokenize.Node.Expr;
import dev.tributary.server.tokenize.Node.Stmt;
import dev.tributary.server.tokenize.Node.Target;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// Finds in a template, before it is ever run, what would fail or differ from transformers: unknown
/// functions and methods, and constructs whose meaning depends on Python's internals.
final class TemplateCheck {
  private static final int MAX_DEPTH = 400;

  /// Names that Jinja defines by itself and that aren't built.
  private static final Set<String> RESERVED =
      Set.of("self", "super", "caller", "varargs", "kwargs", "cycler", "joiner", "lipsum");

  private final Set<String> assigned = new HashSet<>();
  private int line;
  private int depth;

  private TemplateCheck() {}

  /// @throws TemplateException naming the line and what isn't supported
  static void check(List<Stmt> template) {
    TemplateCheck check = new TemplateCheck();
    check.collect(template);
    check.statements(template);
  }

  private void collect(List<Stmt> body) {
    for (Stmt statement : body) {
      switch (statement) {
        case Node.For loop -> {
          collect(loop.target());
          collect(loop.body());
          collect(loop.otherwise());
        }
        case Node.If choice -> {
          choice.bodies().forEach(this::collect);
          collect(choice.otherwise());
        }
        case Node.Set set -> collect(set.target());
        case Node.SetBlock block -> {
          collect(block.target());
          collect(block.body());
        }
        case Node.FilterBlock block -> collect(block.body());
        case Node.Macro macro -> {
          assigned.add(macro.name());
          assigned.addAll(macro.parameters());
          collect(macro.body());
        }
        case Node.With with -> {
          with.targets().forEach(this::collect);
          collect(with.body());
        }
        case Node.Generation generation -> collect(generation.body());
        case Node.Data data -> {}
        case Node.Print print -> {}
        case Node.Break end -> {}
        case Node.Continue next -> {}
      }
    }
  }

  private void collect(Target target) {
    switch (target) {
      case Node.NameTarget name -> assigned.add(name.name());
      case Node.TupleTarget tuple -> tuple.targets().forEach(this::collect);
      case Node.NamespaceTarget namespace -> {}
    }
  }

  private void statements(List<Stmt> body) {
    for (Stmt statement : body) {
      line = statement.line();
      switch (statement) {
        case Node.Data data -> {}
        case Node.Break end -> {}
        case Node.Continue next -> {}
        case Node.Print print -> expression(print.value());
        case Node.If choice -> {
          choice.tests().forEach(this::expression);
          choice.bodies().forEach(this::statements);
          statements(choice.otherwise());
        }
        case Node.For loop -> {
          expression(loop.values());
          if (loop.condition() != null) {
            expression(loop.condition());
          }
          statements(loop.body());
          statements(loop.otherwise());
        }
        case Node.Set set -> expression(set.value());
        case Node.SetBlock block -> {
          expression(block.value());
          statements(block.body());
        }
        case Node.FilterBlock block -> {
          expression(block.value());
          statements(block.body());
        }
        case Node.Macro macro -> {
          macro.defaults().forEach(this::expression);
          statements(macro.body());
        }
        case Node.With with -> {
          with.values().forEach(this::expression);
          statements(with.body());
        }
        case Node.Generation generation -> statements(generation.body());
      }
    }
  }

  private void expression(Expr expr) {
    if (++depth > MAX_DEPTH) {
      throw error("expressions nest deeper than " + MAX_DEPTH);
    }
    switch (expr) {
      case Node.Const constant -> {}
      case Node.BlockInput input -> {}
      case Node.Name name -> name(name.name());
      case Node.ListOf list -> list.items().forEach(this::expression);
      case Node.TupleOf tuple -> tuple.items().forEach(this::expression);
      case Node.DictOf dict -> {
        dict.keys().forEach(this::expression);
        dict.values().forEach(this::expression);
      }
      case Node.Attribute attribute -> attribute(attribute);
      case Node.Subscript subscript -> {
        expression(subscript.object());
        expression(subscript.key());
      }
      case Node.Slice slice -> {
        expression(slice.object());
        for (Expr bound : new Expr[] {slice.from(), slice.to(), slice.step()}) {
          if (bound != null) {
            expression(bound);
          }
        }
      }
      case Node.Call call -> call(call);
      case Node.Filter filter -> filter(filter);
      case Node.Test test -> {
        expression(test.input());
        test.arguments().forEach(this::expression);
      }
      case Node.Unary unary -> expression(unary.operand());
      case Node.Binary binary -> binary(binary);
      case Node.Concat concat -> concat.parts().forEach(this::expression);
      case Node.Compare compare -> compare.operands().forEach(this::expression);
      case Node.Not not -> expression(not.operand());
      case Node.And and -> {
        expression(and.left());
        expression(and.right());
      }
      case Node.Or or -> {
        expression(or.left());
        expression(or.right());
      }
      case Node.Conditional conditional -> {
        expression(conditional.test());
        expression(conditional.then());
        if (conditional.otherwise() != null) {
          expression(conditional.otherwise());
        }
      }
    }
    depth--;
  }

  private void binary(Node.Binary binary) {
    if (binary.operator().equals("%")
        && binary.left() instanceof Node.Const format
        && format.value() instanceof Text) {
      throw error("formatting by '%' is not supported");
    }
    for (Expr operand : List.of(binary.left(), binary.right())) {
      if (operand instanceof Node.Filter filter && filter.name().equals("safe")) {
        throw error("'" + binary.operator() + "' after 'safe' is not supported");
      }
      expression(operand);
    }
  }

  private void name(String name) {
    if (RESERVED.contains(name) && !assigned.contains(name)) {
      throw error("'" + name + "' is not supported");
    }
  }

  private void attribute(Node.Attribute attribute) {
    if (attribute.name().startsWith("__")) {
      throw error("attribute '" + attribute.name() + "' is not allowed");
    }
    expression(attribute.object());
  }

  private void call(Node.Call call) {
    switch (call.callee()) {
      case Node.Name name -> {
        name(name.name());
        if (!Globals.FUNCTIONS.contains(name.name()) && !assigned.contains(name.name())) {
          throw error("function '" + name.name() + "' is unknown");
        }
      }
      case Node.Attribute attribute -> {
        if (!Methods.isKnown(attribute.name())) {
          throw error("method '" + attribute.name() + "' is not supported");
        }
        attribute(attribute);
      }
      default -> throw error("only functions, macros and methods can be called");
    }
    call.arguments().forEach(this::expression);
    call.named().values().forEach(this::expression);
  }

  private void filter(Node.Filter filter) {
    expression(filter.input());
    filter.arguments().forEach(this::expression);
    filter.named().values().forEach(this::expression);
    String named =
        !filter.arguments().isEmpty() && filter.arguments().getFirst() instanceof Node.Const first
            ? first.value().toString()
            : "";
    String tested =
        filter.arguments().size() > 1 && filter.arguments().get(1) instanceof Node.Const second
            ? second.value().toString()
            : "";
    switch (filter.name()) {
      case "map" -> require(named, Filters.isKnown(named), "filter");
      case "select", "reject" -> require(named, Tests.isKnown(named), "test");
      case "selectattr", "rejectattr" -> require(tested, Tests.isKnown(tested), "test");
      default -> {}
    }
  }

  private void require(String name, boolean known, String kind) {
    if (!name.isEmpty() && !known) {
      throw error(kind + " '" + name + "' is not supported");
    }
  }

  private TemplateException error(String message) {
    return new TemplateException("chat template line " + line + ": " + message);
  }
}
