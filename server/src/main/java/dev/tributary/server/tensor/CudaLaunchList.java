package dev.tributary.server.tensor;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.tributary.server.tensor.CudaDriver.Queue;
import dev.tributary.server.tensor.CudaKernels.Kernel;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Launches of kernels in their order, with the values of their arguments.
final class CudaLaunchList {
  /// Kernel, grid in x, y and z, threads, number of arguments; the arguments follow.
  private static final int HEAD = 6;

  /// More than any kernel has.
  private static final int MOST_ARGUMENTS = 32;

  /// All that was added, one after the other: what two lists are compared by.
  private long[] words = new long[1 << 10];

  private int used;
  private int size;

  /// Memory that the launches name by its address alone.
  private final List<Object> held = new ArrayList<>();

  private MemorySegment values = Arena.ofAuto().allocate(0);
  private final MemorySegment addresses = Arena.ofAuto().allocate(JAVA_LONG, MOST_ARGUMENTS);

  /// What a list launches: lists of equal keys do the same with the same memory.
  static final class Key {
    private final long[] words;
    private final int hash;

    private Key(long[] words) {
      this.words = words;
      hash = Arrays.hashCode(words);
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof Key key && Arrays.equals(words, key.words);
    }

    @Override
    public int hashCode() {
      return hash;
    }
  }

  /// Adds `x * y * z` blocks of `threads` threads.
  ///
  /// @param arguments in the kernel's order: ints, longs, floats, and memory of the device, which
  ///   stays allocated until [#clear]
  void add(Kernel kernel, int x, int y, int z, int threads, Object... arguments) {
    if (arguments.length > MOST_ARGUMENTS) {
      throw new IllegalArgumentException(arguments.length + " arguments");
    }
    if (used + HEAD + arguments.length > words.length) {
      words = Arrays.copyOf(words, 2 * words.length);
    }
    int at = used;
    for (int word : new int[] {kernel.ordinal(), x, y, z, threads, arguments.length}) {
      words[at++] = word;
    }
    for (Object argument : arguments) {
      words[at++] = word(argument);
    }
    used = at;
    size++;
  }

  /// The value, in the low bytes where it takes four.
  private long word(Object argument) {
    return switch (argument) {
      case Integer value -> value;
      case Float value -> Integer.toUnsignedLong(Float.floatToRawIntBits(value));
      case Long value -> value;
      case Matrix matrix -> address(matrix.data());
      case Bytes bytes -> address(bytes);
      case DeviceMemory memory -> address(memory);
      default -> throw new IllegalArgumentException("not an argument: " + argument);
    };
  }

  private long address(Bytes bytes) {
    held.add(bytes);
    return bytes.address();
  }

  private long address(DeviceMemory memory) {
    held.add(memory);
    return memory.address();
  }

  int size() {
    return size;
  }

  Key key() {
    return new Key(Arrays.copyOf(words, used));
  }

  /// Launches all in `queue`.
  void launch(CudaKernels kernels, Queue queue) {
    long bytes = (long) Long.BYTES * used;
    if (values.byteSize() < bytes) {
      values = Arena.ofAuto().allocate(2 * bytes, Long.BYTES);
    }
    MemorySegment.copy(words, 0, values, JAVA_LONG, 0, used);
    for (int at = 0; at < used; ) {
      int arguments = at + HEAD;
      int count = (int) words[at + 5];
      for (int i = 0; i < count; i++) {
        long value = values.address() + (long) Long.BYTES * (arguments + i);
        addresses.setAtIndex(JAVA_LONG, i, value);
      }
      kernels.launch(
          queue,
          (int) words[at],
          (int) words[at + 1],
          (int) words[at + 2],
          (int) words[at + 3],
          (int) words[at + 4],
          addresses);
      at = arguments + count;
    }
    Reference.reachabilityFence(values);
  }

  /// Forgets all of it; memory that is freed from now on is freed after what was launched.
  void clear() {
    Reference.reachabilityFence(held);
    held.clear();
    used = 0;
    size = 0;
  }
}
