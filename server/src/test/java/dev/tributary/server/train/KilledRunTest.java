package dev.tributary.server.train;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A process that trains is killed (SIGKILL) at random steps until it finishes; it ends in the
/// adapters of one that was not. The environment's `TRIBUTARY_KILL_ROUNDS` asks for more rounds.
class KilledRunTest {
  private static final int ROUNDS = 3;

  /// More lines than three members print in a run: a child may finish.
  private static final int MOST_LINES = 24;

  @TempDir private Path folder;

  @Test
  void train_killedAtRandomSteps_endsInTheSameBits() throws Exception {
    var whole =
        Runs.digests(Runs.trainer(1000), folder.resolve("whole"), TrainUntilKilled.members());
    int rounds =
        Integer.parseInt(
            System.getenv().getOrDefault("TRIBUTARY_KILL_ROUNDS", Integer.toString(ROUNDS)));
    Random random = new Random(7);
    for (int round = 0; round < rounds; round++) {
      Path own = folder.resolve("round" + round);
      int kills = 0;
      while (trainAndKill(own, random.nextInt(1, MOST_LINES))) {
        assertThat(++kills).isLessThan(100);
      }
      assertThat(kills).isPositive();
      assertThat(Runs.digests(Runs.trainer(1000), own, TrainUntilKilled.members()))
          .isEqualTo(whole);
    }
  }

  /// @param lines that it prints before it is killed
  /// @return whether it was killed
  private boolean trainAndKill(Path own, int lines) throws IOException, InterruptedException {
    File errors = new File(folder.toFile(), "errors");
    Process child =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "--add-modules",
                "jdk.incubator.vector",
                "-Xshare:auto",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                TrainUntilKilled.class.getName(),
                own.toString())
            .redirectError(errors)
            .start();
    try (BufferedReader out = child.inputReader(UTF_8)) {
      for (int i = 0; i < lines; i++) {
        String line = out.readLine();
        assertThat(line).as(() -> errors(errors)).isNotNull();
        if (line.equals("finished")) {
          child.waitFor();
          return false;
        }
      }
      child.toHandle().destroyForcibly();
    }
    child.waitFor();
    return true;
  }

  private static String errors(File file) {
    try {
      return Files.readString(file.toPath());
    } catch (IOException e) {
      return e.toString();
    }
  }
}
