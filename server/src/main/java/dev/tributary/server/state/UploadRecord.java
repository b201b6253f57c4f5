package dev.tributary.server.state;

import java.nio.ByteBuffer;
import java.time.Instant;

/// An upload that was begun. Times are to the millisecond.
///
/// @param id 32 hexadecimal digits, not to be guessed
/// @param adapter name in its tenant; need not exist yet
/// @param header what the client announced, for the caller to read; at most 1 MiB
public record UploadRecord(
    String id, AdapterName adapter, ByteBuffer header, Instant created, Instant expires) {
  static final int MAX_HEADER = 1 << 20;

  public UploadRecord {
    Checks.range("header bytes", header.remaining(), 0, MAX_HEADER);
    header =
        ByteBuffer.allocate(header.remaining()).put(header.duplicate()).flip().asReadOnlyBuffer();
  }

  /// Read-only, with a position of its own.
  @Override
  public ByteBuffer header() {
    return header.duplicate();
  }
}
