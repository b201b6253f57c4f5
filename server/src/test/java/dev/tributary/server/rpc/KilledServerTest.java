package dev.tributary.server.rpc;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tributary.record.Check;
import dev.tributary.record.GenerationRecord;
import dev.tributary.record.Receipt;
import dev.tributary.record.ReceiptVerifier;
import dev.tributary.record.Trust;
import dev.tributary.server.ledger.KeyFile;
import dev.tributary.tlog.VerifierKey;
import dev.tributary.v1.GenerateEvent;
import dev.tributary.v1.GetReceiptRequest;
import dev.tributary.v1.InferenceGrpc;
import dev.tributary.v1.ProvenanceGrpc;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import java.io.BufferedReader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A server is killed again and again (SIGKILL) while callers get answers; a list outside of it has
/// the answers that callers saw end. Every one of them has a receipt that verifies and says the
/// tokens that its caller got. The environment's `TRIBUTARY_KILL_ROUNDS` asks for more than a few
/// rounds.
class KilledServerTest {
  private static final int ROUNDS = 3;
  private static final int CALLERS = 6;
  private static final int MOST_ANSWERS = 150;

  /// What callers saw end, by generation.
  private final Map<String, Answer> acknowledged = new ConcurrentHashMap<>();

  @TempDir private Path adapters;
  @TempDir private Path data;

  private record Answer(long leaf, List<Integer> tokens) {}

  /// A server in a process of its own.
  ///
  /// @param closed answers that the process before had left open
  private record Served(Process process, BufferedReader out, ManagedChannel channel, int closed)
      implements AutoCloseable {
    @Override
    public void close() throws Exception {
      process.toHandle().destroyForcibly();
      assertThat(process.waitFor()).isNotZero();
      out.close();
      channel.shutdownNow();
    }
  }

  private Served start() throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "--enable-native-access=ALL-UNNAMED",
                "--add-modules=jdk.incubator.vector",
                "-cp",
                System.getProperty("java.class.path"),
                ServeUntilKilled.class.getName(),
                adapters.toString(),
                data.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    BufferedReader out = process.inputReader(UTF_8);
    String[] said = String.valueOf(out.readLine()).split(" ", -1);
    ManagedChannel channel =
        NettyChannelBuilder.forAddress("127.0.0.1", Integer.parseInt(said[0]))
            .usePlaintext()
            .build();
    return new Served(process, out, channel, Integer.parseInt(said[1]));
  }

  /// Asks until the server is gone.
  private void ask(ManagedChannel channel, AtomicInteger left, Process process) {
    try {
      while (true) {
        int tokens = ThreadLocalRandom.current().nextInt(1, 40);
        List<Integer> got = new ArrayList<>();
        String id = "";
        var events =
            InferenceGrpc.newBlockingStub(channel).generate(RpcFixture.sayMuch(tokens).build());
        while (events.hasNext()) {
          GenerateEvent event = events.next();
          switch (event.getEventCase()) {
            case STARTED -> id = event.getStarted().getGenerationId();
            case DELTA -> got.addAll(event.getDelta().getTokenIdsList());
            case FINISHED ->
                acknowledged.put(
                    id, new Answer(event.getFinished().getReceipt().getLeafIndex(), got));
            case EVENT_NOT_SET -> throw new AssertionError("an event without content");
          }
        }
        if (left.decrementAndGet() == 0) {
          process.toHandle().destroyForcibly();
        }
      }
    } catch (StatusRuntimeException e) {
      return; // The server is gone.
    }
  }

  @Test
  void everyAnswerThatEnded_hasItsReceiptAfterKills() throws Exception {
    int rounds =
        Integer.parseInt(
            System.getenv().getOrDefault("TRIBUTARY_KILL_ROUNDS", Integer.toString(ROUNDS)));
    int closed = 0;
    for (int round = 0; round < rounds; round++) {
      try (Served served = start()) {
        closed += served.closed();
        AtomicInteger left =
            new AtomicInteger(1 + ThreadLocalRandom.current().nextInt(MOST_ANSWERS));
        List<Thread> callers = new ArrayList<>();
        for (int i = 0; i < CALLERS; i++) {
          callers.add(
              Thread.ofVirtual().start(() -> ask(served.channel(), left, served.process())));
        }
        for (Thread caller : callers) {
          caller.join();
        }
      }
    }
    assertThat(acknowledged).hasSizeGreaterThan(rounds);
    try (Served served = start()) {
      closed += served.closed();
      VerifierKey key = new KeyFile(data.resolve("ledger.key")).openOrMake("").verifierKey();
      for (Map.Entry<String, Answer> answer : acknowledged.entrySet()) {
        check(answer.getKey(), answer.getValue(), served.channel(), key);
      }
    }
    assertThat(closed).as("answers that were cut short").isPositive();
  }

  private static void check(String id, Answer answer, ManagedChannel channel, VerifierKey key) {
    byte[] file =
        ProvenanceGrpc.newBlockingStub(channel)
            .getReceipt(GetReceiptRequest.newBuilder().setGenerationId(id).setWait(true).build())
            .getFile()
            .toByteArray();
    assertThat(ReceiptVerifier.verify(file, new Trust.Pinned(key))).allMatch(Check::ok);
    Receipt receipt = Receipt.parse(file);
    GenerationRecord record = GenerationRecord.of(receipt.generation().sealed().orElseThrow());
    assertThat(receipt.generation().index()).isEqualTo(answer.leaf());
    assertThat(record.id()).isEqualTo(id);
    assertThat(record.output()).isEqualTo(answer.tokens());
  }
}
