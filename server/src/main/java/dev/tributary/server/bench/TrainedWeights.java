package dev.tributary.server.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tributary.identity.AdapterDigest;
import dev.tributary.identity.ReadableBytes;
import dev.tributary.identity.SafetensorsHeader;
import dev.tributary.server.model.LlamaConfig;
import dev.tributary.server.model.LoraWeights;
import dev.tributary.server.model.LoraWeights.Pair;
import dev.tributary.server.model.LoraWeights.Site;
import dev.tributary.server.model.Projection;
import dev.tributary.server.tensor.Bytes;
import dev.tributary.server.tensor.DType;
import dev.tributary.server.tensor.Matrix;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/// The weights of a folder that was trained here: plain bfloat16 pairs of one rank. Who serves
/// reads whatever PEFT writes, and checks it; a program that measures need not.
final class TrainedWeights {
  private TrainedWeights() {}

  static LoraWeights read(Path folder, LlamaConfig base) throws IOException {
    Path file = folder.resolve(AdapterDigest.WEIGHTS_FILE);
    JsonNode config =
        new ObjectMapper().readTree(folder.resolve(AdapterDigest.CONFIG_FILE).toFile());
    double rank = config.get("r").asInt();
    double by = config.get("use_rslora").asBoolean() ? Math.sqrt(rank) : rank;
    float scaling = (float) (config.get("lora_alpha").asDouble() / by);
    Bytes bytes = Bytes.map(file);
    Map<String, SafetensorsHeader.Tensor> tensors;
    try (FileChannel channel = FileChannel.open(file)) {
      tensors = SafetensorsHeader.parse(ReadableBytes.of(channel)).tensors();
    }
    Map<Site, Pair> pairs = new HashMap<>();
    for (int layer = 0; layer < base.layers(); layer++) {
      for (Projection projection : Projection.values()) {
        String module = "base_model.model." + projection.module(layer);
        SafetensorsHeader.Tensor a = tensors.get(module + ".lora_A.weight");
        SafetensorsHeader.Tensor b = tensors.get(module + ".lora_B.weight");
        if (a != null && b != null) {
          Matrix bt = transposed(matrix(bytes, b));
          pairs.put(new Site(layer, projection), new Pair(matrix(bytes, a), bt, scaling));
        }
      }
    }
    return new LoraWeights(pairs, Map.of(), Map.of(), null, bytes.size());
  }

  private static Matrix matrix(Bytes file, SafetensorsHeader.Tensor tensor) {
    return new Matrix(
        file.slice(tensor.begin(), tensor.end() - tensor.begin()),
        DType.BF16,
        Math.toIntExact(tensor.shape().get(0)),
        Math.toIntExact(tensor.shape().get(1)));
  }

  private static Matrix transposed(Matrix matrix) {
    Matrix transposed = Matrix.allocate(DType.BF16, matrix.cols(), matrix.rows());
    for (int row = 0; row < matrix.rows(); row++) {
      for (int col = 0; col < matrix.cols(); col++) {
        transposed.set(col, row, matrix.get(row, col));
      }
    }
    return transposed;
  }
}
