package dev.tributary.server.adapter;

import dev.tributary.identity.ReadableBytes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;

/// Keeps the reading of an adapter out of the way of the engine's steps: while rows are in work, a
/// little work, then a rest. When the engine is idle there are no rests.
///
/// A low priority alone does not do: where a worker of a step yields, the system gives its
/// processor away for a whole slice, some milliseconds, and the step waits for what that worker had
/// begun. So the reader itself stops sooner than that. Belongs to one thread.
final class Pace {
  /// Work between two rests; a step takes some 20 times as long.
  private static final long WORK_NANOS = 250_000;

  /// At most a quarter of a processor.
  private static final long REST_NANOS = 3 * WORK_NANOS;

  private final BooleanSupplier busy;
  private long began = System.nanoTime();

  /// @param busy whether steps would have to wait; called from time to time
  Pace(BooleanSupplier busy) {
    this.busy = busy;
  }

  /// For work that nothing waits for.
  static Pace full() {
    return new Pace(() -> false);
  }

  /// Called between pieces of work of at most some 50 µs; rests if it is time to.
  void rest() {
    if (System.nanoTime() - began >= WORK_NANOS) {
      if (busy.getAsBoolean()) {
        LockSupport.parkNanos(this, REST_NANOS);
      }
      began = System.nanoTime();
    }
  }

  /// The same bytes, with a rest after a read where it is time for one.
  ReadableBytes of(ReadableBytes bytes) {
    return new ReadableBytes() {
      @Override
      public long size() throws IOException {
        return bytes.size();
      }

      @Override
      public void read(long position, ByteBuffer into) throws IOException {
        bytes.read(position, into);
        rest();
      }
    };
  }

  /// Does `work` for each item in `[0, count)`: on all processors if the engine is idle.
  void forEach(int count, IntConsumer work) {
    if (!busy.getAsBoolean()) {
      IntStream.range(0, count).parallel().forEach(work);
      return;
    }
    for (int item = 0; item < count; item++) {
      work.accept(item);
      rest();
    }
  }
}
