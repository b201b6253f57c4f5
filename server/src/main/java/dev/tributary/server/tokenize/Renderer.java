package dev.tributary.server.tokenize;

import dev.tributary.server.tokenize.Node.Expr;
import dev.tributary.server.tokenize.Node.Stmt;
import dev.tributary.server.tokenize.Node.Target;
import dev.tributary.server.tokenize.Value.Function;
import dev.tributary.server.tokenize.Value.Loop;
import dev.tributary.server.tokenize.Value.Namespace;
import dev.tributary.server.tokenize.Value.Undefined;
import java.util.ArrayList;
import java.util.List;

/// Runs a template's statements.
final class Renderer {
  private enum Flow {
    ON,
    BREAK,
    CONTINUE
  }

  private static final String LOOP = "loop";

  private final RenderBudget budget;
  private final Evaluator evaluator;

  /// The line being run, for messages.
  private int line;

  Renderer(RenderBudget budget) {
    this.budget = budget;
    this.evaluator = new Evaluator(budget);
  }

  /// @throws TemplateException naming the line, for whatever went wrong
  Text render(List<Stmt> template, Scope globals) {
    try {
      return capture(template, new Scope(globals));
    } catch (TemplateException e) {
      throw e.isRefusal()
          ? e
          : new TemplateException("chat template line " + line + ": " + e.getMessage());
    }
  }

  private Text capture(List<Stmt> body, Scope scope) {
    Text.Builder out = new Text.Builder(256);
    run(body, scope, out);
    return out.build();
  }

  private Flow run(List<Stmt> body, Scope scope, Text.Builder out) {
    budget.enter();
    for (Stmt statement : body) {
      line = statement.line();
      Flow flow = run(statement, scope, out);
      if (flow != Flow.ON) {
        budget.leave();
        return flow;
      }
    }
    budget.leave();
    return Flow.ON;
  }

  private Flow run(Stmt statement, Scope scope, Text.Builder out) {
    switch (statement) {
      case Node.Data data -> append(out, data.text());
      case Node.Print print ->
          append(out, Python.str(evaluator.value(print.value(), scope), budget));
      case Node.If choice -> {
        return choose(choice, scope, out);
      }
      case Node.For loop -> {
        return loop(loop, scope, out);
      }
      case Node.Set set -> assign(set.target(), evaluator.value(set.value(), scope), scope);
      case Node.SetBlock block ->
          assign(block.target(), filtered(block.value(), block.body(), scope), scope);
      case Node.FilterBlock block ->
          append(out, Python.str(filtered(block.value(), block.body(), scope), budget));
      case Node.Macro macro ->
          scope.set(
              macro.name(), new Function(macro.name(), arguments -> call(macro, arguments, scope)));
      case Node.With with -> {
        Scope inner = new Scope(scope);
        for (int i = 0; i < with.targets().size(); i++) {
          assign(with.targets().get(i), evaluator.value(with.values().get(i), scope), inner);
        }
        return run(with.body(), inner, out);
      }
      case Node.Generation generation -> append(out, capture(generation.body(), new Scope(scope)));
      case Node.Break end -> {
        return Flow.BREAK;
      }
      case Node.Continue next -> {
        return Flow.CONTINUE;
      }
    }
    return Flow.ON;
  }

  private void append(Text.Builder out, Text text) {
    budget.text(text.length());
    budget.length((long) out.length() + text.length());
    out.add(text);
  }

  private Value filtered(Expr filters, List<Stmt> body, Scope scope) {
    Scope inner = new Scope(scope);
    inner.set(Evaluator.BLOCK_INPUT, capture(body, new Scope(scope)));
    return evaluator.value(filters, inner);
  }

  private Flow choose(Node.If choice, Scope scope, Text.Builder out) {
    for (int i = 0; i < choice.tests().size(); i++) {
      if (Python.isTrue(evaluator.value(choice.tests().get(i), scope))) {
        return run(choice.bodies().get(i), scope, out);
      }
    }
    return run(choice.otherwise(), scope, out);
  }

  private Flow loop(Node.For loop, Scope scope, Text.Builder out) {
    List<Value> values = selected(loop, scope);
    int[] position = {0};
    Loop state = new Loop(values, position);
    for (int i = 0; i < values.size(); i++) {
      position[0] = i;
      Scope inner = new Scope(scope);
      inner.set(LOOP, state);
      assign(loop.target(), values.get(i), inner);
      if (run(loop.body(), inner, out) == Flow.BREAK) {
        break;
      }
    }
    return values.isEmpty() ? run(loop.otherwise(), new Scope(scope), out) : Flow.ON;
  }

  private List<Value> selected(Node.For loop, Scope scope) {
    List<Value> values = Python.iterate(evaluator.value(loop.values(), scope), budget);
    Expr condition = loop.condition();
    if (condition == null) {
      return values;
    }
    List<Value> selected = new ArrayList<>();
    for (Value value : values) {
      Scope inner = new Scope(scope);
      assign(loop.target(), value, inner);
      if (Python.isTrue(evaluator.value(condition, inner))) {
        selected.add(value);
      }
    }
    return selected;
  }

  private Text call(Node.Macro macro, Arguments arguments, Scope definedIn) {
    int callerLine = line;
    budget.enter();
    Scope scope = new Scope(definedIn);
    int required = macro.parameters().size() - macro.defaults().size();
    for (int i = 0; i < macro.parameters().size(); i++) {
      String name = macro.parameters().get(i);
      Value value = arguments.next(name);
      if (value == null) {
        value =
            i < required
                ? new Undefined("parameter '" + name + "' was not provided")
                : evaluator.value(macro.defaults().get(i - required), scope);
      }
      scope.set(name, value);
    }
    arguments.end();
    Text result = capture(macro.body(), scope);
    budget.leave();
    line = callerLine;
    return result;
  }

  private void assign(Target target, Value value, Scope scope) {
    switch (target) {
      case Node.NameTarget name -> scope.set(name.name(), value);
      case Node.TupleTarget tuple -> {
        List<Value> values = Python.iterate(value, budget);
        if (values.size() != tuple.targets().size()) {
          throw new TemplateException(
              values.size() + " values for " + tuple.targets().size() + " names");
        }
        for (int i = 0; i < values.size(); i++) {
          assign(tuple.targets().get(i), values.get(i), scope);
        }
      }
      case Node.NamespaceTarget attribute -> {
        if (!(scope.get(attribute.namespace()) instanceof Namespace namespace)) {
          throw new TemplateException("'" + attribute.namespace() + "' is no namespace");
        }
        Globals.requireAttribute(attribute.attribute());
        namespace.attributes().put(attribute.attribute(), value);
      }
    }
  }
}
