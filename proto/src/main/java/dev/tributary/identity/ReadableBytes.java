package dev.tributary.identity;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;

/// Bytes that can be read from any position: a file, or memory.
public interface ReadableBytes {
  /// Number of bytes.
  long size() throws IOException;

  /// Fills `into` up to its limit with the bytes from `position` on.
  ///
  /// @throws EOFException if there are fewer bytes than that
  void read(long position, ByteBuffer into) throws IOException;

  /// The bytes of an open file; the channel's own position is not used.
  static ReadableBytes of(FileChannel channel) {
    return new ReadableBytes() {
      @Override
      public long size() throws IOException {
        return channel.size();
      }

      @Override
      public void read(long position, ByteBuffer into) throws IOException {
        long at = position;
        while (into.hasRemaining()) {
          int count = channel.read(into, at);
          if (count < 0) {
            throw new EOFException("the file ends at byte " + at);
          }
          at += count;
        }
      }
    };
  }

  /// The bytes between the buffer's position and limit, as they are now.
  static ReadableBytes of(ByteBuffer buffer) {
    ByteBuffer bytes = buffer.slice();
    return new ReadableBytes() {
      @Override
      public long size() {
        return bytes.capacity();
      }

      @Override
      public void read(long position, ByteBuffer into) throws IOException {
        if (position < 0 || position > bytes.capacity() - into.remaining()) {
          throw new EOFException("there are only " + bytes.capacity() + " bytes");
        }
        into.put(bytes.slice((int) position, into.remaining()));
      }
    };
  }
}
