package dev.tributary.server.ledger;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tributary.tlog.Hash;
import dev.tributary.tlog.SigningKey;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A process that appends under load is killed again and again (SIGKILL); a list outside of it has
/// what it acknowledged. The environment's `TRIBUTARY_KILL_ROUNDS` asks for more than a few rounds.
class KillTest {
  private static final int ROUNDS = 5;
  private static final int MOST_LINES = 12_000;

  private final SigningKey key = SigningKey.generate("test.example/log", new SecureRandom());
  private final List<byte[]> acknowledged = new ArrayList<>();
  private final NavigableMap<Long, Hash> published = new TreeMap<>();

  @TempDir private Path folder;

  @Test
  void killedUnderLoad_losesNothingAcknowledged() throws Exception {
    int rounds =
        Integer.parseInt(
            System.getenv().getOrDefault("TRIBUTARY_KILL_ROUNDS", Integer.toString(ROUNDS)));
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(1);
    for (int round = 0; round < rounds; round++) {
      int before = acknowledged.size();
      appendAndKill(round, random.nextInt(1, MOST_LINES));
      check(before);
      assertThat(acknowledged.size()).isGreaterThan(before);
    }
    assertThat(published).hasSizeGreaterThan(rounds);
    checkAll();
  }

  /// @param lines after which it is killed; it has acknowledged more by then
  private void appendAndKill(int round, int lines) throws Exception {
    Process child =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xshare:auto",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                AppendUntilKilled.class.getName(),
                folder.toString(),
                key.text(),
                Integer.toString(round))
            .redirectError(new File(folder.toFile(), "errors"))
            .start();
    try (BufferedReader out = child.inputReader(UTF_8)) {
      for (int i = 0; i < lines; i++) {
        String line = out.readLine();
        assertThat(line).as(() -> errors()).isNotNull();
        take(round, line);
      }
      // By the handle: the process's own method closes the pipe before it is read to its end.
      child.toHandle().destroyForcibly();
      // What the pipe still has was acknowledged; only the last line may be cut off.
      String last = null;
      for (String line = out.readLine(); line != null; line = out.readLine()) {
        if (last != null) {
          take(round, last);
        }
        last = line;
      }
      assertThat(child.waitFor()).isNotZero();
    }
  }

  private String errors() {
    try {
      return Files.readString(folder.resolve("errors"));
    } catch (IOException e) {
      return e.toString();
    }
  }

  private void take(int round, String line) {
    String[] words = line.split(" ", -1);
    if (words[0].equals("leaf")) {
      assertThat(Long.parseLong(words[1])).isGreaterThanOrEqualTo(acknowledged.size());
      while (acknowledged.size() < Long.parseLong(words[1])) {
        // Durable in an earlier round, whose process had no time to say so.
        acknowledged.add(new byte[0]);
      }
      acknowledged.add(AppendUntilKilled.leaf(round, Long.parseLong(words[2])));
    } else {
      published.put(Long.parseLong(words[1]), Hash.ofBase64(words[2]));
    }
  }

  private void check(int from) throws IOException {
    try (Log log = AppendUntilKilled.open(folder, key)) {
      assertThat(log.durable()).isGreaterThanOrEqualTo(acknowledged.size());
      for (int i = from; i < acknowledged.size(); i++) {
        byte[] leaf = acknowledged.get(i);
        if (leaf.length > 0) {
          assertThat(log.leaf(i)).isEqualTo(leaf);
        }
      }
      published
          .tailMap((long) from)
          .forEach((size, root) -> assertThat(log.root(size)).isEqualTo(root));
    }
  }

  private void checkAll() throws IOException {
    try (Log log = AppendUntilKilled.open(folder, key)) {
      for (int i = 0; i < acknowledged.size(); i++) {
        byte[] leaf = acknowledged.get(i);
        if (leaf.length > 0) {
          assertThat(log.leaf(i)).isEqualTo(leaf);
        }
      }
      published.forEach((size, root) -> assertThat(log.root(size)).isEqualTo(root));
    }
    FsckReport report = Fsck.run(folder.resolve("ledger"), Optional.of(folder.resolve("anchor")));
    assertThat(report.problems()).isEmpty();
  }
}
