package dev.tributary.server;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

/// The settings as they are, each with its value and where it comes from.
final class Settings {
  /// Settings whose values are nobody's business.
  private static final Set<String> SECRETS = Set.of("otlp-headers", "accounts");

  private static final String REDACTED = "(redacted)";

  /// @param value empty where it is not set
  record Setting(String key, String value, String origin) {
    @Override
    public String toString() {
      return value.isEmpty()
          ? "# %-18s # %s".formatted(key, origin)
          : "%-18s = %-30s # %s".formatted(key, value, origin);
    }
  }

  private final List<Setting> all = new ArrayList<>();

  /// @param command that has parsed its arguments
  Settings(CommandLine command, ConfigDefaults defaults) {
    for (OptionSpec option : command.getCommandSpec().options()) {
      String key = ConfigDefaults.key(option);
      if (!ConfigDefaults.DEEDS.contains(key)) {
        String origin =
            command.getParseResult().hasMatchedOption(option)
                ? "flag"
                : defaults.origin(key).orElse("default");
        String value = text(option.getValue());
        all.add(
            new Setting(key, SECRETS.contains(key) && !value.isEmpty() ? REDACTED : value, origin));
      }
    }
  }

  List<Setting> all() {
    return List.copyOf(all);
  }

  /// Keys whose value is not that of `before`; a secret's change is not seen.
  Set<String> changedSince(Settings before) {
    Map<String, String> old = new TreeMap<>();
    before.all.forEach(setting -> old.put(setting.key(), setting.value()));
    return all.stream()
        .filter(setting -> !setting.value().equals(old.get(setting.key())))
        .map(Setting::key)
        .collect(Collectors.toSet());
  }

  /// A file that `--config` can read.
  @Override
  public String toString() {
    return all.stream().map(Setting::toString).collect(Collectors.joining("\n", "", "\n"));
  }

  private static String text(@Nullable Object value) {
    return switch (value) {
      case null -> "";
      case Collection<?> many ->
          many.stream().map(String::valueOf).collect(Collectors.joining(","));
      case Map<?, ?> map ->
          map.entrySet().stream()
              .map(entry -> entry.getKey() + "=" + entry.getValue())
              .collect(Collectors.joining(","));
      default -> value.toString();
    };
  }
}
