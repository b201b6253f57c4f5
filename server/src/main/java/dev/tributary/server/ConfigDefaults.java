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

/// Values of flags that the command line does not give: from the environment, else from a file.
final class ConfigDefaults implements IDefaultValueProvider {
  private final Map<String, String> environment;
  private final Properties file = new Properties();

  ConfigDefaults(Map<String, String> environment) {
    this.environment = environment;
  }

  /// Reads `key = value` lines; an unknown key is refused by name.
  void read(Path path, CommandSpec command) throws IOException {
    try (Reader reader = Files.newBufferedReader(path)) {
      file.load(reader);
    }
    Set<String> unknown = new TreeSet<>(file.stringPropertyNames());
    command.options().forEach(option -> unknown.remove(key(option)));
    if (!unknown.isEmpty()) {
      throw new CommandLine.ParameterException(
          command.commandLine(), path + ": unknown settings " + unknown);
    }
  }

  @Override
  public @Nullable String defaultValue(ArgSpec argument) {
    if (!(argument instanceof OptionSpec option)) {
      return null;
    }
    String key = key(option);
    String variable = "TRIBUTARY_" + key.toUpperCase(Locale.ROOT).replace('-', '_');
    String value = environment.get(variable);
    return value != null ? value : file.getProperty(key);
  }

  private static String key(OptionSpec option) {
    return option.longestName().substring(2);
  }
}
