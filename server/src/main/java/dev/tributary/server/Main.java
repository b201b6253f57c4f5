package dev.tributary.server;

import dev.tributary.server.source.Models;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

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
public final class Main implements Callable<Integer> {
  @Mixin private final Config config = new Config();

  /// Exit status 0 after a clean stop, 1 if it could not start or go on, 2 for wrong usage.
  public static void main(String[] args) {
    System.exit(run(args, System.getenv()));
  }

  static int run(String[] args, Map<String, String> environment) {
    Main main = new Main();
    CommandLine command = new CommandLine(main);
    command.setDefaultValueProvider(
        new ConfigDefaults(command.getCommandSpec(), args, environment));
    command.setExecutionExceptionHandler(
        (e, line, parsed) -> {
          line.getErr().println("tributary-server: " + reason(e));
          return 1;
        });
    return command.execute(args);
  }

  /// What a person can act on: a bug keeps its stack trace, a bad file or setting is one line.
  private static String reason(Exception e) {
    if (e.getMessage() == null || e instanceof NullPointerException) {
      e.printStackTrace();
    }
    return e.getMessage() == null ? e.toString() : e.getMessage();
  }

  @Override
  public Integer call() throws Exception {
    Path model = new Models(System.getenv(), System.err).fetch(config.model);
    if (config.fetchOnly) {
      System.out.println(model.toAbsolutePath());
      return 0;
    }
    Server server = new Server(config, model, System.out, Main::fatal);
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  System.out.println("stopping: answers under way have " + config.grace + " s");
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
