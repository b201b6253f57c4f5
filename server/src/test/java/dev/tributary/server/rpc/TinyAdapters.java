package dev.tributary.server.rpc;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.tributary.server.adapter.AdapterSettings;
import dev.tributary.server.adapter.BaseIdentity;
import dev.tributary.server.adapter.Probe;
import dev.tributary.server.adapter.ProbeExample;
import dev.tributary.server.adapter.TestStore;
import dev.tributary.server.model.AdapterUse;
import dev.tributary.server.model.BaseWeights;
import dev.tributary.server.model.LlamaConfig;
import dev.tributary.server.model.LoraWeights;
import dev.tributary.server.model.RotaryScaling;
import dev.tributary.server.tensor.AttentionShape;
import dev.tributary.server.tensor.Linear;
import dev.tributary.server.tensor.LinearWeights;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/// PEFT folders of rank 1 on one projection, for a base of one layer.
final class TinyAdapters implements Probe {
  static final String BASE = "tests/echo";
  static final String BASE_DIGEST = "sha256:" + "ab".repeat(32);
  private static final int HIDDEN = 16;

  private static final List<String> TENSORS =
      List.of("lora_A.weight", "lora_B.weight", "lora_magnitude_vector");

  private final Path root;

  /// Probes answer when it is done, so that loads wait for it.
  volatile CompletableFuture<?> gate = CompletableFuture.completedFuture(null);

  /// Answers as the base does, whatever the adapters.
  volatile boolean deaf;

  TinyAdapters(Path root) {
    this.root = root;
  }

  /// A store that offers what was written.
  TestStore offered(Path data, long hostBytes) {
    return TestStore.open(
        new AdapterSettings(data, root, null, hostBytes),
        new Base(),
        identity(),
        this,
        TestStore.NOWHERE);
  }

  /// A store that keeps its data, and offers no folders.
  TestStore open(Path data, long hostBytes) {
    return TestStore.open(
        new AdapterSettings(data, null, null, hostBytes),
        new Base(),
        identity(),
        this,
        TestStore.NOWHERE);
  }

  /// The same, on a disk one of whose steps fails.
  TestStore failing(Path data, long hostBytes, int step, boolean full) {
    return TestStore.failing(
        new AdapterSettings(data, null, null, hostBytes), new Base(), identity(), this, step, full);
  }

  private static BaseIdentity identity() {
    return new BaseIdentity(BASE_DIGEST, Set.of(BASE));
  }

  /// The files of an adapter that was written.
  Map<String, byte[]> files(String name) {
    Map<String, byte[]> files = new LinkedHashMap<>();
    try {
      for (String file : List.of("adapter_config.json", "adapter_model.safetensors")) {
        files.put(file, Files.readAllBytes(root.resolve(name).resolve(file)));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return files;
  }

  /// The files of an adapter whose first number is `seed`.
  Map<String, byte[]> files(float seed) {
    return write("seed-" + seed, seed).files("seed-" + seed);
  }

  /// An adapter whose digest depends on `seed`; `extra` goes into its configuration.
  TinyAdapters write(String name, float seed, String base, String extra) {
    return write(name, seed, base, extra, List.of(List.of(1, HIDDEN), List.of(HIDDEN, 1)));
  }

  /// Weight-decomposed.
  TinyAdapters writeDora(String name, float seed) {
    return write(
        name,
        seed,
        BASE,
        ",\"use_dora\":true",
        List.of(List.of(1, HIDDEN), List.of(HIDDEN, 1), List.of(HIDDEN)));
  }

  private TinyAdapters write(
      String name, float seed, String base, String extra, List<List<Integer>> shapes) {
    StringBuilder header = new StringBuilder();
    for (int i = 0; i < shapes.size(); i++) {
      header
          .append(i == 0 ? '{' : ',')
          .append(
              "\"base_model.model.model.layers.0.self_attn.q_proj.%s\":{\"dtype\":\"F32\",\"shape\":%s,\"data_offsets\":[%d,%d]}"
                  .formatted(TENSORS.get(i), shapes.get(i), 4 * HIDDEN * i, 4 * HIDDEN * (i + 1)));
    }
    header.append('}');
    ByteBuffer file =
        ByteBuffer.allocate(8 + header.length() + 4 * HIDDEN * shapes.size())
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(header.length())
            .put(header.toString().getBytes(UTF_8));
    for (int i = 0; file.hasRemaining(); i++) {
      file.putFloat(seed + i);
    }
    String config =
        ("{\"peft_type\":\"LORA\",\"task_type\":\"CAUSAL_LM\",\"r\":1,\"lora_alpha\":1,\"bias\":\"none\","
                + "\"target_modules\":[\"q_proj\"],\"base_model_name_or_path\":\"%s\"%s}")
            .formatted(base, extra);
    try {
      Path folder = Files.createDirectories(root.resolve(name));
      Files.writeString(folder.resolve("adapter_config.json"), config);
      Files.write(folder.resolve("adapter_model.safetensors"), file.array());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return this;
  }

  TinyAdapters write(String name, float seed) {
    return write(name, seed, BASE, "");
  }

  @Override
  public CompletableFuture<List<float[]>> logits(List<List<AdapterUse>> uses) {
    return gate.thenApply(
        open -> uses.stream().map(use -> new float[] {use.isEmpty() || deaf ? 0 : 1}).toList());
  }

  @Override
  public CompletableFuture<Double> logProb(ProbeExample example, List<AdapterUse> adapters) {
    return gate.thenApply(open -> adapters.isEmpty() ? -2.0 : -1.0);
  }

  @Override
  public boolean isBusy() {
    return false;
  }

  static LlamaConfig config() {
    return new Base().config();
  }

  private static final class Base implements BaseWeights {
    @Override
    public LlamaConfig config() {
      return new LlamaConfig(
          "llama",
          1,
          HIDDEN,
          HIDDEN,
          new AttentionShape(2, 2, HIDDEN / 2),
          ByteTokens.SIZE,
          128,
          1e-5f,
          new RotaryScaling(10_000, new RotaryScaling.Plain()),
          false,
          false,
          false,
          false,
          true);
    }

    @Override
    public void row(LoraWeights.Site site, int output, float[] row) {
      row[0] = 1;
    }

    @Override
    public Linear pack(LinearWeights weights) {
      throw new UnsupportedOperationException("no adapter here brings a head");
    }
  }
}
