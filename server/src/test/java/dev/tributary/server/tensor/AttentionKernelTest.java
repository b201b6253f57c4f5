package dev.tributary.server.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Attention over long contexts, page and block borders, and every way to deal it.
class AttentionKernelTest {
  private static final AttentionShape SHAPE = new AttentionShape(9, 3, 64);

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 15, 16, 17, 255, 256, 257, 272, 1000, 4097, 8192})
  void attend_contextOfAnyLength_isTheReference(int length) {
    Random random = new Random(length);
    try (Ops cpu = Ops.cpu(Libtorch.bundled(), 2);
        Ops reference = Ops.reference()) {
      Sequence sequence = new Sequence(random, SHAPE, length);
      Rows rows = sequence.rows(length - 1, length);
      Matrix qkv = LoraKernelTest.matrix(random, DType.F32, 1, SHAPE.width());
      LoraKernelTest.requireClose(
          sequence.attend(cpu, qkv, rows), sequence.attend(reference, qkv, rows));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "1, 1, 32",
    "2, 2, 128",
    "2, 1, 80",
    "3, 1, 64",
    "4, 1, 96",
    "8, 1, 64",
    "16, 2, 48",
    "10, 2, 20",
    "6, 2, 6",
    "7, 1, 112"
  })
  void attend_everyShape_isTheReference(int heads, int kvHeads, int dim) {
    AttentionShape shape = new AttentionShape(heads, kvHeads, dim);
    Random random = new Random(heads + 100 * dim);
    try (Ops cpu = Ops.cpu(Libtorch.bundled(), 2);
        Ops reference = Ops.reference()) {
      for (int from : new int[] {0, 13, 250, 600}) {
        int to = from + 1 + random.nextInt(20);
        Sequence sequence = new Sequence(random, shape, to);
        Rows rows = sequence.rows(from, to);
        Matrix qkv = LoraKernelTest.matrix(random, DType.F32, to - from, shape.width());
        LoraKernelTest.requireClose(
            sequence.attend(cpu, qkv, rows), sequence.attend(reference, qkv, rows));
      }
    }
  }

  /// A prompt's rows together, and each alone as if it were decoded.
  @ParameterizedTest
  @CsvSource({"1, 1, 64", "9, 3, 64", "4, 1, 80", "8, 1, 32", "5, 1, 34"})
  void attend_rowsTogether_haveTheBitsOfEachAlone(int heads, int kvHeads, int dim) {
    AttentionShape shape = new AttentionShape(heads, kvHeads, dim);
    Random random = new Random(dim);
    try (Ops cpu = Ops.cpu(Libtorch.bundled(), 2)) {
      for (int from : new int[] {0, 240, 505}) {
        int to = from + 37;
        Sequence sequence = new Sequence(random, shape, to);
        Matrix qkv = LoraKernelTest.matrix(random, DType.F32, to - from, shape.width());
        Matrix together = sequence.attend(cpu, qkv, sequence.rows(from, to));
        for (int row = from; row < to; row++) {
          Matrix alone =
              sequence.attend(
                  cpu, qkv.rowRange(row - from, row - from + 1), sequence.rows(row, row + 1));
          assertThat(LoraKernelTest.bytes(together.rowRange(row - from, row - from + 1)))
              .as("row %d", row)
              .isEqualTo(LoraKernelTest.bytes(alone));
        }
      }
    }
  }

  /// Few rows are dealt by blocks to many workers, many rows by rows.
  @Test
  void attend_onAnyNumberOfWorkers_hasTheSameBits() {
    for (int count : new int[] {1, 20}) {
      byte[] expected = null;
      for (int workers = 1; workers <= 17; workers++) {
        Random random = new Random(count);
        Sequence sequence = new Sequence(random, SHAPE, 1500);
        Matrix qkv = LoraKernelTest.matrix(random, DType.F32, count, SHAPE.width());
        try (Ops cpu = Ops.cpu(Libtorch.bundled(), workers)) {
          byte[] bits =
              LoraKernelTest.bytes(sequence.attend(cpu, qkv, sequence.rows(1500 - count, 1500)));
          expected = expected == null ? bits : expected;
          assertThat(bits).as("%d workers", workers).isEqualTo(expected);
        }
      }
    }
  }

  /// What another sequence left in a page, even NaN, is not read: neither after a sequence's end
  /// nor by the rows before the one that wrote it.
  @Test
  void attend_staleSlots_areNotRead() {
    Random random = new Random(4);
    try (Ops cpu = Ops.cpu(Libtorch.bundled(), 2)) {
      Sequence sequence = new Sequence(random, SHAPE, 300);
      Matrix qkv = LoraKernelTest.matrix(random, DType.F32, 1, SHAPE.width());
      Rows last = sequence.rows(283, 284);
      byte[] before = LoraKernelTest.bytes(sequence.attend(cpu, qkv, last));
      for (int token = 284; token < 300; token++) {
        sequence.fill(token, Float.NaN);
      }
      assertThat(LoraKernelTest.bytes(sequence.attend(cpu, qkv, last))).isEqualTo(before);
      Matrix three = LoraKernelTest.matrix(random, DType.F32, 3, SHAPE.width());
      three.copyRow(qkv, 0, 0);
      Matrix among = sequence.attend(cpu, three, sequence.rows(283, 286));
      assertThat(LoraKernelTest.bytes(among.rowRange(0, 1))).isEqualTo(before);
    }
  }

  /// A cache with one sequence's random keys and values, in pages in random order.
  private static final class Sequence {
    final KvCache cache;
    final int[] pages;

    Sequence(Random random, AttentionShape shape, int length) {
      int count = Math.ceilDiv(length, KvCache.PAGE);
      cache = new KvCache(1, count + 1, shape);
      List<Integer> order = new ArrayList<>();
      for (int i = 0; i <= count; i++) {
        order.add(i);
      }
      Collections.shuffle(order, random);
      pages = order.stream().limit(count).mapToInt(Integer::intValue).toArray();
      for (long at = 0; at < cache.keys().size(); at += 4) {
        cache.keys().putFloat(at, 2 * random.nextFloat() - 1);
        cache.values().putFloat(at, 2 * random.nextFloat() - 1);
      }
    }

    Rows rows(int from, int to) {
      int[] positions = new int[to - from];
      int[][] tables = new int[to - from][];
      Arrays.setAll(positions, i -> from + i);
      Arrays.fill(tables, pages);
      return new Rows(positions, tables);
    }

    /// Sets the keys and values of one token.
    void fill(int token, float value) {
      int dim = cache.shape().headDim();
      int slot = token % KvCache.PAGE;
      for (int kv = 0; kv < cache.shape().kvHeads(); kv++) {
        long at = cache.offset(0, pages[token / KvCache.PAGE], kv);
        for (int d = 0; d < dim; d++) {
          cache.keys().putFloat(at + 4L * (d * KvCache.PAGE + slot), value);
          cache.values().putFloat(at + 4L * (slot * dim + d), value);
        }
      }
    }

    Matrix attend(Ops ops, Matrix qkv, Rows rows) {
      Matrix y = Matrix.allocate(DType.F32, rows.count(), cache.shape().queryWidth());
      ops.attend(qkv, rows, cache, 0, y);
      return y;
    }
  }
}
