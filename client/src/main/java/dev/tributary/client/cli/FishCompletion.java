package dev.tributary.client.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.StringJoiner;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/// Completions for the shell fish, which picocli has none for: one `complete` line for each command
/// and option, on condition of the commands before it.
final class FishCompletion {
  private final StringBuilder script =
      new StringBuilder(
          """
          # Completions of tributary for fish; written by `tributary completion fish`.
          complete -c tributary -f
          """);

  private FishCompletion() {}

  static String script(CommandSpec root) {
    FishCompletion completion = new FishCompletion();
    completion.add(root, List.of());
    return completion.script.toString();
  }

  /// @param path the commands that lead to this one, without the root
  private void add(CommandSpec command, List<String> path) {
    // In order, so that the script is always the same.
    TreeSet<String> children = new TreeSet<>(command.subcommands().keySet());
    String condition = condition(path, children);
    for (String child : children) {
      CommandLine line = command.subcommands().get(child);
      if (line != null) {
        line(condition, "-a " + quoted(child), description(line.getCommandSpec()));
      }
    }
    for (OptionSpec option : command.options()) {
      option(condition, option);
    }
    for (PositionalParamSpec parameter : command.positionalParameters()) {
      parameter(condition, parameter);
    }
    for (String child : children) {
      CommandLine line = command.subcommands().get(child);
      if (line != null) {
        List<String> deeper = new ArrayList<>(path);
        deeper.add(child);
        add(line.getCommandSpec(), deeper);
      }
    }
  }

  private static String condition(List<String> path, TreeSet<String> children) {
    StringJoiner condition = new StringJoiner("; and ");
    path.forEach(name -> condition.add("__fish_seen_subcommand_from " + name));
    if (!children.isEmpty()) {
      condition.add("not __fish_seen_subcommand_from " + String.join(" ", children));
    }
    return condition.toString();
  }

  private void option(String condition, OptionSpec option) {
    StringJoiner what = new StringJoiner(" ");
    for (String name : option.names()) {
      what.add(name.startsWith("--") ? "-l " + name.substring(2) : "-s " + name.substring(1));
    }
    if (option.arity().max() > 0) {
      what.add(isFile(option.auxiliaryTypes()) ? "-r -F" : "-x");
      String values = values(option.completionCandidates());
      if (!values.isEmpty()) {
        what.add("-a " + quoted(values));
      }
    }
    line(condition, what.toString(), String.join(" ", option.description()));
  }

  private void parameter(String condition, PositionalParamSpec parameter) {
    String values = values(parameter.completionCandidates());
    if (isFile(parameter.auxiliaryTypes())) {
      line(condition, "-F", "");
    } else if (!values.isEmpty()) {
      line(condition, "-a " + quoted(values), "");
    }
  }

  private void line(String condition, String what, String description) {
    script.append("complete -c tributary");
    if (!condition.isEmpty()) {
      script.append(" -n ").append(quoted(condition));
    }
    script.append(' ').append(what);
    if (!description.isEmpty()) {
      script.append(" -d ").append(quoted(description));
    }
    script.append('\n');
  }

  private static boolean isFile(Class<?>[] types) {
    return types.length > 0 && types[0] == Path.class;
  }

  private static String values(@Nullable Iterable<String> candidates) {
    return candidates == null ? "" : String.join(" ", candidates);
  }

  private static String description(CommandSpec command) {
    String[] lines = command.usageMessage().description();
    return lines.length == 0 ? "" : lines[0];
  }

  /// In single quotes, where fish takes only \ and ' for special.
  private static String quoted(String text) {
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'";
  }
}
