package dev.tributary.client.cli;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;
import dev.tributary.client.ClientOptions;
import dev.tributary.client.TributaryClient;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/// The `tributary` command: global options, and what all commands need.
@Command(
    name = "tributary",
    description = "Ask a Tributary server, and look after its adapters.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    scope = ScopeType.INHERIT,
    usageHelpAutoWidth = true,
    sortOptions = false,
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {"0:what was asked holds", "1:it failed", "2:wrong usage"})
final class Tributary {
  private static final int MAX_KEY_BYTES = 4_096;

  /// Opens a client; tests put another in its place.
  interface Connector {
    TributaryClient connect(String server, ClientOptions options) throws IOException;
  }

  @Option(
      names = "--server",
      paramLabel = "HOST:PORT",
      defaultValue = "127.0.0.1:50051",
      scope = ScopeType.INHERIT,
      description = "Server to ask (default: ${DEFAULT-VALUE}).")
  private String server = "127.0.0.1:50051";

  @Option(
      names = "--api-key-file",
      paramLabel = "FILE",
      scope = ScopeType.INHERIT,
      description = "File with the API key (default: the variable TRIBUTARY_API_KEY).")
  private @Nullable Path apiKeyFile;

  @Option(
      names = "--tls-ca",
      paramLabel = "FILE",
      scope = ScopeType.INHERIT,
      description = "Connect by TLS and trust these certificates (PEM).")
  private @Nullable Path tlsCa;

  @Option(
      names = "--json",
      scope = ScopeType.INHERIT,
      description = "Write for machines: one JSON object a line.")
  private boolean json;

  private final Terminal terminal;
  private final Map<String, String> environment;
  private final Connector connector;

  Tributary(Terminal terminal, Map<String, String> environment, Connector connector) {
    this.terminal = terminal;
    this.environment = environment;
    this.connector = connector;
  }

  /// Runs a command line and returns its exit code.
  int run(String... arguments) {
    CommandLine line = new CommandLine(this);
    line.addSubcommand(new GenerateCommand(this));
    line.addSubcommand(new ChatCommand(this));
    line.addSubcommand(new ScoreCommand(this));
    line.addSubcommand(
        new CommandLine(new AdaptersCommand()).addSubcommand(new AdaptersListCommand(this)));
    line.addSubcommand(new ModelCommand(this));
    line.addSubcommand(new DigestCommand(this));
    line.setOut(writer(terminal.out()));
    line.setErr(writer(terminal.err()));
    line.setColorScheme(
        CommandLine.Help.defaultColorScheme(
            terminal.colour() ? CommandLine.Help.Ansi.ON : CommandLine.Help.Ansi.OFF));
    line.setExecutionExceptionHandler((failure, command, parsed) -> complain(failure));
    int code = line.execute(arguments);
    terminal.out().flush();
    terminal.err().flush();
    // A reader that went away (a closed pipe) did not get what was asked.
    return code == 0 && terminal.out().checkError() ? 1 : code;
  }

  Terminal terminal() {
    return terminal;
  }

  boolean json() {
    return json;
  }

  String server() {
    return server;
  }

  /// Opens the client that the global options describe.
  TributaryClient client() throws IOException {
    Optional<String> key = apiKey();
    try {
      return connector.connect(server, new ClientOptions(key, Optional.ofNullable(tlsCa)));
    } catch (IllegalArgumentException e) {
      throw new IOException(e.getMessage(), e);
    }
  }

  /// Writes one object on a line of its own.
  void printJson(Message message) {
    try {
      String text = JsonFormat.printer().omittingInsignificantWhitespace().print(message);
      terminal.out().println(text);
      terminal.out().flush();
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("a message with an Any of unknown type", e);
    }
  }

  /// Says what went wrong on standard error; on standard output with `--json`.
  int complain(Exception failure) throws Exception {
    Complaint complaint = Complaint.of(failure, server).orElseThrow(() -> failure);
    terminal.out().flush();
    if (json) {
      printJson(complaint.json());
    } else {
      terminal.err().println(terminal.printable(complaint.line()));
    }
    terminal.err().flush();
    return CommandLine.ExitCode.SOFTWARE;
  }

  private static PrintWriter writer(PrintStream stream) {
    return new PrintWriter(stream, true, StandardCharsets.UTF_8);
  }

  private Optional<String> apiKey() throws IOException {
    if (apiKeyFile == null) {
      return Optional.ofNullable(environment.get("TRIBUTARY_API_KEY"))
          .filter(key -> !key.isEmpty());
    }
    if (Files.size(apiKeyFile) > MAX_KEY_BYTES) {
      throw new IOException(apiKeyFile + " is too long for an API key");
    }
    return Optional.of(Files.readString(apiKeyFile).strip());
  }
}
