package dev.tributary.client.cli;

import dev.tributary.client.TributaryClient;

/// Entry point of the `tributary` command.
public final class Main {
  private Main() {}

  public static void main(String[] arguments) {
    Tributary tributary =
        new Tributary(Terminal.system(System.getenv()), System.getenv(), TributaryClient::connect);
    System.exit(tributary.run(arguments));
  }
}
