package dev.tributary.server;

import dev.tributary.server.source.Models;
import dev.tributary.server.state.State;
import java.io.PrintWriter;
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

  private final CommandLine command = new CommandLine(this);
  private @Nullable Settings settings;
  private Optional<Path> file = Optional.empty();

  /// Exit status 0 after a clean stop, 1 if it could not start or go on, 2 for wrong usage.
  public static void main(String[] args) {
    System.exit(run(args, System.getenv()));
  }

  static int run(String[] args, Map<String, String> environment) {
    Main main;
    try {
      main = parse(args, environment);
    } catch (ConfigException e) {
      System.err.println("tributary-server: " + e.getMessage());
      return CommandLine.ExitCode.USAGE;
    } catch (CommandLine.ParameterException e) {
      PrintWriter err = e.getCommandLine().getErr();
      err.println("tributary-server: " + e.getMessage());
      if (!CommandLine.UnmatchedArgumentException.printSuggestions(e, err)) {
        err.println("--help lists the settings.");
      }
      return CommandLine.ExitCode.USAGE;
    }
    Integer help = CommandLine.executeHelpRequest(main.command.getParseResult());
    if (help != null) {
      return help;
    }
    try {
      return main.call(() -> parse(args, environment).read());
    } catch (Exception e) {
      System.err.println("tributary-server: " + reason(e));
      return CommandLine.ExitCode.SOFTWARE;
    }
  }

  /// Reads all settings. Throws [ConfigException] for what a file or variable has wrong, picocli's
  /// for what a flag has.
  static Main parse(String[] args, Map<String, String> environment) {
    Main main = new Main();
    ConfigDefaults defaults = new ConfigDefaults(main.command.getCommandSpec(), args, environment);
    main.command.setDefaultValueProvider(defaults);
    try {
      main.command.parseArgs(args);
    } catch (CommandLine.ParameterException e) {
      throw e.getArgSpec() instanceof OptionSpec option
          ? defaults
              .origin(ConfigDefaults.key(option))
              .<RuntimeException>map(
                  origin ->
                      new ConfigException(
                          origin + ": " + ConfigDefaults.key(option) + ": " + e.getMessage()))
              .orElse(e)
          : e;
    }
    if (!main.command.isUsageHelpRequested() && !main.command.isVersionHelpRequested()) {
      main.config.check(key -> main.origin(key, defaults));
    }
    main.settings = new Settings(main.command, defaults);
    main.file = defaults.file();
    return main;
  }

  private String origin(String key, ConfigDefaults defaults) {
    return command.getParseResult().hasMatchedOption("--" + key)
        ? "flag"
        : defaults.origin(key).orElse("default");
  }

  ConfigWatch.Read read() {
    return new ConfigWatch.Read(config, settings());
  }

  Config config() {
    return config;
  }

  Settings settings() {
    return Objects.requireNonNull(settings, "not parsed yet");
  }

  /// What a person can act on: a bug keeps its stack trace, a bad file or setting is one line.
  private static String reason(Exception e) {
    if (e.getMessage() == null || e instanceof NullPointerException) {
      e.printStackTrace();
    }
    return e.getMessage() == null ? e.toString() : e.getMessage();
  }

  private int call(ConfigWatch.Reader again) throws Exception {
    if (config.printConfig) {
      System.out.print(settings());
      return 0;
    }
    Logs.format(config.logFormat);
    Logs.setLevels(List.of(), config.logLevels);
    if (config.backup != null) {
      Path file = config.dataOrDefault().resolve("state.db");
      State.backup(file, config.backup);
      System.out.println("copied " + file + " to " + config.backup);
      return 0;
    }
    if (config.checkLedger) {
      return Bookkeeping.check(config, config.dataOrDefault(), System.out) ? 0 : 1;
    }
    if (config.rotateLedgerKey) {
      Bookkeeping.rotateKey(config, DataFolder.open(config.dataOrDefault()), System.out);
      return 0;
    }
    Path model = new Models(System.getenv(), System.err).fetch(config.model);
    if (config.fetchOnly) {
      System.out.println(model.toAbsolutePath());
      return 0;
    }
    Server server = new Server(config, model, System.out, Main::fatal);
    file.ifPresent(path -> new ConfigWatch(path, read(), again, server::reload).start());
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
