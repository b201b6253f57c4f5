package dev.tributary.server.tokenize;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Cuts a template into tokens by the rules of Jinja 3.1 with `trim_blocks` and `lstrip_blocks`, as
/// transformers sets them: a block or comment alone on its line takes the line's indentation and
/// its line feed with it, `-` takes all white space, `+` none.
final class TemplateLexer {
  private static final Pattern NEWLINE = Pattern.compile("\r\n|\r|\n");
  private static final Pattern OPEN = Pattern.compile("\\{[%{#][-+]?");
  private static final Pattern RAW =
      Pattern.compile("\\{%[-+]?\\s*raw\\s*(-?%\\})", Pattern.UNICODE_CHARACTER_CLASS);
  private static final Pattern END_RAW =
      Pattern.compile("\\{%([-+]?)\\s*endraw\\s*([-+]?%\\})", Pattern.UNICODE_CHARACTER_CLASS);
  private static final Pattern NAME =
      Pattern.compile("[\\w&&[^\\d]]\\w*", Pattern.UNICODE_CHARACTER_CLASS);
  private static final Pattern NUMBER =
      Pattern.compile("[0-9][0-9_]*(\\.[0-9][0-9_]*)?([eE][-+]?[0-9][0-9_]*)?");
  private static final Pattern STRING =
      Pattern.compile("'(?:[^'\\\\]++|\\\\.)*+'|\"(?:[^\"\\\\]++|\\\\.)*+\"", Pattern.DOTALL);
  private static final List<String> OPERATORS =
      List.of(
          "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{",
          "}", ">", "<", "=", ".", ":", "|", ",", ";");
  private static final int MAX_TOKENS = 100_000;

  private final String source;
  private final List<Token> tokens = new ArrayList<>();
  private int at;
  private int line = 1;
  private boolean lineStarting = true;

  private TemplateLexer(String source) {
    this.source = source;
  }

  static List<Token> tokens(String template) {
    String source = NEWLINE.matcher(template).replaceAll("\n");
    if (source.endsWith("\n")) {
      source = source.substring(0, source.length() - 1);
    }
    TemplateLexer lexer = new TemplateLexer(source);
    lexer.template();
    lexer.add(Token.Type.EOF, "");
    return lexer.tokens;
  }

  private void template() {
    Matcher open = OPEN.matcher(source);
    while (open.find(at)) {
      Matcher raw = RAW.matcher(source).region(open.start(), source.length());
      char sign = source.charAt(open.end() - 1);
      char kind = source.charAt(open.start() + 1);
      data(leading(source.substring(at, open.start()), sign, kind == '{'));
      if (kind == '%' && raw.lookingAt()) {
        moveTo(raw.end());
        raw(raw.group(1).startsWith("-"));
        continue;
      }
      moveTo(open.end());
      lineStarting = false;
      switch (kind) {
        case '#' -> comment();
        case '%' -> inside(Token.Type.BLOCK_BEGIN, Token.Type.BLOCK_END, "%}");
        default -> inside(Token.Type.VARIABLE_BEGIN, Token.Type.VARIABLE_END, "}}");
      }
    }
    data(source.substring(at));
  }

  /// The text before a tag, without what the tag strips of it.
  private String leading(String text, char sign, boolean variable) {
    if (sign == '-') {
      return Python.stripTrailing(text);
    }
    if (sign != '+' && !variable) {
      int lineStart = text.lastIndexOf('\n') + 1;
      if ((lineStart > 0 || lineStarting) && Python.isSpace(text.substring(lineStart))) {
        return text.substring(0, lineStart);
      }
    }
    return text;
  }

  private void raw(boolean strip) {
    lineStarting = false;
    if (strip) {
      skipSpace();
    }
    Matcher end = END_RAW.matcher(source);
    if (!end.find(at)) {
      throw error("missing end of raw block");
    }
    String sign = end.group(1);
    data(leading(source.substring(at, end.start()), sign.isEmpty() ? ' ' : sign.charAt(0), false));
    moveTo(end.end());
    afterBlock(end.group(2).charAt(0));
  }

  private void comment() {
    int end = source.indexOf("#}", at);
    if (end < 0) {
      throw error("missing end of comment");
    }
    char sign = end > at ? source.charAt(end - 1) : ' ';
    moveTo(end + 2);
    afterBlock(sign);
  }

  /// What is dropped after a block or comment that ended with `sign`.
  private void afterBlock(char sign) {
    lineStarting = false;
    if (sign == '-') {
      skipSpace();
    } else if (sign != '+' && at < source.length() && source.charAt(at) == '\n') {
      moveTo(at + 1);
      lineStarting = true;
    }
  }

  private void skipSpace() {
    int from = at;
    while (from < source.length() && Python.isSpace(source.codePointAt(from))) {
      from++;
    }
    lineStarting = from > at && source.charAt(from - 1) == '\n';
    moveTo(from);
  }

  private void inside(Token.Type begin, Token.Type end, String close) {
    add(begin, "");
    StringBuilder open = new StringBuilder();
    while (true) {
      while (at < source.length() && Python.isSpace(source.codePointAt(at))) {
        moveTo(at + 1);
      }
      if (at >= source.length()) {
        throw error("a tag is not closed");
      }
      if (open.isEmpty() && closes(end, close)) {
        return;
      }
      expressionToken(open);
    }
  }

  private boolean closes(Token.Type end, String close) {
    boolean signed = source.startsWith("-" + close, at);
    boolean plus = end == Token.Type.BLOCK_END && source.startsWith("+" + close, at);
    if (!signed && !plus && !source.startsWith(close, at)) {
      return false;
    }
    add(end, "");
    moveTo(at + close.length() + (signed || plus ? 1 : 0));
    if (end == Token.Type.BLOCK_END) {
      afterBlock(signed ? '-' : plus ? '+' : ' ');
    } else {
      lineStarting = false;
      if (signed) {
        skipSpace();
      }
    }
    return true;
  }

  private void expressionToken(StringBuilder open) {
    if (take(NAME, Token.Type.NAME) || take(NUMBER, Token.Type.INTEGER)) {
      return;
    }
    Matcher string = STRING.matcher(source).region(at, source.length());
    if (string.lookingAt()) {
      add(Token.Type.STRING, unescaped(source.substring(at + 1, string.end() - 1)));
      moveTo(string.end());
      return;
    }
    for (String operator : OPERATORS) {
      if (source.startsWith(operator, at)) {
        balance(operator, open);
        add(Token.Type.OPERATOR, operator);
        moveTo(at + operator.length());
        return;
      }
    }
    throw error("unexpected character '" + Character.toString(source.codePointAt(at)) + "'");
  }

  private boolean take(Pattern pattern, Token.Type type) {
    Matcher matcher = pattern.matcher(source).region(at, source.length());
    if (!matcher.lookingAt()) {
      return false;
    }
    String text = matcher.group();
    boolean number = type == Token.Type.INTEGER;
    boolean real = number && (matcher.group(1) != null || matcher.group(2) != null);
    if (number && !text.matches(real ? "[0-9.eE+-]+" : "0|[1-9][0-9]*")) {
      throw error("'" + text + "' is not a number that is supported here");
    }
    add(real ? Token.Type.FLOAT : type, text);
    moveTo(matcher.end());
    return true;
  }

  private void balance(String operator, StringBuilder open) {
    switch (operator) {
      case "(", "[", "{" -> open.append(operator);
      case ")", "]", "}" -> {
        char expected = operator.equals(")") ? '(' : operator.equals("]") ? '[' : '{';
        int last = open.length() - 1;
        if (last < 0 || open.charAt(last) != expected) {
          throw error("unexpected '" + operator + "'");
        }
        open.setLength(last);
      }
      default -> {}
    }
  }

  /// Python's escapes; one that Python doesn't know stays as it is written.
  private String unescaped(String text) {
    StringBuilder out = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c != '\\') {
        out.append(c);
        continue;
      }
      char escape = text.charAt(++i);
      switch (escape) {
        case '\n' -> {}
        case '\\', '\'', '"' -> out.append(escape);
        case 'a' -> out.append('\u0007');
        case 'b' -> out.append('\b');
        case 'f' -> out.append('\f');
        case 'n' -> out.append('\n');
        case 'r' -> out.append('\r');
        case 't' -> out.append('\t');
        case 'v' -> out.append('\u000b');
        case 'x' -> i = hex(text, i, 2, out);
        case 'u' -> i = hex(text, i, 4, out);
        case 'U' -> i = hex(text, i, 8, out);
        case 'N', '0', '1', '2', '3', '4', '5', '6', '7' ->
            throw error("escape '\\" + escape + "' is not supported");
        default -> out.append('\\').append(escape);
      }
    }
    return out.toString();
  }

  private int hex(String text, int at, int digits, StringBuilder out) {
    String code = text.substring(at + 1, Math.min(at + 1 + digits, text.length()));
    if (!code.matches("[0-9a-fA-F]{" + digits + "}")) {
      throw error("incomplete escape in a string");
    }
    long value = Long.parseLong(code, 16);
    if (value > Character.MAX_CODE_POINT || (value >= 0xD800 && value <= 0xDFFF)) {
      throw error("escape '\\" + text.charAt(at) + code + "' is not a character");
    }
    out.appendCodePoint((int) value);
    return at + digits;
  }

  private void data(String text) {
    if (!text.isEmpty()) {
      add(Token.Type.DATA, text);
    }
  }

  private void add(Token.Type type, String text) {
    if (tokens.size() >= MAX_TOKENS) {
      throw error("more than " + MAX_TOKENS + " tokens");
    }
    tokens.add(new Token(type, text, line));
  }

  private void moveTo(int next) {
    for (int i = at; i < next; i++) {
      if (source.charAt(i) == '\n') {
        line++;
      }
    }
    at = next;
  }

  private TemplateException error(String message) {
    return new TemplateException("chat template line " + line + ": " + message);
  }
}
