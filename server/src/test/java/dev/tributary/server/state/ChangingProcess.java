package dev.tributary.server.state;

import java.nio.file.Path;
import java.util.Random;

/// Makes random changes until it is killed. Before each it prints it, and after it `done`.
final class ChangingProcess {
  private ChangingProcess() {}

  public static void main(String[] arguments) {
    try (State state = State.open(Path.of(arguments[0]), new FakeTime())) {
      Random random = new Random(Long.parseLong(arguments[1]));
      while (true) {
        Change change = Change.any(random, state.adapters());
        System.out.println(change.line());
        change.apply(state.adapters());
        System.out.println("done");
      }
    }
  }
}
