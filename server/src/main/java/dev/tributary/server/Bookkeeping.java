package dev.tributary.server;

import dev.tributary.server.accounts.Accounts;
import dev.tributary.server.ledger.Fsck;
import dev.tributary.server.ledger.FsckReport;
import dev.tributary.server.ledger.KeyFile;
import dev.tributary.server.ledger.Ledger;
import dev.tributary.server.ledger.LogSettings;
import dev.tributary.server.rpc.Books;
import dev.tributary.server.state.State;
import dev.tributary.tlog.Policy;
import dev.tributary.tlog.SigningKey;
import dev.tributary.tlog.TlogException;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Opens what is kept of answers for good, as the settings say.
final class Bookkeeping {
  private Bookkeeping() {}

  /// @param data folder; must exist
  /// @param out where it says what it does
  /// @return null if answers are to leave no records
  static @Nullable Books open(Config config, Path data, PrintStream out) throws IOException {
    if (!config.keepsLedger()) {
      out.println("ledger    off: answers leave no record, and there are no receipts");
      return null;
    }
    Ledger ledger = ledger(config, data);
    out.printf("ledger    %s, %,d leaves%n", ledger.log().origin(), ledger.log().durable());
    out.printf("          key %s%n", ledger.log().verifierKey());
    if (config.witnessPolicy == null) {
      out.println(
          "          no witnesses: a receipt proves what this server said, not that it says the same"
              + " to everybody (--witness-policy)");
    }
    try {
      Accounts accounts =
          Accounts.open(
              config.accounts == null
                  ? Accounts.sqlite(data.resolve("accounts.db"))
                  : config.accounts,
              ledger,
              InstantSource.system());
      accounts.follow();
      return new Books(ledger, accounts);
    } catch (RuntimeException e) {
      ledger.close();
      throw e;
    }
  }

  private static Ledger ledger(Config config, Path data) throws IOException {
    Path folder = folder(data);
    Path file = keyFile(config, data);
    SigningKey key = LedgerKey.open(file, folder, config.origin);
    LogSettings standard = LogSettings.of(folder, key);
    KeyFile keys = new KeyFile(file);
    Ledger ledger =
        Ledger.open(
            new LogSettings(
                folder,
                key,
                keys.next(),
                Optional.ofNullable(config.anchor),
                policy(config.witnessPolicy),
                standard.publishEvery(),
                standard.queue()),
            InstantSource.system());
    keys.settle(ledger.log().verifierKey());
    return ledger;
  }

  /// Has the log signed with a new key from here on; both keys sign the leaf that says so.
  static void rotateKey(Config config, Path data, PrintStream out) throws IOException {
    // Opening the state keeps any server off the folder.
    try (State state = State.open(data.resolve("state.db"), InstantSource.system());
        Ledger ledger = ledger(config, data)) {
      KeyFile keys = new KeyFile(keyFile(config, data));
      out.printf("was       %s%n", ledger.log().verifierKey());
      var leaf = ledger.log().rotate(keys.makeNext(ledger.log().origin())).join();
      keys.settle(ledger.log().verifierKey());
      out.printf("is now    %s, from leaf %,d on%n", ledger.log().verifierKey(), leaf);
    }
  }

  /// Computes the whole log anew, and changes nothing.
  ///
  /// @return whether all of it is as it was promised
  static boolean check(Config config, Path data, PrintStream out) throws IOException {
    FsckReport report = Fsck.run(folder(data), Optional.ofNullable(config.anchor));
    out.printf("%,d leaves, %,d checkpoints%n", report.leaves(), report.checkpoints());
    report.notes().forEach(note -> out.println("note: " + note));
    report.problems().forEach(problem -> out.println("PROBLEM: " + problem));
    out.println(report.sound() ? "the log is sound" : report.found() + " problems");
    return report.sound();
  }

  private static Path folder(Path data) {
    return data.resolve("ledger");
  }

  private static Path keyFile(Config config, Path data) {
    return config.ledgerKey == null ? data.resolve(LedgerKey.FILE) : config.ledgerKey;
  }

  private static Optional<Policy> policy(@Nullable Path file) throws IOException {
    if (file == null) {
      return Optional.empty();
    }
    try {
      return Optional.of(Policy.parse(Files.readString(file)));
    } catch (TlogException e) {
      throw new IOException("--witness-policy " + file + ": " + e.getMessage(), e);
    }
  }
}
