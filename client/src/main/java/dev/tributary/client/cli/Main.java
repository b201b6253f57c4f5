package dev.tributary.client.cli;

import dev.tributary.client.AdminClient;
import dev.tributary.client.ClientOptions;
import dev.tributary.client.TributaryClient;
import java.io.IOException;
import java.util.logging.Level;
import java.util.logging.Logger;

/// Entry point of the `tributary` command.
public final class Main {
  /// Held, since the log manager forgets levels of loggers that nobody holds.
  private static final Logger GRPC = Logger.getLogger("io.grpc");

  private Main() {}

  public static void main(String[] arguments) {
    // Every failure reaches the person in one line already.
    GRPC.setLevel(Level.OFF);
    Tributary tributary =
        new Tributary(Terminal.system(System.getenv()), System.getenv(), new Network());
    System.exit(tributary.run(arguments));
  }

  private static final class Network implements Tributary.Connector {
    @Override
    public TributaryClient connect(String server, ClientOptions options) throws IOException {
      return TributaryClient.connect(server, options);
    }

    @Override
    public AdminClient connectAdmin(String address, ClientOptions options) throws IOException {
      return AdminClient.connect(address, options);
    }
  }
}
