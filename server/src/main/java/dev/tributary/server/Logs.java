package dev.tributary.server;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.OutputStreamAppender;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import org.slf4j.LoggerFactory;

/// The log: on standard error, as text or as lines of JSON. `logback.xml` is how it starts.
final class Logs {
  private static final String OURS = "dev.tributary";
  private static final Set<String> LEVELS = Set.of("error", "warn", "info", "debug", "trace");

  /// Of `logback.xml`.
  private static final String APPENDER = "stderr";

  private Logs() {}

  static boolean isJson(String format) {
    return switch (format) {
      case "text" -> false;
      case "json" -> true;
      default -> throw new IllegalArgumentException("\"" + format + "\": use text or json");
    };
  }

  /// Levels by logger; throws IllegalArgumentException for what is none.
  static Map<String, Level> levels(List<String> settings) {
    Map<String, Level> levels = new TreeMap<>();
    for (String setting : settings) {
      int equals = setting.indexOf('=');
      String level = setting.substring(equals + 1).toLowerCase(Locale.ROOT);
      if (equals == 0 || !LEVELS.contains(level)) {
        throw new IllegalArgumentException(
            "\"" + setting + "\": use error, warn, info, debug or trace, or LOGGER=LEVEL");
      }
      levels.put(equals < 0 ? OURS : setting.substring(0, equals), Level.toLevel(level));
    }
    return levels;
  }

  static void format(String format) {
    if (isJson(format)) {
      Logger root = context().getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
      OutputStreamAppender<ILoggingEvent> appender =
          (OutputStreamAppender<ILoggingEvent>) Objects.requireNonNull(root.getAppender(APPENDER));
      JsonLines encoder = new JsonLines();
      encoder.setContext(context());
      encoder.start();
      appender.setEncoder(encoder);
    }
  }

  /// Sets the levels that are given; loggers that `before` named and `now` does not follow their
  /// parents again.
  static void setLevels(List<String> before, List<String> now) {
    levels(before).keySet().forEach(name -> context().getLogger(name).setLevel(null));
    context().getLogger(OURS).setLevel(Level.INFO);
    levels(now).forEach((name, level) -> context().getLogger(name).setLevel(level));
  }

  private static LoggerContext context() {
    return (LoggerContext) LoggerFactory.getILoggerFactory();
  }
}
