package dev.tributary.server;

import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Reads the settings again when the file has changed, and takes over those that may change while
/// the server runs; for the others it says that they need a restart. A file that became wrong
/// changes nothing.
///
/// It looks at the file every few seconds instead of waiting for SIGHUP: Java has no way to handle
/// a signal but `sun.misc.Signal`, and a file that an orchestrator mounts is replaced without one.
final class ConfigWatch implements AutoCloseable {
  /// What needs no restart.
  static final Set<String> RELOADABLE = Set.of("log-level", "web-host", "grace", "drain-delay");

  private static final long EVERY_SECONDS = 2;

  private static final Logger log = LoggerFactory.getLogger(ConfigWatch.class);

  /// Reads all settings as at the start; throws [ConfigException].
  interface Reader {
    Read read();
  }

  record Read(Config config, Settings settings) {}

  private final Path file;
  private final Reader reader;
  private final BiConsumer<Config, Config> apply;
  private final ScheduledExecutorService timer =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("config-watch").factory());
  private Read current;
  private Object content;

  /// @param current as read at the start
  /// @param apply told what was and what is now
  ConfigWatch(Path file, Read current, Reader reader, BiConsumer<Config, Config> apply) {
    this.file = file;
    this.current = current;
    this.reader = reader;
    this.apply = apply;
    content = content();
  }

  ConfigWatch start() {
    var unused =
        timer.scheduleWithFixedDelay(this::look, EVERY_SECONDS, EVERY_SECONDS, TimeUnit.SECONDS);
    return this;
  }

  /// Looks once. Returns whether something was taken over.
  boolean look() {
    Object now = content();
    if (now.equals(content)) {
      return false;
    }
    content = now;
    Read next;
    try {
      next = reader.read();
    } catch (RuntimeException e) {
      log.warn("the settings stay as they are: {}", e.getMessage());
      return false;
    }
    Set<String> changed = new TreeSet<>(next.settings().changedSince(current.settings()));
    Set<String> taken = new TreeSet<>(changed);
    taken.retainAll(RELOADABLE);
    changed.removeAll(RELOADABLE);
    if (!changed.isEmpty()) {
      log.warn("changed in {}, but need a restart: {}", file, changed);
    }
    if (!taken.isEmpty()) {
      apply.accept(current.config(), next.config());
      log.info("taken over from {}: {}", file, taken);
    }
    current = next;
    return !taken.isEmpty();
  }

  /// What the file says, or why it says nothing.
  private Object content() {
    try {
      return ConfigFile.read(file);
    } catch (ConfigException e) {
      return String.valueOf(e.getMessage());
    }
  }

  @Override
  public void close() {
    timer.shutdownNow();
  }
}
