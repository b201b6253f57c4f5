package dev.tributary.client.cli;

import dev.tributary.client.TributaryClient;
import dev.tributary.client.UnmetException;
import dev.tributary.v1.AdapterSelector;
import dev.tributary.v1.AdapterVersion;
import dev.tributary.v1.Tier;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/// `tributary adapters load`, `unload`, `pin` and `unpin`: where weights are.
@Command
final class AdaptersTierCommand implements Callable<Integer> {
  /// What is to be done to a version.
  enum Move {
    LOAD("Bring versions' weights to the device tier."),
    UNLOAD("Wait for answers in flight, then drop versions' weights to the disk tier."),
    PIN("Bring versions' weights to the device tier, and keep them there."),
    UNPIN("Let pinned versions leave the device tier again.");

    private final String description;

    Move(String description) {
      this.description = description;
    }

    private AdapterVersion of(TributaryClient client, AdapterSelector version, Duration time) {
      return switch (this) {
        case LOAD -> client.load(version, time);
        case UNLOAD -> client.unload(version, time);
        case PIN -> client.pin(version, time);
        case UNPIN -> client.unpin(version);
      };
    }

    private boolean holds(AdapterVersion version) {
      Tier tier = version.getTier();
      return switch (this) {
        case LOAD -> tier == Tier.TIER_DEVICE;
        case UNLOAD -> tier == Tier.TIER_DISK || tier == Tier.TIER_REMOTE;
        case PIN -> tier == Tier.TIER_DEVICE && version.getPinned();
        case UNPIN -> !version.getPinned();
      };
    }
  }

  private final Tributary tributary;
  private final Move move;

  @Mixin private TimeoutOption timeout = new TimeoutOption();

  @Parameters(
      paramLabel = VersionArgument.SYNTAX,
      arity = "1..*",
      converter = VersionArgument.class,
      description = "VERSION is a number, an alias or a digest (default: prod).")
  private List<AdapterSelector> versions = List.of();

  private AdaptersTierCommand(Tributary tributary, Move move) {
    this.tributary = tributary;
    this.move = move;
  }

  static CommandLine line(Tributary tributary, Move move) {
    CommandLine line = new CommandLine(new AdaptersTierCommand(tributary, move));
    line.getCommandSpec().name(move.name().toLowerCase(Locale.ROOT));
    line.getCommandSpec().usageMessage().description(move.description);
    return line;
  }

  @Override
  public Integer call() throws IOException {
    Duration time = timeout.time();
    try (TributaryClient client = tributary.client()) {
      for (AdapterSelector version : versions) {
        AdapterVersion moved = move.of(client, version, time);
        VersionPrinter.print(tributary, moved);
        if (!move.holds(moved)) {
          throw new UnmetException(
              "the server says that %s is %s%s after all"
                  .formatted(
                      VersionPrinter.name(moved),
                      moved.getTier() == Tier.TIER_UNSPECIFIED
                          ? "in no tier"
                          : "in tier " + Texts.tier(moved.getTier()),
                      moved.getPinned() ? ", pinned," : ""));
        }
      }
    }
    return 0;
  }
}
