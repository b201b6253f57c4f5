package dev.tributary.server.adapter;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tributary.identity.BaseDigest;
import dev.tributary.server.model.LlamaConfig;
import dev.tributary.server.model.LlamaLoader;
import dev.tributary.server.model.Projection;
import dev.tributary.server.weights.Checkpoint;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/// Writes PEFT folders of random weights for one base, all different: what a server with many
/// adapters has on its disk, and what the [Rehearsal] reads. They are LoRA of one rank on all
/// linear layers, in bfloat16, and state the base's digest.
public final class AdapterFolders {
  private static final ObjectMapper JSON = new ObjectMapper();

  /// Sign and mantissa bits of four bfloat16 numbers: these are random, the exponent is not.
  private static final long RANDOM_BITS = 0x807f_807f_807f_807fL;

  /// Exponents of A and B, four times each. A's weights are of the size that training starts with
  /// (2^-6 to 2^-5); B's (2^-9 to 2^-8) change what the base says, but leave it sane.
  private static final long EXPONENT_A = 0x0001_0001_0001_0001L * ((127 - 6) << 7);

  private static final long EXPONENT_B = 0x0001_0001_0001_0001L * ((127 - 9) << 7);

  private record Tensor(String name, long[] shape, boolean a) {
    int bytes() {
      return Math.toIntExact(shape[0] * shape[1] * Short.BYTES);
    }
  }

  private final List<Tensor> tensors = new ArrayList<>();
  private final byte[] config;
  private final byte[] header;
  private final int dataBytes;

  /// @param baseDigest `sha256:<hex>`
  AdapterFolders(LlamaConfig base, String baseDigest, int rank) throws IOException {
    for (int layer = 0; layer < base.layers(); layer++) {
      for (Projection projection : Projection.values()) {
        String module = "base_model.model." + projection.module(layer);
        tensors.add(
            new Tensor(
                module + ".lora_A.weight", new long[] {rank, base.inputs(projection)}, true));
        tensors.add(
            new Tensor(
                module + ".lora_B.weight", new long[] {base.outputs(projection), rank}, false));
      }
    }
    dataBytes = tensors.stream().mapToInt(Tensor::bytes).reduce(0, Math::addExact);
    config = config(rank);
    header = header(baseDigest);
  }

  /// For the base in `model`, a GGUF file or a Hugging Face folder.
  public static AdapterFolders of(Path model, int rank) throws IOException {
    return new AdapterFolders(
        LlamaLoader.config(Checkpoint.open(model)), BaseDigest.of(model), rank);
  }

  /// What one folder takes on disk.
  public long bytes() {
    return config.length + Long.BYTES + header.length + (long) dataBytes;
  }

  /// Folder name of the adapter at `index`.
  static String name(int index) {
    return "bench-%04d".formatted(index + 1);
  }

  /// Writes the adapter at `index` into its folder below `root`, which is made. Equal seeds write
  /// equal bytes.
  public void write(Path root, int index, long seed) throws IOException {
    Path folder = Files.createDirectories(root.resolve(name(index)));
    Files.write(folder.resolve("adapter_config.json"), config);
    ByteBuffer file =
        ByteBuffer.allocate(Long.BYTES + header.length + dataBytes)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(header.length)
            .put(header);
    SplittableRandom random = new SplittableRandom(seed * 1_000_003 + index);
    for (Tensor tensor : tensors) {
      long exponent = tensor.a() ? EXPONENT_A : EXPONENT_B;
      int left = tensor.bytes();
      for (; left >= Long.BYTES; left -= Long.BYTES) {
        file.putLong(random.nextLong() & RANDOM_BITS | exponent);
      }
      for (; left > 0; left -= Short.BYTES) {
        file.putShort((short) (random.nextLong() & RANDOM_BITS | exponent));
      }
    }
    try (FileChannel channel =
        FileChannel.open(
            folder.resolve("adapter_model.safetensors"),
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      file.flip();
      while (file.hasRemaining()) {
        channel.write(file);
      }
    }
  }

  private static byte[] config(int rank) throws IOException {
    Map<String, Object> config = new LinkedHashMap<>();
    config.put("peft_type", "LORA");
    config.put("task_type", "CAUSAL_LM");
    config.put("r", rank);
    config.put("lora_alpha", rank);
    config.put("bias", "none");
    config.put(
        "target_modules",
        Arrays.stream(Projection.values())
            .map(projection -> projection.path().replaceAll(".*\\.", ""))
            .toList());
    return JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(config);
  }

  /// The safetensors header, padded to 8 bytes as the format asks for.
  private byte[] header(String baseDigest) throws IOException {
    Map<String, Object> entries = new LinkedHashMap<>();
    entries.put("__metadata__", Map.of("format", "pt", "base_model_digest", baseDigest));
    long at = 0;
    for (Tensor tensor : tensors) {
      long end = at + tensor.bytes();
      entries.put(
          tensor.name(),
          Map.of("dtype", "BF16", "shape", tensor.shape(), "data_offsets", new long[] {at, end}));
      at = end;
    }
    String json = JSON.writeValueAsString(entries);
    String padded = json + " ".repeat(-json.length() & 7);
    return padded.getBytes(StandardCharsets.UTF_8);
  }
}
