package dev.tributary.server;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.IDefaultValueProvider;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/// Values of options that the command line does not give: from the environment, else from the file
/// that `--config` names.
final class ConfigDefaults implements IDefaultValueProvider {
  private static final String FLAG = "--config";

  private final CommandSpec command;
  private final String[] args;
  private final Map<String, String> environment;
  private @Nullable Properties file;

  ConfigDefaults(CommandSpec command, String[] args, Map<String, String> environment) {
    this.command = command;
    this.args = args.clone();
    this.environment = environment;
  }

  @Override
  public @Nullable String defaultValue(ArgSpec argument) {
    if (!(argument instanceof OptionSpec option)) {
      return null;
    }
    String value = environment.get(variable(key(option)));
    return value != null ? value : file().getProperty(key(option));
  }

  private Properties file() {
    if (file == null) {
      file = new Properties();
      String path = path();
      if (path != null) {
        read(Path.of(path), file);
      }
    }
    return file;
  }

  /// The file that the command line names, else the environment.
  private @Nullable String path() {
    for (int i = 0; i < args.length; i++) {
      if (args[i].startsWith(FLAG + "=")) {
        return args[i].substring(FLAG.length() + 1);
      }
      if (args[i].equals(FLAG) && i + 1 < args.length) {
        return args[i + 1];
      }
    }
    return environment.get(variable("config"));
  }

  private void read(Path path, Properties into) {
    try (Reader reader = Files.newBufferedReader(path)) {
      into.load(reader);
    } catch (IOException e) {
      throw new CommandLine.ParameterException(
          command.commandLine(), "cannot read the settings in " + path + ": " + e, e);
    }
    Set<String> unknown = new TreeSet<>(into.stringPropertyNames());
    command.options().forEach(option -> unknown.remove(key(option)));
    if (!unknown.isEmpty()) {
      throw new CommandLine.ParameterException(
          command.commandLine(), path + ": unknown settings " + unknown);
    }
  }

  private static String variable(String key) {
    return "TRIBUTARY_" + key.toUpperCase(Locale.ROOT).replace('-', '_');
  }

  private static String key(OptionSpec option) {
    return option.longestName().substring(2);
  }
}
