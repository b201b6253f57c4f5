package dev.tributary.server.state;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// A second process, running a main class of these tests.
final class Child implements AutoCloseable {
  private final Process process;
  private final BufferedReader output;

  Child(Class<?> main, String... arguments) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "--enable-native-access=ALL-UNNAMED",
            "-XX:TieredStopAtLevel=1",
            "-cp",
            System.getProperty("java.class.path"),
            main.getName()));
    command.addAll(List.of(arguments));
    process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    output = process.inputReader(UTF_8);
  }

  /// The next lines that it prints; fewer if it ends before.
  List<String> read(int lines) throws IOException {
    List<String> read = new ArrayList<>();
    for (int i = 0; i < lines; i++) {
      String line = output.readLine();
      if (line == null) {
        break;
      }
      read.add(line);
    }
    return read;
  }

  /// As `kill -9`; then what it had still printed.
  List<String> kill() throws IOException, InterruptedException {
    // By the handle: the process's own method would close the pipe before it is read to its end.
    process.toHandle().destroyForcibly();
    List<String> rest = read(Integer.MAX_VALUE);
    process.waitFor();
    return rest;
  }

  @Override
  public void close() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }
}
