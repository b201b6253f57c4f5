package dev.tributary.server.train;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/// A process that trains until it is killed or has finished. Prints a line for each step.
public final class TrainUntilKilled {
  private TrainUntilKilled() {}

  /// What it trains.
  static List<Member> members() {
    return List.of(Runs.member("one", 1), Runs.member("two", 2), Runs.member("three", 3));
  }

  /// @param args the folder
  public static void main(String[] args) throws IOException {
    Runs.trainer(1)
        .train(
            Path.of(args[0]),
            members(),
            progress -> {
              System.out.println(progress.member() + " " + progress.step());
              System.out.flush();
            },
            Runs.NEVER);
    System.out.println("finished");
  }
}
