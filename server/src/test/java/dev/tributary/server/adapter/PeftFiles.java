package dev.tributary.server.adapter;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tributary.server.model.LlamaConfig;
import dev.tributary.server.model.Projection;
import dev.tributary.server.tensor.Floats;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/// The two files of an adapter, to be changed and written by a test.
final class PeftFiles {
  static final String PREFIX = "base_model.model.";
  private static final ObjectMapper JSON = new ObjectMapper();

  record Tensor(String dtype, List<Long> shape, float[] values) {
    byte[] bytes() {
      int width = dtype.equals("F32") ? 4 : 2;
      ByteBuffer buffer = ByteBuffer.allocate(values.length * width).order(ByteOrder.LITTLE_ENDIAN);
      for (float value : values) {
        switch (dtype) {
          case "F32" -> buffer.putFloat(value);
          case "BF16" -> buffer.putShort(Floats.toBf16(value));
          default -> buffer.putShort(Float.floatToFloat16(value));
        }
      }
      return buffer.array();
    }
  }

  final Map<String, @Nullable Object> config = new LinkedHashMap<>();
  final Map<String, Tensor> tensors = new LinkedHashMap<>();
  final Map<String, String> metadata = new LinkedHashMap<>(Map.of("format", "pt"));
  private final Random random;

  private PeftFiles(long seed) {
    random = new Random(seed);
    config.put("peft_type", "LORA");
    config.put("task_type", "CAUSAL_LM");
    config.put("base_model_name_or_path", TinyBase.NAME);
    config.put("r", 4);
    config.put("lora_alpha", 8);
    config.put("bias", "none");
  }

  /// A configuration without targets, and no tensors.
  static PeftFiles empty(long seed) {
    return new PeftFiles(seed);
  }

  /// Rank 4 on q_proj and v_proj of every layer of [TinyBase#CONFIG].
  static PeftFiles small(long seed) {
    PeftFiles files = new PeftFiles(seed).set("target_modules", List.of("q_proj", "v_proj"));
    for (int layer = 0; layer < TinyBase.CONFIG.layers(); layer++) {
      files.pair(layer, Projection.Q, 4, "BF16").pair(layer, Projection.V, 4, "BF16");
    }
    return files;
  }

  PeftFiles set(String key, @Nullable Object value) {
    config.put(key, value);
    return this;
  }

  /// A tensor of random values.
  PeftFiles tensor(String name, String dtype, long... shape) {
    long elements = 1;
    for (long dimension : shape) {
      elements *= dimension;
    }
    float[] values = new float[Math.toIntExact(elements)];
    for (int i = 0; i < values.length; i++) {
      values[i] = Floats.roundToBf16(random.nextFloat() - 0.5f);
    }
    tensors.put(PREFIX + name, new Tensor(dtype, Arrays.stream(shape).boxed().toList(), values));
    return this;
  }

  /// lora_A and lora_B of one linear layer.
  PeftFiles pair(int layer, Projection projection, int rank, String dtype) {
    LlamaConfig base = TinyBase.CONFIG;
    String module = projection.module(layer);
    return tensor(module + ".lora_A.weight", dtype, rank, base.inputs(projection))
        .tensor(module + ".lora_B.weight", dtype, base.outputs(projection), rank);
  }

  PeftFiles without(String name) {
    if (tensors.remove(PREFIX + name) == null) {
      throw new IllegalArgumentException(name);
    }
    return this;
  }

  /// Overwrites one number of a tensor.
  PeftFiles poke(String name, int index, float value) {
    get(name).values()[index] = value;
    return this;
  }

  Tensor get(String name) {
    return Objects.requireNonNull(tensors.get(PREFIX + name), name);
  }

  /// Zeros in every lora_B, as before training.
  PeftFiles untrained() {
    tensors.forEach(
        (name, tensor) -> {
          if (name.endsWith("lora_B.weight")) {
            Arrays.fill(tensor.values(), 0);
          }
        });
    return this;
  }

  byte[] configJson() throws IOException {
    return JSON.writeValueAsBytes(config);
  }

  byte[] safetensors() throws IOException {
    Map<String, Object> header = new LinkedHashMap<>();
    header.put("__metadata__", metadata);
    ByteArrayOutputStream data = new ByteArrayOutputStream();
    for (Map.Entry<String, Tensor> entry : tensors.entrySet()) {
      Tensor tensor = entry.getValue();
      int begin = data.size();
      data.writeBytes(tensor.bytes());
      header.put(
          entry.getKey(),
          Map.of(
              "dtype",
              tensor.dtype(),
              "shape",
              tensor.shape(),
              "data_offsets",
              List.of(begin, data.size())));
    }
    byte[] json = JSON.writeValueAsString(header).getBytes(StandardCharsets.UTF_8);
    ByteArrayOutputStream file = new ByteArrayOutputStream();
    file.writeBytes(
        ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(json.length).array());
    file.writeBytes(json);
    data.writeTo(file);
    return file.toByteArray();
  }

  /// Writes both files into `folder`, which is made if it is missing.
  Path write(Path folder) throws IOException {
    Files.createDirectories(folder);
    Files.write(folder.resolve("adapter_config.json"), configJson());
    Files.write(folder.resolve("adapter_model.safetensors"), safetensors());
    return folder;
  }
}
