package dev.tributary.server.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tributary.tlog.Checkpoint;
import dev.tributary.tlog.SigningKey;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Timeout(120)
class LogFailureTest {
  private static final Path FOLDER = Path.of("/data/ledger");
  private static final SigningKey KEY = SigningKey.generate("test.example/log", new SecureRandom());
  private static final Layout LAYOUT = new Layout(2_000, 256, 40, 8, 400);

  private final FaultyDisk disk =
      new FaultyDisk(RandomGeneratorFactory.of("L64X128MixRandom").create(1));

  private Log open(SideWriter side) throws IOException {
    LogSettings settings =
        new LogSettings(
            FOLDER, KEY, Optional.empty(), Optional.empty(), Optional.empty(), Duration.ZERO, 10);
    return Log.open(settings, disk, LAYOUT, side);
  }

  private SideWriter nothing() {
    return new SideWriter() {
      @Override
      public void write(long index, byte[] bytes) {}

      @Override
      public void force() {}
    };
  }

  @ParameterizedTest
  @EnumSource(
      value = FaultyDisk.Fault.class,
      names = {"IO_ERROR", "FULL"})
  void aFailedStep_breaksTheLogForGood(FaultyDisk.Fault fault) throws IOException {
    disk.makeFolder(FOLDER);
    List<byte[]> acknowledged = new ArrayList<>();
    for (int steps = 0; steps < 40; steps++) {
      try (Log log = open(nothing())) {
        assertThat(log.durable()).isGreaterThanOrEqualTo(acknowledged.size());
        for (int i = 0; i < acknowledged.size(); i++) {
          assertThat(log.leaf(i)).isEqualTo(acknowledged.get(i));
        }
        for (long i = acknowledged.size(); i < log.durable(); i++) {
          acknowledged.add(log.leaf(i));
        }
        disk.failAfter(steps, fault);
        appendUntilBroken(log, acknowledged);
        disk.restart();
        assertThatThrownBy(() -> log.append(new byte[1], null).join())
            .hasCauseInstanceOf(LedgerBroken.class);
        assertThat(log.whenBroken()).isCompleted();
        for (int i = 0; i < acknowledged.size(); i++) {
          assertThat(log.leaf(i)).isEqualTo(acknowledged.get(i));
        }
        // The publisher may have been at it: then this is published yet, but nobody waits for ever.
        long size = Checkpoint.parse(log.checkpoint().text()).size();
        if (size < log.durable()) {
          assertThat(log.covering(size).handle((note, e) -> "answered").join()).isNotNull();
        }
      }
      if (steps % 2 == 0) {
        disk.losePower();
      }
    }
  }

  private static void appendUntilBroken(Log log, List<byte[]> acknowledged) {
    while (log.broken().isEmpty()) {
      byte[] leaf = {(byte) acknowledged.size(), (byte) (acknowledged.size() >> 8)};
      try {
        assertThat(log.append(leaf, new byte[1]).join()).isEqualTo(acknowledged.size());
        acknowledged.add(leaf);
      } catch (CompletionException e) {
        assertThat(e).hasCauseInstanceOf(LedgerBroken.class);
      }
    }
  }

  /// Too many open files, say: what was not written is not in doubt.
  @Test
  void failedReads_onlyDelayTheNextCheckpoint() throws IOException {
    disk.makeFolder(FOLDER);
    try (Log log = open(nothing())) {
      long last = 0;
      for (int i = 0; i < 300; i++) {
        last = log.append(new byte[] {(byte) i}, null).join();
      }
      var unused = log.covering(last).join();
      disk.failReads(10);
      for (int i = 0; disk.failingReads() > 0; i++) {
        last = log.append(new byte[] {(byte) i}, null).join();
      }
      assertThat(Checkpoint.parse(log.covering(last).join().text()).size()).isEqualTo(last + 1);
    }
  }

  @Test
  void aFullQueue_isANamedPushBack() throws IOException {
    disk.makeFolder(FOLDER);
    CountDownLatch slow = new CountDownLatch(1);
    SideWriter side =
        new SideWriter() {
          @Override
          public void write(long index, byte[] bytes) throws IOException {
            try {
              slow.await();
            } catch (InterruptedException e) {
              throw new IOException(e);
            }
          }

          @Override
          public void force() {}
        };
    try (Log log = open(side)) {
      List<CompletableFuture<Long>> taken = new ArrayList<>();
      for (int i = 0; i < 10; i++) {
        taken.add(log.append(new byte[1], new byte[1]));
      }
      assertThatThrownBy(() -> log.append(new byte[1], null).join())
          .hasCauseInstanceOf(LedgerBusy.class);
      slow.countDown();
      for (int i = 0; i < 10; i++) {
        assertThat(taken.get(i).join()).isEqualTo(i);
      }
      assertThat(log.append(new byte[1], null).join()).isEqualTo(10);
    }
  }
}
