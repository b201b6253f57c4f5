package dev.tributary.client.cli;

import com.google.protobuf.Empty;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;
import dev.tributary.client.AdminClient;
import dev.tributary.client.ClientOptions;
import dev.tributary.client.Pins;
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

  /// Opens clients; tests put others in their place.
  interface Connector {
    TributaryClient connect(String server, ClientOptions options) throws IOException;

    AdminClient connectAdmin(String address, ClientOptions options) throws IOException;
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
      names = "--tls-cert",
      paramLabel = "FILE",
      scope = ScopeType.INHERIT,
      description = "Connect by TLS and show this certificate (PEM), with --tls-key.")
  private @Nullable Path tlsCert;

  @Option(
      names = "--tls-key",
      paramLabel = "FILE",
      scope = ScopeType.INHERIT,
      description = "Private key of --tls-cert (PEM, PKCS#8).")
  private @Nullable Path tlsKey;

  @Option(
      names = "--json",
      scope = ScopeType.INHERIT,
      description = "Write for machines: one JSON object a line.")
  private boolean json;

  private final Terminal terminal;
  private final Map<String, String> environment;
  private final Connector connector;
  private final CommandLine line = new CommandLine(this);
  private Endpoint asked = Endpoint.server("127.0.0.1:50051");

  Tributary(Terminal terminal, Map<String, String> environment, Connector connector) {
    this.terminal = terminal;
    this.environment = environment;
    this.connector = connector;
  }

  /// Runs a command line and returns its exit code.
  int run(String... arguments) {
    line.addSubcommand(new GenerateCommand(this));
    line.addSubcommand(new ChatCommand(this));
    line.addSubcommand(new ScoreCommand(this));
    line.addSubcommand(AdaptersCommand.line(this));
    line.addSubcommand(new TrainCommand(this));
    line.addSubcommand(TrainingCommand.line(this));
    line.addSubcommand(ModelCommand.line(this));
    line.addSubcommand(new DigestCommand(this));
    line.addSubcommand(ReceiptCommand.line(this));
    line.addSubcommand(LedgerCommand.line(this));
    line.addSubcommand(ContributionsCommand.line(this));
    line.addSubcommand(AdminCommand.line(this));
    line.addSubcommand(new CompletionCommand(this));
    line.setOut(writer(terminal.out()));
    line.setErr(writer(terminal.err()));
    line.setColorScheme(
        CommandLine.Help.defaultColorScheme(
            terminal.colour() ? CommandLine.Help.Ansi.ON : CommandLine.Help.Ansi.OFF));
    line.setExecutionExceptionHandler((failure, command, parsed) -> complain(failure));
    line.setCaseInsensitiveEnumValuesAllowed(true);
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
    asked = Endpoint.server(server);
    Optional<String> key = apiKeyFile == null ? variable("TRIBUTARY_API_KEY") : key(apiKeyFile);
    try {
      return connector.connect(server, options(key));
    } catch (IllegalArgumentException e) {
      throw new IOException(e.getMessage(), e);
    }
  }

  /// Opens a client of an admin port.
  AdminClient admin(String address, Optional<String> key) throws IOException {
    asked = Endpoint.admin(address);
    try {
      return connector.connectAdmin(address, options(key));
    } catch (IllegalArgumentException e) {
      throw new IOException(e.getMessage(), e);
    }
  }

  /// An environment variable that is set and not empty.
  Optional<String> variable(String name) {
    return Optional.ofNullable(environment.get(name)).filter(value -> !value.isEmpty());
  }

  /// Log keys as they were seen at first contact.
  Pins pins() throws IOException {
    return new Pins(folder("XDG_CONFIG_HOME", ".config").resolve("pinned-logs"));
  }

  /// Where audits remember what they have read.
  Path audits() throws IOException {
    return folder("XDG_STATE_HOME", ".local/state").resolve("audits");
  }

  /// The user's folder of a kind that freedesktop.org's base directories name, for Tributary.
  ///
  /// @param variable that names it
  /// @param home where it is without the variable, in the home folder
  Path folder(String variable, String home) throws IOException {
    return variable(variable)
        .map(Path::of)
        .or(() -> variable("HOME").map(folder -> Path.of(folder).resolve(home)))
        .orElseThrow(() -> new IOException("neither %s nor HOME is set".formatted(variable)))
        .resolve("tributary");
  }

  /// The key in a file.
  static Optional<String> key(Path file) throws IOException {
    if (Files.size(file) > MAX_KEY_BYTES) {
      throw new IOException(file + " is too long for an API key");
    }
    return Optional.of(Files.readString(file).strip());
  }

  private ClientOptions options(Optional<String> key) {
    if ((tlsCert == null) != (tlsKey == null)) {
      throw new CommandLine.ParameterException(line, "--tls-cert and --tls-key go together");
    }
    ClientOptions options = new ClientOptions(key, Optional.ofNullable(tlsCa), Optional.empty());
    return tlsCert == null || tlsKey == null ? options : options.withTlsIdentity(tlsCert, tlsKey);
  }

  /// Says something about what was asked, to people.
  void note(String text) {
    if (!json) {
      terminal.err().println(terminal.printable(text));
      terminal.err().flush();
    }
  }

  /// Says that a call without a response went well.
  void done(String text) {
    if (json) {
      printJson(Empty.getDefaultInstance());
    } else {
      note(text);
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
    Complaint complaint = Complaint.of(failure, asked).orElseThrow(() -> failure);
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
}
