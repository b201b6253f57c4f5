package dev.tributary.client.cli;

import dev.tributary.client.AdminClient;
import dev.tributary.client.ClientOptions;
import dev.tributary.client.FakeServer;
import dev.tributary.client.TributaryClient;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/// Runs command lines against a fake server.
final class CommandRun {
  /// What came of one.
  record Result(int code, String out, String err) {}

  private final FakeServer server;
  private String in = "";
  private Map<String, String> environment = Map.of();
  private boolean interactive;
  private boolean colour;
  private boolean closed;

  CommandRun(FakeServer server) {
    this.server = server;
  }

  CommandRun reading(String text) {
    in = text;
    return this;
  }

  CommandRun with(String variable, String value) {
    Map<String, String> more = new HashMap<>(environment);
    more.put(variable, value);
    environment = more;
    return this;
  }

  CommandRun interactive(boolean coloured) {
    interactive = true;
    colour = coloured;
    return this;
  }

  /// Nobody reads standard output any more.
  CommandRun closedOutput() {
    closed = true;
    return this;
  }

  Result run(String... arguments) {
    ByteArrayOutputStream out = closed ? new ClosedStream() : new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int code = tributary(out, err).run(arguments);
    return new Result(
        code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }

  Tributary tributary(ByteArrayOutputStream out, ByteArrayOutputStream err) {
    Terminal terminal =
        new Terminal(
            new BufferedReader(new StringReader(in)),
            new PrintStream(out, false, StandardCharsets.UTF_8),
            new PrintStream(err, false, StandardCharsets.UTF_8),
            interactive,
            colour);
    return new Tributary(terminal, environment, new Fake());
  }

  private static final class ClosedStream extends ByteArrayOutputStream {
    @Override
    public void flush() throws IOException {
      throw new IOException("closed");
    }
  }

  private final class Fake implements Tributary.Connector {
    @Override
    public TributaryClient connect(String target, ClientOptions options) {
      return server.client(options);
    }

    @Override
    public AdminClient connectAdmin(String target, ClientOptions options) {
      return AdminClient.over(server.channel(), options);
    }
  }
}
