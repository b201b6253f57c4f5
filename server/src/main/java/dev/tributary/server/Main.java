package dev.tributary.server;

import dev.tributary.server.source.Models;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.OptionSpec;

/// The command that starts the server.
@Command(
    name = "tributary-server",
    mixinStandardHelpOptions = true,
    version = "Tributary " + Server.VERSION,
    sortOptions = false,
    description = {
      "Serves one 4-bit base model over gRPC, with the LoRA adapters that each request names.",
      "",
      "Every option --some-name is also the environment variable TRIBUTARY_SOME_NAME and the key"
          + " some-name of the file given by --config; an option wins over the environment, the"
          + " environment over the file.",
      ""
    })
public final class Main {
  @Mixin private final Config config = new Config();

  private String[] args = {};
  private Map<String, String> environment = Map.of();
  private @Nullable Settings settings;
  private Optional<Path> file = Optional.empty();

  /// Exit status 0 after a clean stop, 1 if it could not start or go on, 2 for wrong usage.
  public static void main(String[] args) {
    System.exit(run(args, System.getenv()));
  }

  static int run(String[] args, Map<String, String> environment) {
    Main main = new Main();
    CommandLine command = new CommandLine(main);
    try {
      main.parse(command, args, environment);
    } catch (ConfigException e) {
      command.getErr().println("tributary-server: " + e.getMessage());
      return CommandLine.ExitCode.USAGE;
    } catch (CommandLine.ParameterException e) {
      command.getErr().println("tributary-server: " + e.getMessage());
      if (!CommandLine.UnmatchedArgumentException.printSuggestions(e, command.getErr())) {
        command.getErr().println("--help lists the settings.");
      }
      return CommandLine.ExitCode.USAGE;
    }
    Integer help = CommandLine.executeHelpRequest(command.getParseResult());
    if (help != null) {
      return help;
    }
    try {
      return main.call();
    } catch (Exception e) {
      command.getErr().println("tributary-server: " + reason(e));
      return e instanceof ConfigException
          ? CommandLine.ExitCode.USAGE
          : CommandLine.ExitCode.SOFTWARE;
    }
  }

  /// Reads all settings. Throws [ConfigException] for what a file or variable has wrong, picocli's
  /// for what a flag has.
  private void parse(CommandLine command, String[] args, Map<String, String> environment) {
    ConfigDefaults defaults = new ConfigDefaults(command.getCommandSpec(), args, environment);
    command.setDefaultValueProvider(defaults);
    try {
      command.parseArgs(args);
    } catch (CommandLine.ParameterException e) {
      if (e.getArgSpec() instanceof OptionSpec option) {
        String key = ConfigDefaults.key(option);
        Optional<String> origin = defaults.origin(key);
        if (origin.isPresent()) {
          throw new ConfigException(origin.get() + ": " + key + ": " + e.getMessage());
        }
      }
      throw e;
    }
    if (!command.isUsageHelpRequested() && !command.isVersionHelpRequested()) {
      config.check(key -> defaults.origin(key).orElse("--" + key));
    }
    this.args = args.clone();
    this.environment = environment;
    settings = new Settings(command, defaults);
    file = defaults.file();
  }

  private ConfigWatch.Read read() {
    Main again = new Main();
    again.parse(new CommandLine(again), args, environment);
    return new ConfigWatch.Read(again.config, again.settings());
  }

  private Settings settings() {
    return Objects.requireNonNull(settings, "not parsed yet");
  }

  /// What a person can act on: a bug keeps its stack trace, a bad file or setting is one line.
  private static String reason(Exception e) {
    if (e.getMessage() == null || e instanceof NullPointerException) {
      e.printStackTrace();
    }
    return e.getMessage() == null ? e.toString() : e.getMessage();
  }

  private int call() throws Exception {
    if (config.printConfig) {
      System.out.print(settings());
      return 0;
    }
    Logs.format(config.logFormat);
    Logs.setLevels(List.of(), config.logLevels);
    Path model = new Models(System.getenv(), System.err).fetch(config.model);
    if (config.fetchOnly) {
      System.out.println(model.toAbsolutePath());
      return 0;
    }
    Server server = new Server(config, model, System.out, Main::fatal);
    file.ifPresent(
        path ->
            new ConfigWatch(
                    path, new ConfigWatch.Read(config, settings()), this::read, server::reload)
                .start());
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  System.out.println(
                      "stopping: answers under way have " + server.grace().toSeconds() + " s");
                  server.close();
                  System.out.println("stopped");
                  System.out.flush();
                  // A signal's own status would say that it failed.
                  Runtime.getRuntime().halt(0);
                },
                "shutdown"));
    server.suggest();
    new CountDownLatch(1).await(); // until the hook ends the process
    return 0;
  }

  private static void fatal(Throwable cause) {
    System.err.println("tributary-server: the engine cannot go on: " + cause);
    // Not exit: the shutdown hook would wait for an engine that is stuck.
    Runtime.getRuntime().halt(1);
  }
}
