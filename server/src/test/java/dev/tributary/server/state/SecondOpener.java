package dev.tributary.server.state;

import java.nio.file.Path;
import java.time.InstantSource;

/// Opens a state and says how that went; holds it until it is killed. Or, with a target, only backs
/// it up.
final class SecondOpener {
  private SecondOpener() {}

  public static void main(String[] arguments) throws InterruptedException {
    if (arguments.length == 2) {
      State.backup(Path.of(arguments[0]), Path.of(arguments[1]));
      System.out.println("copied");
      return;
    }
    try (State state = State.open(Path.of(arguments[0]), InstantSource.system())) {
      System.out.println("open " + state.tenants().list("", 1).size());
      Thread.currentThread().join();
    } catch (StateException e) {
      System.out.println(e.getMessage());
    }
  }
}
