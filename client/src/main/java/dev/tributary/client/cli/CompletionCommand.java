package dev.tributary.client.cli;

import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `tributary completion`: a script that teaches a shell the commands and options.
@Command(
    name = "completion",
    description = "Write a script that completes commands and options in a shell.",
    footer = {
      "%nExamples:",
      "  bash: source <(tributary completion bash)",
      "  zsh:  source <(tributary completion zsh)",
      "  fish: tributary completion fish > ~/.config/fish/completions/tributary.fish"
    })
final class CompletionCommand implements Callable<Integer> {
  /// What can be taught.
  enum Shell {
    BASH,
    ZSH,
    FISH;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  private final Tributary tributary;

  @Spec private CommandSpec command = CommandSpec.create();

  @Parameters(paramLabel = "SHELL", description = "One of ${COMPLETION-CANDIDATES}.")
  private Shell shell = Shell.BASH;

  CompletionCommand(Tributary tributary) {
    this.tributary = tributary;
  }

  @Override
  public Integer call() {
    CommandLine root = command.root().commandLine();
    String script =
        switch (shell) {
          // The same script: it makes zsh understand bash's completions.
          case BASH, ZSH -> AutoComplete.bash("tributary", root);
          case FISH -> FishCompletion.script(root.getCommandSpec());
        };
    tributary.terminal().out().print(script);
    tributary.terminal().out().flush();
    return 0;
  }
}
