package dev.tributary.client.cli;

import dev.tributary.client.UnmetException;
import java.io.IOException;
import java.util.Locale;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// Asks before something that cannot be taken back.
final class ConfirmOption {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec command = CommandSpec.create();

  @Option(names = "--yes", description = "Don't ask.")
  private boolean yes;

  /// Returns if a person or the flag agrees.
  ///
  /// @throws UnmetException if a person does not
  void require(Terminal terminal, String question) throws IOException {
    if (yes) {
      return;
    }
    if (!terminal.interactive()) {
      throw new CommandLine.ParameterException(
          command.commandLine(), "nobody is there to be asked; --yes agrees");
    }
    terminal.err().print(terminal.printable(question) + " [y/N] ");
    terminal.err().flush();
    String answer = terminal.in().readLine();
    if (answer == null || !answer.strip().toLowerCase(Locale.ROOT).matches("y|yes")) {
      throw new UnmetException("nothing was changed");
    }
  }
}
