package dev.tributary.server.tokenize;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Reads the metadata of a well-formed GGUF file, for tests; the server's reader is the weights
/// package's.
final class GgufHeader {
  private final ByteBuffer in;

  private GgufHeader(ByteBuffer in) {
    this.in = in;
  }

  static Map<String, Object> read(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file)) {
      ByteBuffer in =
          channel
              .map(FileChannel.MapMode.READ_ONLY, 0, Math.min(channel.size(), Integer.MAX_VALUE))
              .order(ByteOrder.LITTLE_ENDIAN);
      in.position(16);
      long entries = in.getLong();
      GgufHeader header = new GgufHeader(in);
      Map<String, Object> metadata = new LinkedHashMap<>();
      for (long i = 0; i < entries; i++) {
        String key = header.string();
        metadata.put(key, header.value(in.getInt()));
      }
      return metadata;
    }
  }

  private String string() {
    byte[] bytes = new byte[Math.toIntExact(in.getLong())];
    in.get(bytes);
    return new String(bytes, UTF_8);
  }

  private Object value(int type) {
    return switch (type) {
      case 0, 1 -> (long) in.get();
      case 2, 3 -> (long) in.getShort();
      case 4 -> in.getInt() & 0xFFFFFFFFL;
      case 5 -> (long) in.getInt();
      case 6 -> (double) in.getFloat();
      case 7 -> in.get() != 0;
      case 8 -> string();
      case 9 -> {
        int element = in.getInt();
        int length = Math.toIntExact(in.getLong());
        List<Object> list = new ArrayList<>(length);
        for (int i = 0; i < length; i++) {
          list.add(value(element));
        }
        yield list;
      }
      case 10, 11 -> in.getLong();
      case 12 -> in.getDouble();
      default -> throw new IllegalArgumentException("type " + type);
    };
  }
}
