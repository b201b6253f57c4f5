package dev.tributary.server.tokenize;

import dev.tributary.server.tokenize.Node.Expr;
import dev.tributary.server.tokenize.TemplateParser.TokenStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Expressions of Jinja 3.1's grammar, with its precedences: conditional, or, and, not, comparison,
/// `+ -`, `~`, `* / // %`, `**`, sign, then postfixes and filters.
final class ExpressionParser {
  private static final int MAX_DEPTH = 60;

  /// The longest chain of operators of one precedence, postfixes or filters.
  private static final int MAX_CHAIN = 200;

  private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");
  private static final Set<String> CONSTANTS =
      Set.of("true", "false", "none", "True", "False", "None");

  private final TokenStream tokens;
  private int depth;

  ExpressionParser(TokenStream tokens) {
    this.tokens = tokens;
  }

  /// The name of an assignment's target, which can't be a constant.
  static String assignable(Token name, TokenStream tokens) {
    if (CONSTANTS.contains(name.text())) {
      throw tokens.error("can't assign to '" + name.text() + "'");
    }
    return name.text();
  }

  Expr expression() {
    return expression(true);
  }

  /// One expression, or a tuple without parentheses.
  Expr tuple(boolean conditional, String... ends) {
    List<Expr> items = items(conditional, ends);
    if (items.isEmpty()) {
      throw tokens.unexpected("an expression");
    }
    return asTuple(items);
  }

  private boolean trailingComma;

  private Expr asTuple(List<Expr> items) {
    return items.size() == 1 && !trailingComma ? items.getFirst() : new Node.TupleOf(items);
  }

  private List<Expr> items(boolean conditional, String... ends) {
    List<Expr> items = new ArrayList<>();
    boolean comma = false;
    while (!isTupleEnd(ends)) {
      items.add(expression(conditional));
      comma = tokens.skipOperator(",");
      if (!comma) {
        break;
      }
      bound(items.size());
    }
    trailingComma = comma;
    return items;
  }

  private boolean isTupleEnd(String... ends) {
    Token token = tokens.current();
    return switch (token.type()) {
      case VARIABLE_END, BLOCK_END -> true;
      case OPERATOR -> token.text().equals(")");
      case NAME -> Arrays.asList(ends).contains(token.text());
      default -> false;
    };
  }

  private Expr expression(boolean conditional) {
    enter();
    Expr result = or();
    for (int chain = 0; conditional && tokens.skipName("if"); bound(++chain)) {
      Expr test = or();
      Expr otherwise = tokens.skipName("else") ? expression(true) : null;
      result = new Node.Conditional(test, result, otherwise);
    }
    depth--;
    return result;
  }

  private Expr or() {
    Expr left = and();
    for (int chain = 0; tokens.skipName("or"); bound(++chain)) {
      left = new Node.Or(left, and());
    }
    return left;
  }

  private Expr and() {
    Expr left = not();
    for (int chain = 0; tokens.skipName("and"); bound(++chain)) {
      left = new Node.And(left, not());
    }
    return left;
  }

  private Expr not() {
    if (!tokens.skipName("not")) {
      return comparison();
    }
    enter();
    Expr operand = not();
    depth--;
    return new Node.Not(operand);
  }

  private Expr comparison() {
    Expr first = sum();
    List<Expr> operands = new ArrayList<>(List.of(first));
    List<String> operators = new ArrayList<>();
    while (true) {
      Token token = tokens.current();
      if (token.type() == Token.Type.OPERATOR && COMPARISONS.contains(token.text())) {
        tokens.next();
        operators.add(token.text());
      } else if (tokens.skipName("in")) {
        operators.add("in");
      } else if (token.isName("not") && tokens.following().isName("in")) {
        tokens.next();
        tokens.next();
        operators.add("not in");
      } else {
        return operators.isEmpty() ? first : new Node.Compare(operands, operators);
      }
      operands.add(sum());
      bound(operators.size());
    }
  }

  private Expr sum() {
    Expr left = concat();
    for (int chain = 0; isAny("+", "-"); bound(++chain)) {
      left = new Node.Binary(tokens.next().text(), left, concat());
    }
    return left;
  }

  private Expr concat() {
    List<Expr> parts = new ArrayList<>(List.of(product()));
    while (tokens.skipOperator("~")) {
      parts.add(product());
      bound(parts.size());
    }
    return parts.size() == 1 ? parts.getFirst() : new Node.Concat(parts);
  }

  private Expr product() {
    Expr left = power();
    for (int chain = 0; isAny("*", "/", "//", "%"); bound(++chain)) {
      left = new Node.Binary(tokens.next().text(), left, power());
    }
    return left;
  }

  private Expr power() {
    Expr left = unary(true);
    for (int chain = 0; tokens.skipOperator("**"); bound(++chain)) {
      left = new Node.Binary("**", left, unary(true));
    }
    return left;
  }

  private Expr unary(boolean withFilters) {
    Expr result;
    if (isAny("+", "-")) {
      enter();
      char sign = tokens.next().text().charAt(0);
      result = new Node.Unary(sign, unary(false));
      depth--;
    } else {
      result = primary();
    }
    result = postfixes(result);
    return withFilters ? filtersAndTests(result) : result;
  }

  private Expr primary() {
    Token token = tokens.current();
    switch (token.type()) {
      case NAME -> {
        tokens.next();
        return switch (token.text()) {
          case "true", "True" -> new Node.Const(Value.Bool.TRUE);
          case "false", "False" -> new Node.Const(Value.Bool.FALSE);
          case "none", "None" -> new Node.Const(Value.None.NONE);
          default -> new Node.Name(token.text());
        };
      }
      case STRING -> {
        StringBuilder joined = new StringBuilder();
        while (tokens.current().type() == Token.Type.STRING) {
          joined.append(tokens.next().text());
        }
        return new Node.Const(Text.own(joined.toString()));
      }
      case INTEGER -> {
        return new Node.Const(new Value.Int(integer(tokens.next())));
      }
      case FLOAT -> {
        return new Node.Const(new Value.Real(Double.parseDouble(tokens.next().text())));
      }
      default -> {
        return bracketed();
      }
    }
  }

  private long integer(Token token) {
    if (token.text().length() > 18) {
      throw tokens.error("number " + token.text() + " is too large");
    }
    return Long.parseLong(token.text());
  }

  private Expr bracketed() {
    if (tokens.skipOperator("(")) {
      List<Expr> items = items(true);
      Expr result = asTuple(items);
      tokens.expectOperator(")");
      return result;
    }
    if (tokens.skipOperator("[")) {
      List<Expr> items = new ArrayList<>();
      while (!tokens.skipOperator("]")) {
        if (!items.isEmpty()) {
          tokens.expectOperator(",");
          if (tokens.skipOperator("]")) {
            break;
          }
        }
        items.add(expression());
      }
      return new Node.ListOf(items);
    }
    if (tokens.skipOperator("{")) {
      return dict();
    }
    throw tokens.unexpected("an expression");
  }

  private Expr dict() {
    List<Expr> keys = new ArrayList<>();
    List<Expr> values = new ArrayList<>();
    while (!tokens.skipOperator("}")) {
      if (!keys.isEmpty()) {
        tokens.expectOperator(",");
        if (tokens.skipOperator("}")) {
          break;
        }
      }
      keys.add(expression());
      tokens.expectOperator(":");
      values.add(expression());
    }
    return new Node.DictOf(keys, values);
  }

  private Expr postfixes(Expr object) {
    Expr result = object;
    for (int chain = 0; isAny(".", "[", "("); bound(++chain)) {
      result = tokens.current().isOperator("(") ? call(result) : subscript(result);
    }
    return result;
  }

  private Expr filtersAndTests(Expr input) {
    Expr result = input;
    for (int chain = 0; ; bound(++chain)) {
      if (tokens.current().isOperator("|")) {
        result = filters(result);
      } else if (tokens.skipName("is")) {
        result = test(result);
      } else if (tokens.current().isOperator("(")) {
        result = call(result);
      } else {
        return result;
      }
    }
  }

  /// `| name(arguments)` any number of times.
  Expr filters(Expr input) {
    Expr result = input;
    for (int chain = 0; tokens.skipOperator("|"); bound(++chain)) {
      result = filter(result);
    }
    return result;
  }

  /// Filters of which the first stands without its `|`, as in a `filter` block.
  Expr inlineFilters(Expr input) {
    return filters(filter(input));
  }

  private Expr filter(Expr input) {
    String name = tokens.expect(Token.Type.NAME).text();
    Filters.require(name, tokens);
    List<Expr> arguments = new ArrayList<>();
    Map<String, Expr> named = new LinkedHashMap<>();
    if (tokens.current().isOperator("(")) {
      arguments(arguments, named);
    }
    return new Node.Filter(input, name, arguments, named);
  }

  private Expr test(Expr input) {
    boolean negated = tokens.skipName("not");
    String name = tokens.expect(Token.Type.NAME).text();
    Tests.require(name, tokens);
    List<Expr> arguments = new ArrayList<>();
    Map<String, Expr> named = new LinkedHashMap<>();
    if (tokens.current().isOperator("(")) {
      arguments(arguments, named);
    } else if (startsArgument(tokens.current())) {
      if (tokens.current().isName("is")) {
        throw tokens.error("tests can't be chained with 'is'");
      }
      arguments.add(postfixes(primary()));
    }
    if (!named.isEmpty()) {
      throw tokens.error("tests take no named arguments");
    }
    Expr result = new Node.Test(input, name, arguments);
    return negated ? new Node.Not(result) : result;
  }

  private static boolean startsArgument(Token token) {
    return switch (token.type()) {
      case NAME -> !Set.of("else", "or", "and").contains(token.text());
      case STRING, INTEGER, FLOAT -> true;
      case OPERATOR -> Set.of("(", "[", "{").contains(token.text());
      default -> false;
    };
  }

  private Expr call(Expr callee) {
    List<Expr> arguments = new ArrayList<>();
    Map<String, Expr> named = new LinkedHashMap<>();
    arguments(arguments, named);
    return new Node.Call(callee, arguments, named);
  }

  private void arguments(List<Expr> arguments, Map<String, Expr> named) {
    tokens.expectOperator("(");
    boolean comma = true;
    while (!tokens.skipOperator(")")) {
      if (!comma) {
        throw tokens.unexpected("','");
      }
      if (isAny("*", "**")) {
        throw tokens.error("unpacked arguments are not supported");
      }
      if (tokens.current().type() == Token.Type.NAME && tokens.following().isOperator("=")) {
        String name = tokens.next().text();
        tokens.next();
        if (named.put(name, expression()) != null) {
          throw tokens.error("argument '" + name + "' is given twice");
        }
      } else if (named.isEmpty()) {
        arguments.add(expression());
      } else {
        throw tokens.error("an argument without a name follows one with a name");
      }
      comma = tokens.skipOperator(",");
      bound(arguments.size() + named.size());
    }
  }

  private Expr subscript(Expr object) {
    if (tokens.skipOperator(".")) {
      Token name = tokens.next();
      return switch (name.type()) {
        case NAME -> new Node.Attribute(object, name.text());
        case INTEGER -> new Node.Subscript(object, new Node.Const(new Value.Int(integer(name))));
        default -> throw tokens.error("an attribute is a name or a number");
      };
    }
    tokens.expectOperator("[");
    Expr from = tokens.current().isOperator(":") ? null : expression();
    if (from != null && tokens.skipOperator("]")) {
      return new Node.Subscript(object, from);
    }
    tokens.expectOperator(":");
    Expr to = sliceBound();
    Expr step = tokens.skipOperator(":") ? sliceBound() : null;
    tokens.expectOperator("]");
    return new Node.Slice(object, from, to, step);
  }

  private @Nullable Expr sliceBound() {
    return isAny(":", "]") ? null : expression();
  }

  private boolean isAny(String... operators) {
    Token token = tokens.current();
    return token.type() == Token.Type.OPERATOR && Arrays.asList(operators).contains(token.text());
  }

  private void enter() {
    if (++depth > MAX_DEPTH) {
      throw tokens.error("expressions nest deeper than " + MAX_DEPTH);
    }
  }

  private void bound(int chain) {
    if (chain > MAX_CHAIN) {
      throw tokens.error("more than " + MAX_CHAIN + " parts in one expression");
    }
  }
}
