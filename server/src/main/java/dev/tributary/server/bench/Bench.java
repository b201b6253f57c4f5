package dev.tributary.server.bench;

import java.nio.file.NoSuchFileException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// The command of the programs that measure.
@Command(
    name = "tributary-server bench",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    description = "Measures a model, the engine or a whole server on this machine.",
    subcommands = {
      DecodeCommand.class,
      PrefillCommand.class,
      TrainStepCommand.class,
      StepCommand.class,
      LoadCommand.class,
      SwapCommand.class,
      AdaptersCommand.class,
      PeerCommand.class,
      LedgerCommand.class,
      AttributionCommand.class,
      GamingCommand.class,
      SpansCommand.class,
      TrainCommand.class,
      HelpCommand.class
    })
public final class Bench implements Runnable {
  @Spec private CommandSpec spec = CommandSpec.create();

  /// Ends the process with 0 if all was measured, 1 if something could not be, 2 for wrong usage.
  public static void main(String[] args) {
    System.exit(execute(args));
  }

  /// The exit status that the process would end with.
  public static int execute(String... args) {
    CommandLine command = new CommandLine(new Bench());
    command.setCaseInsensitiveEnumValuesAllowed(true);
    command.setExecutionExceptionHandler(
        (e, line, parsed) -> {
          if (e.getMessage() == null || e instanceof NullPointerException) {
            e.printStackTrace();
          }
          line.getErr().println("tributary-server bench: " + reason(e));
          return 1;
        });
    return command.execute(args);
  }

  private static String reason(Exception e) {
    if (e instanceof NoSuchFileException missing) {
      return "there is no file " + missing.getFile();
    }
    return e.getMessage() == null ? e.toString() : e.getMessage();
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "Say what to measure.");
  }
}
