package dev.tributary.client;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;

/// PEFT folders that are sound for the client, with random weights.
public final class PeftFolders {
  private PeftFolders() {}

  /// Makes a folder with a configuration, weights of `numbers` random floats, and a README.
  public static Path make(Path folder, int numbers, long seed) throws IOException {
    Files.createDirectories(folder);
    Files.writeString(
        folder.resolve("adapter_config.json"),
        "{\"peft_type\":\"LORA\",\"target_modules\":[\"q_proj\"],\"r\":4}");
    Files.writeString(folder.resolve("README.md"), "# made by a test\n");
    byte[] header =
        "{\"t\":{\"dtype\":\"F32\",\"shape\":[%d],\"data_offsets\":[0,%d]}}"
            .formatted(numbers, 4L * numbers)
            .getBytes(StandardCharsets.UTF_8);
    ByteBuffer file =
        ByteBuffer.allocate(8 + header.length + 4 * numbers).order(ByteOrder.LITTLE_ENDIAN);
    file.putLong(header.length).put(header);
    byte[] weights = new byte[4 * numbers];
    new Random(seed).nextBytes(weights);
    file.put(weights);
    Files.write(folder.resolve("adapter_model.safetensors"), file.array());
    return folder;
  }
}
