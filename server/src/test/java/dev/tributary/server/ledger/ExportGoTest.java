package dev.tributary.server.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tributary.tlog.SigningKey;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// An exported log, read by Tessera's client and checked by its fsck. `TRIBUTARY_TEST_TLOG_GO` is
/// the path of the program that `.ci/tlog` builds; without it these tests are skipped.
class ExportGoTest {
  private static final SecureRandom KEYS = new SecureRandom();
  private static final int QUEUE = 2_000;

  private final SigningKey key = SigningKey.generate("test.example/log", KEYS);

  @TempDir private Path folder;

  private String program = "";

  @BeforeEach
  void setUp() {
    String path = System.getenv("TRIBUTARY_TEST_TLOG_GO");
    assumeTrue(path != null, "TRIBUTARY_TEST_TLOG_GO names no program of .ci/tlog");
    program = path;
  }

  private Log open() throws IOException {
    return Log.open(LogSettings.of(folder.resolve("ledger"), key));
  }

  /// Waits for them now and then, so that no queue overflows.
  private static void append(Log log, int count, Random random) {
    List<CompletableFuture<Long>> waiting = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      byte[] leaf = new byte[i == 0 ? Log.MAX_LEAF : 1 + random.nextInt(100)];
      random.nextBytes(leaf);
      waiting.add(log.append(leaf, null));
      if (waiting.size() == QUEUE) {
        waiting.forEach(CompletableFuture::join);
        waiting.clear();
      }
    }
    waiting.forEach(CompletableFuture::join);
  }

  private void exportAndCheck(Log log, long size) throws IOException, InterruptedException {
    Path files = folder.resolve("files");
    Export.write(log, log.covering(size - 1).join(), files);
    Process process =
        new ProcessBuilder(program, "export", files.toString(), log.verifierKey().toString())
            .redirectErrorStream(true)
            .start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
    assertThat(output).contains("ok a log of " + size + " entries");
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 256, 1_000, 66_000})
  void tessera_readsTheLog(int size) throws IOException, InterruptedException {
    try (Log log = open()) {
      append(log, size, new Random(size));
      exportAndCheck(log, size);
    }
  }

  /// Also exports it again and again into the same folder, as it grows.
  @Test
  void tessera_readsALogThatWentOnWithAnotherKey() throws IOException, InterruptedException {
    Random random = new Random(1);
    try (Log log = open()) {
      append(log, 300, random);
      exportAndCheck(log, 300);
    }
    try (Log log = open()) {
      append(log, 300, random);
      exportAndCheck(log, 600);
      log.rotate(SigningKey.generate(key.name(), KEYS)).join();
      append(log, 300, random);
      assertThat(log.verifierKey()).isNotEqualTo(key.verifierKey());
      exportAndCheck(log, 901);
    }
  }
}
