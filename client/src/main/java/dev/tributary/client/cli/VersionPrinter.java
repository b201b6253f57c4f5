package dev.tributary.client.cli;

import dev.tributary.client.UnmetException;
import dev.tributary.v1.AdapterVersion;
import dev.tributary.v1.AdapterVersion.State;

/// Shows the version that a command ended with.
final class VersionPrinter {
  private VersionPrinter() {}

  /// One line, `town-guide@3 device, pinned 0123456789ab`, or the message.
  static void print(Tributary tributary, AdapterVersion version) {
    if (tributary.json()) {
      tributary.printJson(version);
      return;
    }
    tributary
        .terminal()
        .facts(
            new Table()
                .row(name(version), Texts.tier(version), Texts.shortDigest(version.getDigest())));
  }

  /// @throws UnmetException if the version cannot be used
  static void requireUsable(AdapterVersion version) {
    if (version.getState() == State.STATE_QUARANTINED) {
      throw new UnmetException(
          "%s is there but quarantined: %s".formatted(name(version), version.getStateReason()));
    }
  }

  /// `town-guide@3`.
  static String name(AdapterVersion version) {
    return Texts.name(version.getAdapter()) + "@" + version.getNumber();
  }
}
