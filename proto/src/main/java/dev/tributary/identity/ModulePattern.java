package dev.tributary.identity;

/// A regular expression over module names, in the part of Python's `re` that PEFT configurations
/// use: literals, `.`, classes, groups, `|`, all greedy and lazy quantifiers, `^ $ \b \B \d \D \w
/// \W \s \S`, and lookahead that does not nest.
///
/// Back references, lookbehind, named or atomic groups, possessive quantifiers, inline flags and
/// whatever else is not listed are refused. Matching is a simulation of all alternatives at once
/// (Thompson 1968), so its time is bounded by [#size] times the square of the name's length,
/// whatever the pattern is; there is nothing to backtrack.
public final class ModulePattern {
  /// Longest pattern in characters.
  public static final int MAX_CHARS = 4_096;

  /// Longest name in characters.
  public static final int MAX_NAME_CHARS = 256;

  private final String source;
  private final String expression;
  private final ModuleProgram program;

  private ModulePattern(String source, String expression) {
    this.source = source;
    this.expression = expression;
    this.program = ModuleProgram.compile(new ModulePatternParser(expression).parse());
  }

  /// A pattern that whole names match, as in `re.fullmatch(source, name)`.
  ///
  /// @throws IllegalArgumentException if the pattern is malformed, too long or not supported; says
  ///   at which character
  public static ModulePattern compile(String source) {
    return new ModulePattern(source, source);
  }

  /// A pattern that names match from some dot on, as in `re.match(rf"(.*\.)?({source})$", name)`.
  ///
  /// @throws IllegalArgumentException as [#compile]
  static ModulePattern compileSuffix(String source) {
    // Parsed by itself first: `a)|(b` must not become part of the expression around it.
    new ModulePatternParser(source).parse();
    return new ModulePattern(source, "(.*\\.)?(" + source + ")");
  }

  /// Whether a module name matches.
  ///
  /// @param moduleName printable ASCII, at most [#MAX_NAME_CHARS] characters
  /// @throws IllegalArgumentException for another name
  public boolean matches(String moduleName) {
    if (moduleName.length() > MAX_NAME_CHARS
        || !moduleName.chars().allMatch(c -> c > ' ' && c < 0x7f)) {
      throw new IllegalArgumentException("not a module name: " + moduleName);
    }
    return program.matches(moduleName);
  }

  /// Instructions that a name is run through.
  int size() {
    return program.size();
  }

  /// The pattern as it was written.
  @Override
  public String toString() {
    return source;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ModulePattern pattern && pattern.expression.equals(expression);
  }

  @Override
  public int hashCode() {
    return expression.hashCode();
  }
}
