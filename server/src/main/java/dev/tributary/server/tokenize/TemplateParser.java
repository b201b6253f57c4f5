package dev.tributary.server.tokenize;

import dev.tributary.server.tokenize.Node.Expr;
import dev.tributary.server.tokenize.Node.Stmt;
import dev.tributary.server.tokenize.Node.Target;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Statements of Jinja 3.1's grammar as transformers sets it up (with `break`, `continue` and
/// `generation`). What would reach outside the template (include, import, extends, block) or is not
/// built (call, autoescape, recursive loops) is refused by name.
final class TemplateParser {
  private static final int MAX_DEPTH = 100;
  private static final Set<String> REFUSED =
      Set.of("include", "import", "from", "extends", "block", "call", "autoescape", "do", "print");

  private final TokenStream tokens;
  private final ExpressionParser expressions;
  private int depth;
  private int loops;

  private TemplateParser(TokenStream tokens) {
    this.tokens = tokens;
    this.expressions = new ExpressionParser(tokens);
  }

  static List<Stmt> parse(String template) {
    TokenStream tokens = new TokenStream(TemplateLexer.tokens(template));
    List<Stmt> body = new TemplateParser(tokens).body(Set.of());
    if (tokens.current().type() != Token.Type.EOF) {
      throw tokens.unexpected("a statement");
    }
    return body;
  }

  /// Statements up to one of `ends`, whose name is left as the current token.
  private List<Stmt> body(Set<String> ends) {
    if (++depth > MAX_DEPTH) {
      throw tokens.error("blocks nest deeper than " + MAX_DEPTH);
    }
    List<Stmt> body = new ArrayList<>();
    while (true) {
      Token token = tokens.current();
      switch (token.type()) {
        case DATA -> {
          tokens.next();
          body.add(new Node.Data(token.line(), Text.own(token.text())));
        }
        case VARIABLE_BEGIN -> {
          tokens.next();
          body.add(new Node.Print(token.line(), expressions.tuple(true)));
          tokens.expect(Token.Type.VARIABLE_END);
        }
        case BLOCK_BEGIN -> {
          tokens.next();
          if (tokens.current().type() == Token.Type.NAME
              && ends.contains(tokens.current().text())) {
            depth--;
            return body;
          }
          body.add(statement());
          tokens.expect(Token.Type.BLOCK_END);
        }
        default -> {
          if (!ends.isEmpty()) {
            throw tokens.error("the template ends where one of " + ends + " is missing");
          }
          depth--;
          return body;
        }
      }
    }
  }

  /// A statement's body: from the end of its tag to one of `ends`, which is taken and returned in
  /// `end`.
  private List<Stmt> block(String... ends) {
    tokens.skipOperator(":");
    tokens.expect(Token.Type.BLOCK_END);
    return body(Set.of(ends));
  }

  private List<Stmt> lastBlock(String end) {
    List<Stmt> body = block(end);
    tokens.next();
    return body;
  }

  private Stmt statement() {
    Token tag = tokens.expect(Token.Type.NAME);
    int line = tag.line();
    return switch (tag.text()) {
      case "for" -> forLoop(line);
      case "if" -> ifElse(line);
      case "set" -> set(line);
      case "macro" -> macro(line);
      case "with" -> with(line);
      case "filter" -> filterBlock(line);
      case "generation" -> new Node.Generation(line, lastBlock("endgeneration"));
      case "break", "continue" -> {
        if (loops == 0) {
          throw tokens.error("'" + tag.text() + "' outside a loop");
        }
        yield tag.text().equals("break") ? new Node.Break(line) : new Node.Continue(line);
      }
      default ->
          throw tokens.error(
              "tag '"
                  + tag.text()
                  + "' is "
                  + (REFUSED.contains(tag.text()) ? "not supported" : "unknown"));
    };
  }

  private Stmt forLoop(int line) {
    Target target = target(false, "in");
    tokens.expectName("in");
    Expr values = expressions.tuple(false, "recursive");
    Expr condition = tokens.skipName("if") ? expressions.expression() : null;
    if (tokens.current().isName("recursive")) {
      throw tokens.error("recursive loops are not supported");
    }
    loops++;
    List<Stmt> body = block("endfor", "else");
    loops--;
    List<Stmt> otherwise = tokens.next().isName("else") ? lastBlock("endfor") : List.of();
    return new Node.For(line, target, values, condition, body, otherwise);
  }

  private Stmt ifElse(int line) {
    List<Expr> tests = new ArrayList<>();
    List<List<Stmt>> bodies = new ArrayList<>();
    Token end;
    do {
      tests.add(expressions.tuple(false));
      bodies.add(block("elif", "else", "endif"));
      end = tokens.next();
    } while (end.isName("elif"));
    List<Stmt> otherwise = end.isName("else") ? lastBlock("endif") : List.of();
    return new Node.If(line, tests, bodies, otherwise);
  }

  private Stmt set(int line) {
    Target target = target(true);
    if (tokens.skipOperator("=")) {
      return new Node.Set(line, target, expressions.tuple(true));
    }
    Expr value = expressions.filters(new Node.BlockInput());
    return new Node.SetBlock(line, target, value, lastBlock("endset"));
  }

  private Stmt filterBlock(int line) {
    Expr value = expressions.inlineFilters(new Node.BlockInput());
    return new Node.FilterBlock(line, value, lastBlock("endfilter"));
  }

  private Stmt macro(int line) {
    String name = tokens.expect(Token.Type.NAME).text();
    List<String> parameters = new ArrayList<>();
    List<Expr> defaults = new ArrayList<>();
    tokens.expectOperator("(");
    while (!tokens.skipOperator(")")) {
      if (!parameters.isEmpty()) {
        tokens.expectOperator(",");
      }
      String parameter = ExpressionParser.assignable(tokens.expect(Token.Type.NAME), tokens);
      if (parameters.contains(parameter)) {
        throw tokens.error("macro parameter '" + parameter + "' is given twice");
      }
      parameters.add(parameter);
      if (tokens.skipOperator("=")) {
        defaults.add(expressions.expression());
      } else if (!defaults.isEmpty()) {
        throw tokens.error("a parameter without default follows one with a default");
      }
    }
    int outer = loops;
    loops = 0;
    List<Stmt> body = lastBlock("endmacro");
    loops = outer;
    return new Node.Macro(line, name, List.copyOf(parameters), List.copyOf(defaults), body);
  }

  private Stmt with(int line) {
    List<Target> targets = new ArrayList<>();
    List<Expr> values = new ArrayList<>();
    while (tokens.current().type() != Token.Type.BLOCK_END) {
      if (!targets.isEmpty()) {
        tokens.expectOperator(",");
      }
      targets.add(target(false));
      tokens.expectOperator("=");
      values.add(expressions.expression());
    }
    return new Node.With(line, targets, values, lastBlock("endwith"));
  }

  private Target target(boolean withNamespace, String... ends) {
    List<Target> targets = new ArrayList<>();
    boolean tuple = false;
    while (true) {
      if (!targets.isEmpty()) {
        tokens.expectOperator(",");
        tuple = true;
      }
      Token next = tokens.current();
      if (tuple
          && (!next.isOperator("(") && next.type() != Token.Type.NAME
              || Arrays.asList(ends).contains(next.text()))) {
        break;
      }
      targets.add(oneTarget(withNamespace));
      if (!tokens.current().isOperator(",")) {
        break;
      }
    }
    return tuple ? new Node.TupleTarget(targets) : targets.getFirst();
  }

  private Target oneTarget(boolean withNamespace) {
    if (tokens.skipOperator("(")) {
      if (++depth > MAX_DEPTH) {
        throw tokens.error("tuples nest deeper than " + MAX_DEPTH);
      }
      Target inner = target(withNamespace);
      tokens.expectOperator(")");
      depth--;
      return inner;
    }
    Token name = tokens.expect(Token.Type.NAME);
    if (withNamespace && tokens.skipOperator(".")) {
      return new Node.NamespaceTarget(name.text(), tokens.expect(Token.Type.NAME).text());
    }
    return new Node.NameTarget(ExpressionParser.assignable(name, tokens));
  }

  /// The tokens of a template and where the parser stands in them.
  static final class TokenStream {
    private final List<Token> tokens;
    private int at;

    TokenStream(List<Token> tokens) {
      this.tokens = tokens;
    }

    Token current() {
      return tokens.get(at);
    }

    Token following() {
      return tokens.get(Math.min(at + 1, tokens.size() - 1));
    }

    /// Takes the current token.
    Token next() {
      Token token = current();
      if (token.type() != Token.Type.EOF) {
        at++;
      }
      return token;
    }

    boolean skipOperator(String operator) {
      boolean found = current().isOperator(operator);
      if (found) {
        next();
      }
      return found;
    }

    boolean skipName(String name) {
      boolean found = current().isName(name);
      if (found) {
        next();
      }
      return found;
    }

    Token expect(Token.Type type) {
      if (current().type() != type) {
        throw unexpected(type.toString());
      }
      return next();
    }

    void expectOperator(String operator) {
      if (!skipOperator(operator)) {
        throw unexpected("'" + operator + "'");
      }
    }

    void expectName(String name) {
      if (!skipName(name)) {
        throw unexpected("'" + name + "'");
      }
    }

    TemplateException unexpected(@Nullable String expected) {
      return error("found " + current().described() + " where " + expected + " is expected");
    }

    TemplateException error(String message) {
      return new TemplateException("chat template line " + current().line() + ": " + message);
    }
  }
}
