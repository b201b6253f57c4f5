package dev.tributary.server.tensor;

import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/// Zeroed memory of the host that is given back when it is closed, not when the collector finds it:
/// for what comes and goes in sizes that the heap does not show.
///
/// After [#close] every access to [#bytes] or a slice of it throws [IllegalStateException]; none
/// reads what another owner wrote there. Thread safe.
public final class Region implements AutoCloseable {
  private final Arena arena;
  private final Bytes bytes;

  private Region(Arena arena, Bytes bytes) {
    this.arena = arena;
    this.bytes = bytes;
  }

  /// A region of `size` bytes, aligned to 64.
  public static Region allocate(long size) {
    Arena arena = Arena.ofShared();
    return new Region(arena, Bytes.reserve(size, arena));
  }

  public Bytes bytes() {
    return bytes;
  }

  /// A view to read a file into; at most 2 GiB.
  public ByteBuffer buffer() {
    return bytes.segment().asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }

  /// Gives the memory back.
  ///
  /// @throws IllegalStateException if it was closed before
  @Override
  public void close() {
    arena.close();
  }
}
