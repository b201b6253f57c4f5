package dev.tributary.server.ledger;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.tributary.tlog.Checkpoint;
import dev.tributary.tlog.SigningKey;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Semaphore;

/// A program that appends leaves to a log as fast as it can, and says on its standard output what
/// was acknowledged: `leaf INDEX NUMBER`, and `checkpoint SIZE ROOT`. It never ends by itself.
final class AppendUntilKilled {
  private static final int FLIGHT = 500;
  private static final int LONGEST = 300;

  /// Small, so that files are begun often.
  private static final Layout LAYOUT = new Layout(200_000, 20_000, 3_000, 256, 1 << 20);

  private AppendUntilKilled() {}

  static Log open(Path folder, SigningKey key) throws IOException {
    return Log.open(
        new LogSettings(
            folder.resolve("ledger"),
            key,
            Optional.empty(),
            Optional.of(folder.resolve("anchor")),
            Optional.empty(),
            Duration.ofMillis(20),
            2 * FLIGHT),
        new LocalDisk(),
        LAYOUT,
        null);
  }

  /// The leaf of a number.
  static byte[] leaf(int round, long number) {
    String text = "leaf " + round + " " + number + " ";
    return (text + "x".repeat((int) (number * 31 % LONGEST))).getBytes(UTF_8);
  }

  /// @param args folder, private key, round
  public static void main(String[] args) throws IOException, InterruptedException {
    int round = Integer.parseInt(args[2]);
    Log log = open(Path.of(args[0]), SigningKey.parse(args[1]));
    PrintStream out = new PrintStream(System.out, true, UTF_8);
    log.watch(
        note -> {
          Checkpoint checkpoint = Checkpoint.parse(note.text());
          out.println("checkpoint " + checkpoint.size() + " " + checkpoint.root().base64());
        });
    Semaphore free = new Semaphore(FLIGHT);
    for (long i = 0; ; i++) {
      long number = i;
      free.acquire();
      var _ =
          log.append(leaf(round, number), null)
              .thenAccept(
                  index -> {
                    out.println("leaf " + index + " " + number);
                    free.release();
                  });
    }
  }
}
