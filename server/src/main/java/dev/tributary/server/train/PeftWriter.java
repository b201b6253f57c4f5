package dev.tributary.server.train;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.tributary.server.adapter.BaseIdentity;
import dev.tributary.server.model.LoraWeights.Pair;
import dev.tributary.server.model.LoraWeights.Site;
import dev.tributary.server.model.Trainable;
import dev.tributary.server.tensor.Floats;
import dev.tributary.server.tensor.Matrix;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/// An adapter as PEFT 0.21 saves one: `adapter_config.json` and `adapter_model.safetensors`, in
/// bfloat16, with the base's digest in the metadata.
final class PeftWriter {
  private static final String PREFIX = "base_model.model.";

  private final Trainable adapter;
  private final LoraShape shape;
  private final TrainingBase base;

  /// @param adapter whose values are bfloat16 already, in float32
  PeftWriter(Trainable adapter, LoraShape shape, TrainingBase base) {
    this.adapter = adapter;
    this.shape = shape;
    this.base = base;
  }

  /// `adapter_config.json`.
  byte[] config() {
    Map<String, Object> config = new LinkedHashMap<>();
    config.put("peft_type", "LORA");
    config.put("task_type", "CAUSAL_LM");
    if (base.name() != null) {
      config.put("base_model_name_or_path", base.name());
    }
    config.put("inference_mode", true);
    config.put("r", shape.rank());
    config.put("lora_alpha", number(shape.alpha()));
    config.put("lora_dropout", 0.0);
    config.put("use_rslora", shape.useRslora());
    config.put("use_dora", false);
    config.put("bias", "none");
    config.put("target_modules", shape.targetNames());
    config.put("init_lora_weights", true);
    return Json.lines(config);
  }

  /// Whole numbers as such, since PEFT calls alpha an int.
  private static Number number(float alpha) {
    if (alpha == (int) alpha) {
      return (int) alpha;
    }
    return alpha;
  }

  /// `adapter_model.safetensors`: layer by layer, A before B.
  void weights(OutputStream file) throws IOException {
    BufferedOutputStream out = new BufferedOutputStream(file, 1 << 16);
    List<Site> sites = new ArrayList<>(adapter.pairs().keySet());
    sites.sort(Comparator.comparingInt(Site::layer).thenComparing(Site::projection));
    byte[] header = header(sites);
    out.write(
        ByteBuffer.allocate(Long.BYTES)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(0, header.length)
            .array());
    out.write(header);
    for (Site site : sites) {
      Pair pair = Objects.requireNonNull(adapter.pairs().get(site));
      rows(pair.a(), out);
      columns(pair.bt(), out);
    }
    out.flush();
  }

  /// Padded to 8 bytes, as the format asks for.
  private byte[] header(List<Site> sites) {
    Map<String, Object> entries = new LinkedHashMap<>();
    entries.put("__metadata__", Map.of("format", "pt", BaseIdentity.DIGEST_KEY, base.digest()));
    long at = 0;
    for (Site site : sites) {
      Pair pair = Objects.requireNonNull(adapter.pairs().get(site));
      String module = PREFIX + site.projection().module(site.layer());
      int rank = pair.a().rows();
      at = entry(entries, module + ".lora_A.weight", rank, pair.a().cols(), at);
      at = entry(entries, module + ".lora_B.weight", pair.bt().cols(), rank, at);
    }
    String json = new String(Json.bytes(entries), UTF_8);
    return (json + " ".repeat(-json.length() & 7)).getBytes(UTF_8);
  }

  private static long entry(
      Map<String, Object> entries, String name, int rows, int cols, long begin) {
    long end = begin + (long) rows * cols * Short.BYTES;
    Map<String, Object> tensor = new LinkedHashMap<>();
    tensor.put("dtype", "BF16");
    tensor.put("shape", List.of(rows, cols));
    tensor.put("data_offsets", List.of(begin, end));
    entries.put(name, tensor);
    return end;
  }

  private static void rows(Matrix a, OutputStream out) throws IOException {
    for (int row = 0; row < a.rows(); row++) {
      for (int col = 0; col < a.cols(); col++) {
        write(a.get(row, col), out);
      }
    }
  }

  /// B lies transposed.
  private static void columns(Matrix bt, OutputStream out) throws IOException {
    for (int col = 0; col < bt.cols(); col++) {
      for (int row = 0; row < bt.rows(); row++) {
        write(bt.get(row, col), out);
      }
    }
  }

  private static void write(float value, OutputStream out) throws IOException {
    short bits = Floats.toBf16(value);
    out.write(bits);
    out.write(bits >> 8);
  }
}
