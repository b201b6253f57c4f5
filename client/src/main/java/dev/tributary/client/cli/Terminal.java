package dev.tributary.client.cli;

import java.io.BufferedReader;
import java.io.Console;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/// Where a command reads and writes, always UTF-8.
///
/// @param interactive a person sits there: prompts make sense, and control characters must not
///   reach the screen
/// @param colour escape sequences are welcome
record Terminal(
    BufferedReader in, PrintStream out, PrintStream err, boolean interactive, boolean colour) {

  /// That of this process. `NO_COLOR` (no-color.org) and `TERM=dumb` turn colours off.
  // The check for null is for `-Djdk.console=java.base`, which is the default again since JDK 25.
  @SuppressWarnings("SystemConsoleNull")
  static Terminal system(Map<String, String> environment) {
    Console console = System.console();
    boolean interactive = console != null && console.isTerminal();
    boolean colour =
        interactive
            && environment.getOrDefault("NO_COLOR", "").isEmpty()
            && !environment.getOrDefault("TERM", "").equals("dumb");
    return new Terminal(
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8)),
        stream(FileDescriptor.out),
        stream(FileDescriptor.err),
        interactive,
        colour);
  }

  private static PrintStream stream(FileDescriptor descriptor) {
    return new PrintStream(new FileOutputStream(descriptor), false, StandardCharsets.UTF_8);
  }

  String dim(String text) {
    return colour ? "\u001b[2m" + text + "\u001b[0m" : text;
  }

  String bold(String text) {
    return colour ? "\u001b[1m" + text + "\u001b[0m" : text;
  }

  /// In one of six colours, none of which is that of ordinary text; 0 for dim.
  String tinted(int which, String text) {
    if (which == 0) {
      return dim(text);
    }
    return colour ? "\u001b[3" + (1 + (which - 1) % 6) + "m" + text + "\u001b[0m" : text;
  }

  /// Text from elsewhere as it may be printed: on a screen, control characters other than line feed
  /// and tab are replaced, since they could rewrite what the person has read before.
  String printable(String text) {
    if (!interactive || text.chars().noneMatch(Terminal::isControl)) {
      return text;
    }
    StringBuilder safe = new StringBuilder(text.length());
    text.chars().forEach(c -> safe.append(isControl(c) ? '\ufffd' : (char) c));
    return safe.toString();
  }

  /// Writes rows of facts.
  void facts(Table table) {
    table.lines().stream().map(this::printable).forEach(out::println);
    out.flush();
  }

  /// Writes a table whose first row names the columns.
  void table(Table table) {
    List<String> lines = table.lines();
    out.println(bold(lines.getFirst()));
    lines.stream().skip(1).map(this::printable).forEach(out::println);
    out.flush();
  }

  private static boolean isControl(int c) {
    return Character.isISOControl(c) && c != '\n' && c != '\t';
  }
}
