package dev.tributary.client.cli;

import dev.tributary.client.AdminClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/// Where a server's admin port is, and with which key it is asked.
///
/// The key is looked for in the server's default data folder only where the admin port is this
/// machine's: no other machine is sent a key that nobody meant for it.
final class AdminPort {
  @Option(
      names = "--admin",
      paramLabel = "HOST:PORT",
      defaultValue = "127.0.0.1:50052",
      scope = ScopeType.INHERIT,
      description = "Admin port to ask (default: ${DEFAULT-VALUE}).")
  private String address = "127.0.0.1:50052";

  @Option(
      names = "--admin-key-file",
      paramLabel = "FILE",
      scope = ScopeType.INHERIT,
      description = "File with the admin key (default: the one of a server on this machine).")
  private @Nullable Path keyFile;

  /// Opens a client of the admin port.
  AdminClient client(Tributary tributary) throws IOException {
    Optional<Path> file = Optional.ofNullable(keyFile).or(() -> defaultKeyFile(tributary));
    return tributary.admin(
        address, file.isPresent() ? Tributary.key(file.get()) : Optional.empty());
  }

  /// Where a server on this machine that was told nothing else keeps its key.
  private Optional<Path> defaultKeyFile(Tributary tributary) {
    if (!isThisMachine(address)) {
      return Optional.empty();
    }
    Optional<Path> data =
        tributary
            .variable("XDG_DATA_HOME")
            .map(Path::of)
            .or(() -> tributary.variable("HOME").map(home -> Path.of(home, ".local", "share")));
    return data.map(folder -> folder.resolve("tributary").resolve("admin.key"))
        .filter(Files::isReadable);
  }

  private static boolean isThisMachine(String address) {
    return address.matches("(localhost|127(\\.[0-9]{1,3}){3}|\\[::1])(:[0-9]+)?");
  }
}
