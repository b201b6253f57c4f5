package dev.tributary.server.tokenize;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The syntax tree of a chat template.
sealed interface Node {

  /// Something with a value.
  sealed interface Expr extends Node {}

  record Const(Value value) implements Expr {}

  record Name(String name) implements Expr {}

  record ListOf(List<Expr> items) implements Expr {}

  record TupleOf(List<Expr> items) implements Expr {}

  record DictOf(List<Expr> keys, List<Expr> values) implements Expr {}

  record Attribute(Expr object, String name) implements Expr {}

  record Subscript(Expr object, Expr key) implements Expr {}

  record Slice(Expr object, @Nullable Expr from, @Nullable Expr to, @Nullable Expr step)
      implements Expr {}

  record Call(Expr callee, List<Expr> arguments, Map<String, Expr> named) implements Expr {}

  record Filter(Expr input, String name, List<Expr> arguments, Map<String, Expr> named)
      implements Expr {}

  record Test(Expr input, String name, List<Expr> arguments) implements Expr {}

  record Unary(char operator, Expr operand) implements Expr {}

  record Binary(String operator, Expr left, Expr right) implements Expr {}

  record Concat(List<Expr> parts) implements Expr {}

  /// A chain such as `a < b in c`: `operators[i]` stands between operand `i` and `i + 1`.
  record Compare(List<Expr> operands, List<String> operators) implements Expr {}

  record Not(Expr operand) implements Expr {}

  record And(Expr left, Expr right) implements Expr {}

  record Or(Expr left, Expr right) implements Expr {}

  record Conditional(Expr test, Expr then, @Nullable Expr otherwise) implements Expr {}

  /// What a `filter` block or a `set` block gives to its filters.
  record BlockInput() implements Expr {}

  /// Something with an effect.
  sealed interface Stmt extends Node {
    int line();
  }

  record Data(int line, Text text) implements Stmt {}

  record Print(int line, Expr value) implements Stmt {}

  record If(int line, List<Expr> tests, List<List<Stmt>> bodies, List<Stmt> otherwise)
      implements Stmt {}

  record For(
      int line,
      Target target,
      Expr values,
      @Nullable Expr condition,
      List<Stmt> body,
      List<Stmt> otherwise)
      implements Stmt {}

  record Set(int line, Target target, Expr value) implements Stmt {}

  /// `{% set x | filters %}body{% endset %}`; `value` is the filters applied to [BlockInput].
  record SetBlock(int line, Target target, Expr value, List<Stmt> body) implements Stmt {}

  record FilterBlock(int line, Expr value, List<Stmt> body) implements Stmt {}

  /// Parameters without a default come first; `defaults` belong to the last ones.
  record Macro(int line, String name, List<String> parameters, List<Expr> defaults, List<Stmt> body)
      implements Stmt {}

  record With(int line, List<Target> targets, List<Expr> values, List<Stmt> body) implements Stmt {}

  /// `{% generation %}`, which marks what the model wrote and renders as its body.
  record Generation(int line, List<Stmt> body) implements Stmt {}

  record Break(int line) implements Stmt {}

  record Continue(int line) implements Stmt {}

  /// Where a value is assigned to.
  sealed interface Target extends Node {}

  record NameTarget(String name) implements Target {}

  record TupleTarget(List<Target> targets) implements Target {}

  record NamespaceTarget(String namespace, String attribute) implements Target {}
}
