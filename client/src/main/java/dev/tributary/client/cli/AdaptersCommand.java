package dev.tributary.client.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/// `tributary adapters`: the group of commands about adapters.
@Command(
    name = "adapters",
    description = "Look after adapters, their versions and aliases.",
    footer = {
      "%nExample of a rollout:",
      "  tributary adapters upload town-guide ./town-guide-v4",
      "  tributary adapters promote town-guide 4 --canary 5",
      "  tributary adapters versions town-guide",
      "  tributary adapters promote town-guide 4",
      "  tributary adapters rollback town-guide"
    })
final class AdaptersCommand {
  static CommandLine line(Tributary tributary) {
    CommandLine line = new CommandLine(new AdaptersCommand());
    line.addSubcommand(new AdaptersListCommand(tributary));
    line.addSubcommand(new AdaptersShowCommand(tributary));
    line.addSubcommand(new AdaptersVersionsCommand(tributary));
    line.addSubcommand(new AdaptersCreateCommand(tributary));
    line.addSubcommand(new AdaptersUploadCommand(tributary));
    line.addSubcommand(new AdaptersImportCommand(tributary));
    line.addSubcommand(new AdaptersAliasCommand(tributary));
    line.addSubcommand(new AdaptersPromoteCommand(tributary));
    line.addSubcommand(new AdaptersRollbackCommand(tributary));
    for (AdaptersTierCommand.Move move : AdaptersTierCommand.Move.values()) {
      line.addSubcommand(AdaptersTierCommand.line(tributary, move));
    }
    line.addSubcommand(new AdaptersWatchCommand(tributary));
    line.addSubcommand(new AdaptersIndexCommand(tributary));
    line.addSubcommand(new AdaptersRebuildCommand(tributary));
    line.addSubcommand(new AdaptersAuditSetCommand(tributary));
    line.addSubcommand(new AdaptersDeleteCommand(tributary));
    return line;
  }
}
