package dev.tributary.server.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A server of this build in a process of its own, on a free port of loopback, with data that is
/// deleted when it is closed.
final class ServerProcess implements AutoCloseable {
  private static final Pattern READY = Pattern.compile("ready on (\\S+) after .*");

  /// Reading and checking thousands of adapters takes minutes.
  private static final long START_MINUTES = 15;

  private static final long STOP_SECONDS = 20;

  /// Lines kept of what it said before it was ready.
  private static final int KEPT = 50;

  private final Process process;
  private final TemporaryFolder data;
  private final CompletableFuture<String> ready = new CompletableFuture<>();
  private volatile boolean stopping;

  private ServerProcess(Process process, TemporaryFolder data) {
    this.process = process;
    this.data = data;
  }

  /// Starts it, and returns once it is ready.
  ///
  /// @param flags of the server, besides `--listen`
  static ServerProcess start(List<String> flags) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(ProcessHandle.current().info().command().orElse("java"));
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(List.of("dev.tributary.server.Main", "--listen", "127.0.0.1:0"));
    TemporaryFolder data = TemporaryFolder.make();
    // Their usual ports may be another server's.
    command.addAll(List.of("--admin", "off", "--web", "off", "--data", data.path().toString()));
    command.addAll(flags);
    ServerProcess server =
        new ServerProcess(new ProcessBuilder(command).redirectErrorStream(true).start(), data);
    // Whatever ends this program ends the server, too.
    Runtime.getRuntime().addShutdownHook(new Thread(server.process::destroy, "server-stop"));
    Thread.ofPlatform().daemon().name("server-output").start(server::follow);
    try {
      var unused = server.ready.get(START_MINUTES, TimeUnit.MINUTES);
      return server;
    } catch (ExecutionException e) {
      server.close();
      throw new IOException(e.getCause() == null ? e.toString() : e.getCause().getMessage(), e);
    } catch (TimeoutException e) {
      server.close();
      throw new IOException("the server was not ready within " + START_MINUTES + " minutes", e);
    } catch (InterruptedException e) {
      server.close();
      throw e;
    }
  }

  /// `host:port`.
  String address() {
    return ready.join();
  }

  long pid() {
    return process.pid();
  }

  /// Waits for the ready line; from then on what it says is this program's to pass on.
  private void follow() {
    List<String> said = new ArrayList<>();
    try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        Matcher matcher = READY.matcher(line);
        if (matcher.matches()) {
          ready.complete(matcher.group(1));
        } else if (!ready.isDone()) {
          said.add(line);
          if (said.size() > KEPT) {
            said.removeFirst();
          }
        } else if (!stopping && line.matches(".*\\b(WARN|ERROR|tributary-server:).*")) {
          System.err.println("server: " + line);
        }
      }
    } catch (IOException e) {
      said.add(e.toString());
    }
    ready.completeExceptionally(
        new IOException("the server did not start:\n" + String.join("\n", said)));
  }

  /// Stops it, by force if it takes too long.
  @Override
  public void close() throws IOException {
    stopping = true;
    process.destroy();
    try {
      if (!process.waitFor(STOP_SECONDS, TimeUnit.SECONDS)) {
        var unused = process.destroyForcibly().waitFor();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
    data.close();
  }
}
