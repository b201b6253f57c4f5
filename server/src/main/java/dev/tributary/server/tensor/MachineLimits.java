package dev.tributary.server.tensor;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/// What this machine can do at most, as measured by loops that do nothing else: what the speed of a
/// step is compared with.
///
/// @param bytesPerSecond read from memory by all threads together
/// @param flopsPerSecond float32 multiplications and additions of all threads together; operations
///   on narrower numbers may exceed it
public record MachineLimits(double bytesPerSecond, double flopsPerSecond) {
  /// Larger than the last cache of any processor that a step is likely to run on.
  private static final long REGION = 512L << 20;

  private static final long CHUNK = 4L << 20;

  /// Runs of each loop; the best counts, since another process can only slow a run down.
  private static final int RUNS = 12;

  /// Turns of the arithmetic loop in one run of one thread: some 50 ms.
  private static final int TURNS = 1 << 25;

  private static final int ACCUMULATORS = 8;

  /// Takes about two seconds and half a GiB of memory.
  public static MachineLimits measure(int threads) {
    try (Team team = new Team(threads, () -> {})) {
      return new MachineLimits(bandwidth(team), arithmetic(team));
    }
  }

  private static double bandwidth(Team team) {
    MemorySegment region = Bytes.allocate(REGION).segment();
    // Written, so that every page is memory of its own.
    region.fill((byte) 1);
    float[] kept = new float[team.size()];
    int chunks = (int) (REGION / CHUNK);
    long best = best(() -> team.forEach(chunks, (w, i) -> kept[w] += read(region, i * CHUNK)));
    return REGION * 1e9 / (best + blackhole(kept));
  }

  private static double arithmetic(Team team) {
    float[] kept = new float[team.size()];
    long best = best(() -> team.forEach(team.size(), (w, i) -> kept[w] += multiplyAdd()));
    double flops = 2.0 * Lanes.LENGTH * ACCUMULATORS * TURNS * team.size();
    return flops * 1e9 / (best + blackhole(kept));
  }

  /// Nanoseconds of the fastest of [#RUNS].
  private static long best(Runnable run) {
    long best = Long.MAX_VALUE;
    for (int i = 0; i < RUNS; i++) {
      long start = System.nanoTime();
      run.run();
      best = Math.min(best, System.nanoTime() - start);
    }
    return best;
  }

  /// 0, though the compiler cannot know: what was computed is not dead.
  private static long blackhole(float[] kept) {
    for (float value : kept) {
      if (value == 0.123456f) {
        return 1;
      }
    }
    return 0;
  }

  private static float read(MemorySegment region, long from) {
    long vector = (long) Lanes.LENGTH * Float.BYTES;
    FloatVector a = FloatVector.zero(Lanes.F);
    FloatVector b = a;
    FloatVector c = a;
    FloatVector d = a;
    for (long at = from; at < from + CHUNK; at += 4 * vector) {
      a = a.add(Lanes.f32(region, at));
      b = b.add(Lanes.f32(region, at + vector));
      c = c.add(Lanes.f32(region, at + 2 * vector));
      d = d.add(Lanes.f32(region, at + 3 * vector));
    }
    return a.add(b).add(c.add(d)).lane(0);
  }

  /// As many sums as hide the latency of one: two units, four cycles each.
  private static float multiplyAdd() {
    FloatVector x = FloatVector.broadcast(Lanes.F, 0.999f);
    FloatVector y = FloatVector.broadcast(Lanes.F, 0.001f);
    FloatVector a = x;
    FloatVector b = x;
    FloatVector c = x;
    FloatVector d = x;
    FloatVector e = x;
    FloatVector f = x;
    FloatVector g = x;
    FloatVector h = x;
    for (int i = 0; i < TURNS; i++) {
      a = a.fma(x, y);
      b = b.fma(x, y);
      c = c.fma(x, y);
      d = d.fma(x, y);
      e = e.fma(x, y);
      f = f.fma(x, y);
      g = g.fma(x, y);
      h = h.fma(x, y);
    }
    return a.add(b).add(c.add(d)).add(e.add(f).add(g.add(h))).lane(0);
  }
}
