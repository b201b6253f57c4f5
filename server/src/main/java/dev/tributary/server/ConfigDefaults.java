package dev.tributary.server;

import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.IDefaultValueProvider;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/// Values of options that the command line does not give, and where they come from: the
/// environment, else the file that `--config` names.
final class ConfigDefaults implements IDefaultValueProvider {
  private static final String FLAG = "--config";

  /// Not settings, but what to do with them.
  static final Set<String> DEEDS =
      Set.of(
          "help",
          "version",
          "print-config",
          "fetch-only",
          "backup",
          "check-ledger",
          "rotate-ledger-key");

  /// Variables that mean a setting besides its own, which wins.
  private static final Map<String, String> OTHER_VARIABLES =
      Map.of(
          "otlp-endpoint", "OTEL_EXPORTER_OTLP_ENDPOINT",
          "otlp-headers", "OTEL_EXPORTER_OTLP_HEADERS");

  /// A wrong key that differs by more letters from every right one is not taken for it.
  private static final int MAX_DISTANCE = 3;

  /// @param origin such as `server.conf:12` or `environment TRIBUTARY_THREADS`
  private record Value(String text, String origin) {}

  private final Map<String, Value> values = new HashMap<>();
  private final @Nullable Path file;

  /// @throws ConfigException if the file is wrong
  ConfigDefaults(CommandSpec command, String[] args, Map<String, String> environment) {
    String named = path(args, environment);
    file = named == null ? null : Path.of(named);
    Map<String, OptionSpec> options = new TreeMap<>();
    command.options().forEach(option -> options.put(key(option), option));
    if (file != null) {
      readFile(file, options);
    }
    for (String key : options.keySet()) {
      variable(key, environment).ifPresent(value -> values.put(key, value));
    }
  }

  @Override
  public @Nullable String defaultValue(ArgSpec argument) {
    Value value = argument instanceof OptionSpec option ? values.get(key(option)) : null;
    return value == null ? null : value.text();
  }

  /// Where the setting of this key is made, if it is not on the command line.
  Optional<String> origin(String key) {
    return Optional.ofNullable(values.get(key)).map(Value::origin);
  }

  /// The file that was read.
  Optional<Path> file() {
    return Optional.ofNullable(file);
  }

  /// `some-name` of the option `--some-name`.
  static String key(OptionSpec option) {
    return option.longestName().substring(2);
  }

  private void readFile(Path path, Map<String, OptionSpec> options) {
    Map<String, ConfigFile.Entry> first = new LinkedHashMap<>();
    for (ConfigFile.Entry entry : ConfigFile.read(path)) {
      String where = path + ":" + entry.line();
      OptionSpec option = options.get(entry.key());
      if (option == null || !isInFiles(entry.key())) {
        throw new ConfigException(
            where + ": there is no setting \"" + entry.key() + "\"" + meant(entry.key(), options));
      }
      ConfigFile.Entry before = first.putIfAbsent(entry.key(), entry);
      Value value = new Value(entry.value(), where);
      if (before != null) {
        if (!option.isMultiValue()) {
          throw new ConfigException(
              where + ": " + entry.key() + " stands on line " + before.line() + " already");
        }
        Value earlier = Objects.requireNonNull(values.get(entry.key()));
        value = new Value(earlier.text() + "," + entry.value(), earlier.origin());
      }
      values.put(entry.key(), value);
    }
  }

  private static String meant(String key, Map<String, OptionSpec> options) {
    return options.keySet().stream()
        .filter(ConfigDefaults::isInFiles)
        .min(Comparator.comparingInt(known -> distance(key, known)))
        .filter(known -> distance(key, known) <= MAX_DISTANCE)
        .map(known -> "; did you mean \"" + known + "\"?")
        .orElse("; --help lists what there is");
  }

  /// Whether a file can set it.
  private static boolean isInFiles(String key) {
    return !key.equals("config") && !DEEDS.contains(key);
  }

  /// Levenshtein's: letters to add, drop or change.
  private static int distance(String a, String b) {
    int[] row = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int changed = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(changed, 1 + Math.min(row[j], row[j - 1]));
      }
    }
    return row[b.length()];
  }

  /// The value of the variable that is set for a key.
  private static Optional<Value> variable(String key, Map<String, String> environment) {
    for (String name : List.of(own(key), OTHER_VARIABLES.getOrDefault(key, own(key)))) {
      String text = environment.get(name);
      if (text != null) {
        return Optional.of(new Value(text, "environment " + name));
      }
    }
    return Optional.empty();
  }

  private static String own(String key) {
    return "TRIBUTARY_" + key.toUpperCase(Locale.ROOT).replace('-', '_');
  }

  /// The file that the command line names, else the environment.
  private static @Nullable String path(String[] args, Map<String, String> environment) {
    for (int i = 0; i < args.length; i++) {
      if (args[i].startsWith(FLAG + "=")) {
        return args[i].substring(FLAG.length() + 1);
      }
      if (args[i].equals(FLAG) && i + 1 < args.length) {
        return args[i + 1];
      }
    }
    return environment.get(own("config"));
  }
}
