package dev.tributary.client.cli;

import dev.tributary.client.Head;
import dev.tributary.client.LedgerAudit;
import dev.tributary.client.Pins;
import dev.tributary.client.UnmetException;
import dev.tributary.record.Trust;
import dev.tributary.tlog.Policy;
import dev.tributary.tlog.TlogException;
import dev.tributary.tlog.VerifierKey;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// Whom to believe: a policy, a key, or the key that was pinned at first contact with a log. A key
/// that stands in what is to be checked is never one.
final class TrustOptions {
  /// What nobody can know who trusts a log's key alone.
  static final String FORK = "operator-signed only: a fork cannot be excluded";

  @Spec(Spec.Target.MIXEE)
  private CommandSpec command = CommandSpec.create();

  @Option(
      names = "--policy",
      paramLabel = "FILE",
      description = "Believe the logs of this policy, if its witnesses agree (C2SP tlog-policy).")
  private @Nullable Path policyFile;

  @Option(
      names = "--public-key",
      paramLabel = "VKEY",
      description =
          "Believe the log with this key, NAME+ID+KEY as the server prints it at its start"
              + " (default: the key that was pinned at first contact).")
  private @Nullable String publicKey;

  /// What the options say; empty without them.
  ///
  /// @throws IOException if the policy cannot be read or is none
  Optional<Trust> given() throws IOException {
    if (policyFile != null && publicKey != null) {
      throw new CommandLine.ParameterException(
          command.commandLine(), "--policy and --public-key exclude each other");
    }
    if (publicKey != null) {
      return Optional.of(new Trust.Pinned(key(publicKey)));
    }
    return policyFile == null
        ? Optional.empty()
        : Optional.of(new Trust.ByPolicy(policy(policyFile)));
  }

  private VerifierKey key(String vkey) {
    try {
      return VerifierKey.parse(vkey);
    } catch (TlogException e) {
      throw new CommandLine.ParameterException(
          command.commandLine(), "--public-key: " + e.getMessage(), e);
    }
  }

  private static Policy policy(Path file) throws IOException {
    if (Files.size(file) > Policy.MAX_BYTES) {
      throw new IOException(file + " is too long for a policy");
    }
    try {
      return Policy.parse(Files.readAllBytes(file));
    } catch (TlogException e) {
      throw new IOException(file + " is no policy: " + e.getMessage(), e);
    }
  }

  /// Whom to believe about a log that nobody asks now.
  ///
  /// @throws UnmetException if there is nobody
  Trust offline(Tributary tributary, String origin) throws IOException {
    Optional<Trust> given = given();
    return given.isPresent() ? given.get() : new Trust.Pinned(pinned(tributary, origin));
  }

  private static VerifierKey pinned(Tributary tributary, String origin) throws IOException {
    return tributary
        .pins()
        .pinned(origin)
        .orElseThrow(
            () ->
                new UnmetException(
                    ("no key of the log %s is trusted: give --policy or --public-key, or ask its"
                            + " server once, which pins its key")
                        .formatted(origin)));
  }

  /// Whom to believe about a checkpoint that a file has: that of [#offline], or the key that audits
  /// have followed its rotations to.
  Policy offline(Tributary tributary, Head head) throws IOException {
    Trust trust = offline(tributary, head.origin());
    return trust instanceof Trust.Pinned(VerifierKey key) && given().isEmpty()
        ? Policy.of(followed(tributary, key, head))
        : trust.policy();
  }

  /// Whom to believe about the log that a server shows. At first contact that is the server; its
  /// key is pinned, and said.
  ///
  /// @throws UnmetException if the server shows another key than the pinned one, and audits have
  ///   not followed it there
  Policy contact(Tributary tributary, Head head) throws IOException {
    Optional<Trust> given = given();
    if (given.isPresent()) {
      return given.get().policy();
    }
    Optional<VerifierKey> before = tributary.pins().pinned(head.origin());
    if (before.isPresent()) {
      VerifierKey now = followed(tributary, before.get(), head);
      if (!now.equals(before.get())) {
        // The pinned key's time is over, whoever shows it: it may be stolen.
        return Policy.of(now);
      }
    }
    if (head.shown().isPresent()) {
      pin(tributary, head, head.shown().get());
    }
    return Policy.of(pinned(tributary, head.origin()));
  }

  private static VerifierKey followed(Tributary tributary, VerifierKey key, Head head)
      throws IOException {
    return LedgerAudit.follow(tributary.audits(), key, head.size()).orElse(key);
  }

  /// The same, but a key that was pinned stays whatever the server shows: for one who can follow
  /// rotations.
  Policy follow(Tributary tributary, Head head) throws IOException {
    boolean known = given().isPresent() || tributary.pins().pinned(head.origin()).isPresent();
    return known ? offline(tributary, head.origin()).policy() : contact(tributary, head);
  }

  /// Pins a key that a server shows, unless one is pinned.
  static void pin(Tributary tributary, Head head, VerifierKey key) throws IOException {
    if (!key.name().equals(head.origin())) {
      throw new UnmetException(
          "the server shows the key %s for the log %s".formatted(key, head.origin()));
    }
    Pins pins = tributary.pins();
    if (pins.pinned(head.origin()).isEmpty()) {
      head.require(Policy.of(key));
    }
    if (pins.pin(key)) {
      tributary.note(
          "first contact with the log %s; its key %s is pinned in %s"
              .formatted(head.origin(), key, pins.file()));
    }
  }
}
