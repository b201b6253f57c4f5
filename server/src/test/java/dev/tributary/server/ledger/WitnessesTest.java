package dev.tributary.server.ledger;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.groups.Tuple.tuple;

import com.sun.net.httpserver.HttpServer;
import dev.tributary.tlog.Checkpoint;
import dev.tributary.tlog.Note;
import dev.tributary.tlog.Policy;
import dev.tributary.tlog.SigningKey;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class WitnessesTest {
  private static final SigningKey KEY = SigningKey.generate("test.example/log", new SecureRandom());

  @TempDir private Path folder;
  private final List<TestWitness> witnesses = new ArrayList<>();
  private final List<String> lines = new ArrayList<>();
  private final AtomicInteger requests = new AtomicInteger();
  private final CountDownLatch released = new CountDownLatch(1);

  @AfterEach
  void close() {
    released.countDown();
    witnesses.forEach(TestWitness::close);
  }

  private void startWitness(String name) throws IOException {
    SigningKey key = SigningKey.generate(name + ".example", new SecureRandom());
    TestWitness witness =
        TestWitness.start(key, List.of(KEY.verifierKey()), folder.resolve(name), 0);
    witnesses.add(witness);
    lines.add(witness.policyLine(name));
  }

  /// A server that answers every request so.
  ///
  /// @param slow from the second request on, only when `released`
  private HttpServer serve(int status, String body, boolean slow) throws IOException {
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    server.createContext(
        "/",
        exchange -> {
          try (exchange) {
            exchange.getRequestBody().readAllBytes();
            if (slow && requests.getAndIncrement() > 0) {
              released.await();
            }
            exchange.sendResponseHeaders(status, body.length());
            exchange.getResponseBody().write(body.getBytes(UTF_8));
          } catch (InterruptedException e) {
            throw new IOException(e);
          }
        });
    server.start();
    return server;
  }

  private void addServer(String name, HttpServer server) {
    SigningKey key = SigningKey.generate(name + ".example", new SecureRandom());
    lines.add(
        "witness %s %s http://localhost:%d"
            .formatted(name, key.cosignerKey(), server.getAddress().getPort()));
  }

  private Log open(String ledger, String quorum) throws IOException {
    String policy = String.join("\n", lines) + "\n" + quorum + "\n";
    return Log.open(
        new LogSettings(
            folder.resolve(ledger),
            KEY,
            Optional.empty(),
            Optional.empty(),
            Optional.of(Policy.parse(policy)),
            Duration.ZERO,
            100));
  }

  private static long size(Note note) {
    return Checkpoint.parse(note.text()).size();
  }

  private static void append(Log log, int leaves, int mark) {
    for (int i = 0; i < leaves; i++) {
      log.append(new byte[] {(byte) mark, (byte) i}, null).join();
    }
  }

  private static void awaitCosigned(Log log, long size) {
    while (log.cosigned().map(note -> size(note) < size).orElse(true)) {
      LockSupport.parkNanos(1_000_000);
    }
  }

  @Test
  void checkpoints_areCosignedByTheQuorum() throws IOException {
    startWitness("a");
    startWitness("b");
    Policy policy;
    try (Log log = open("ledger", "group both 2 a b\nquorum both")) {
      assertThat(log.cosigned().map(WitnessesTest::size)).contains(0L);
      append(log, 20, 1);
      awaitCosigned(log, 20);
      policy = Policy.parse(String.join("\n", lines) + "\ngroup both 2 a b\nquorum both\n");
      assertThat(policy.check(log.cosigned().orElseThrow()).quorum()).isTrue();
      assertThat(log.witnesses())
          .extracting(WitnessState::size, WitnessState::problem)
          .containsOnly(tuple(20L, Optional.empty()));
    }
    try (Log log = open("ledger", "group both 2 a b\nquorum both")) {
      assertThat(log.cosigned().map(WitnessesTest::size)).contains(20L);
    }
    witnesses.forEach(TestWitness::close);
    try (Log log = open("ledger", "group both 2 a b\nquorum both")) {
      assertThat(log.cosigned().map(WitnessesTest::size)).contains(20L);
      assertThat(log.witnesses()).allMatch(state -> state.problem().isPresent());
    }
  }

  @Test
  void aSlowWitness_holdsUpNobody() throws IOException {
    startWitness("fast");
    Log first = open("ledger", "quorum fast");
    append(first, 3, 1);
    first.close();
    HttpServer slow = serve(404, "", true);
    addServer("slow", slow);
    try (Log log = open("ledger", "quorum fast")) {
      while (requests.get() < 2) {
        append(log, 1, 1);
      }
      append(log, 20, 2);
      long size = log.durable();
      assertThat(size(log.covering(size - 1).join())).isEqualTo(size);
      awaitCosigned(log, size);
      assertThat(requests.get()).isEqualTo(2);
    } finally {
      slow.stop(0);
    }
  }

  @Test
  void answersThatAreNone_areProblemsOfTheWitnessAlone() throws IOException {
    List<HttpServer> servers =
        List.of(
            serve(403, "", false),
            serve(404, "", false),
            serve(500, "", false),
            serve(200, "- nobody AAAAAAAA\n", false),
            serve(409, "many\n", false),
            serve(302, "", false),
            serve(200, "x".repeat(100_000), false));
    for (int i = 0; i < servers.size(); i++) {
      addServer("w" + i, servers.get(i));
    }
    try (Log log = open("ledger", "quorum w0")) {
      append(log, 1, 1);
      log.covering(0).join();
      assertThat(log.cosigned()).isEmpty();
      assertThat(log.witnesses())
          .extracting(state -> state.problem().orElse("none"))
          .doesNotContain("none")
          .contains(
              "does not trust the log's key",
              "does not know the log",
              "answers with status 500",
              "names no size where it says there is a conflict",
              "answers with status 302");
    } finally {
      servers.forEach(server -> server.stop(0));
    }
  }

  @Test
  void aRolledBackFolder_isRefusedByTheWitness() throws IOException {
    startWitness("a");
    try (Log log = open("ledger", "quorum a")) {
      append(log, 10, 1);
      awaitCosigned(log, 10);
    }
    RollbackTest.copy(folder.resolve("ledger"), folder.resolve("old"));
    try (Log log = open("ledger", "quorum a")) {
      append(log, 10, 2);
      awaitCosigned(log, 20);
    }
    assertThatThrownBy(() -> open("old", "quorum a"))
        .isInstanceOf(LedgerRefused.class)
        .hasMessageContaining("witness a knows a checkpoint of 20 leaves")
        .hasMessageContaining("it was rolled back");
    assertThatThrownBy(() -> open("empty", "quorum a"))
        .isInstanceOf(LedgerRefused.class)
        .hasMessageContaining("it was rolled back");
  }

  @Test
  void aFork_isRefusedByTheWitness() throws IOException {
    startWitness("a");
    try (Log log = open("ledger", "quorum a")) {
      append(log, 10, 1);
      awaitCosigned(log, 10);
    }
    for (int leaves : new int[] {10, 15}) {
      String name = "fork" + leaves;
      try (Log log = Log.open(LogSettings.of(folder.resolve(name), KEY))) {
        append(log, leaves, 3);
      }
      assertThatThrownBy(() -> open(name, "quorum a"))
          .isInstanceOf(LedgerRefused.class)
          .hasMessageContaining("witness a knows another root of the first 10 leaves");
    }
  }
}
