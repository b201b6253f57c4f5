package dev.tributary.client.cli;

import dev.tributary.client.FakeServer;
import dev.tributary.client.TributaryClient;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
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

  CommandRun(FakeServer server) {
    this.server = server;
  }

  CommandRun reading(String text) {
    in = text;
    return this;
  }

  CommandRun with(String variable, String value) {
    environment = Map.of(variable, value);
    return this;
  }

  CommandRun interactive(boolean coloured) {
    interactive = true;
    colour = coloured;
    return this;
  }

  Result run(String... arguments) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
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
    return new Tributary(
        terminal,
        environment,
        (target, options) -> TributaryClient.over(server.channel(), options));
  }
}
