package dev.tributary.server.weights;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/// Writes safetensors files for tests.
final class SafetensorsFile {
  private final List<String> members = new ArrayList<>();
  private final ByteArrayOutputStream data = new ByteArrayOutputStream();

  SafetensorsFile f32(String name, String shape, float... values) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    return tensor(name, "F32", shape, bytes.array());
  }

  SafetensorsFile tensor(String name, String dtype, String shape, byte[] bytes) {
    int begin = data.size();
    data.writeBytes(bytes);
    return member(
        "\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%d,%d]}"
            .formatted(name, dtype, shape, begin, data.size()));
  }

  SafetensorsFile member(String json) {
    members.add(json);
    return this;
  }

  byte[] bytes() {
    byte[] header = ("{" + String.join(",", members) + "}").getBytes(StandardCharsets.UTF_8);
    return GgufFile.join(GgufFile.u64(header.length), header, data.toByteArray());
  }
}
