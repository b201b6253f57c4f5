package dev.tributary.server.adapter;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tributary.identity.ReadableBytes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PaceTest {
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void forEach_doesEachItemOnce(boolean busy) {
    ConcurrentHashMap<Integer, Integer> done = new ConcurrentHashMap<>();
    new Pace(() -> busy).forEach(1_000, item -> done.merge(item, 1, Integer::sum));
    assertThat(done).hasSize(1_000);
    assertThat(done.values()).containsOnly(1);
  }

  @Test
  void forEach_whileRowsAreInWork_staysOnItsThread() {
    ConcurrentHashMap<Thread, Integer> threads = new ConcurrentHashMap<>();
    new Pace(() -> true).forEach(1_000, item -> threads.put(Thread.currentThread(), item));
    assertThat(threads.keySet()).containsExactly(Thread.currentThread());
  }

  @Test
  void rest_asksWhetherToRestOnlyNowAndThen() {
    AtomicInteger asked = new AtomicInteger();
    Pace pace =
        new Pace(
            () -> {
              asked.incrementAndGet();
              return false;
            });
    long end = System.nanoTime() + 20_000_000;
    int rests = 0;
    while (System.nanoTime() < end) {
      pace.rest();
      rests++;
    }
    // 250 µs of work lie between two questions, however long this thread was put aside.
    assertThat(asked.get()).isBetween(1, 80);
    assertThat(rests).isGreaterThanOrEqualTo(asked.get());
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void of_readsTheSameBytes(boolean busy) throws IOException {
    byte[] source = new byte[100];
    for (int i = 0; i < source.length; i++) {
      source[i] = (byte) i;
    }
    ReadableBytes paced = new Pace(() -> busy).of(ReadableBytes.of(ByteBuffer.wrap(source)));
    assertThat(paced.size()).isEqualTo(100);
    ByteBuffer read = ByteBuffer.allocate(10);
    paced.read(42, read);
    assertThat(read.array()).containsExactly(42, 43, 44, 45, 46, 47, 48, 49, 50, 51);
  }
}
