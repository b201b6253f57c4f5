package dev.tributary.server.ledger;

import dev.tributary.tlog.Policy;
import dev.tributary.tlog.SigningKey;
import dev.tributary.tlog.VerifierKey;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.stream.Stream;

/// How a log is kept.
///
/// @param folder the log's own; made at first
/// @param key signs checkpoints; its name is the log's origin
/// @param nextKey to which a rotation may have been under way: whichever of the two is in force
///   signs
/// @param anchor a file, better on other storage, that always has the newest checkpoint
/// @param witnesses who cosigns, where they have addresses, and how many must
/// @param publishEvery shortest time between two checkpoints
/// @param queue most leaves that wait to be written or acknowledged, 1 to 1,000,000
public record LogSettings(
    Path folder,
    SigningKey key,
    Optional<SigningKey> nextKey,
    Optional<Path> anchor,
    Optional<Policy> witnesses,
    Duration publishEvery,
    int queue) {
  private static final int MOST_QUEUED = 1_000_000;

  public LogSettings {
    if (publishEvery.isNegative() || publishEvery.toDays() > 0) {
      throw new IllegalArgumentException("checkpoints every " + publishEvery + ", 0 to a day");
    }
    if (queue < 1 || queue > MOST_QUEUED) {
      throw new IllegalArgumentException("a queue of " + queue + ", 1 to " + MOST_QUEUED);
    }
  }

  /// Without anchor and witnesses, a checkpoint every 200 ms, 8,192 leaves waiting.
  public static LogSettings of(Path folder, SigningKey key) {
    return new LogSettings(
        folder,
        key,
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Duration.ofMillis(200),
        8_192);
  }

  String origin() {
    return key.name();
  }

  /// The private half of the key that is in force.
  ///
  /// @throws LedgerRefused if it is not there
  SigningKey signer(VerifierKey inForce) {
    return Stream.concat(Stream.of(key), nextKey.stream())
        .filter(signer -> signer.verifierKey().equals(inForce))
        .findFirst()
        .orElseThrow(
            () -> new LedgerRefused("the log's key is " + inForce + ", not " + key.verifierKey()));
  }
}
