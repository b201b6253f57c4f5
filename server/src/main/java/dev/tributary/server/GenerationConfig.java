package dev.tributary.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tributary.server.rpc.GenerationDefaults;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// The sampling that a model's `generation_config.json` states as its default.
final class GenerationConfig {
  private GenerationConfig() {}

  /// Greedy where the model states nothing, or `do_sample` is off as it is by default.
  static GenerationDefaults defaults(Path model) throws IOException {
    Path file = model.resolve("generation_config.json");
    GenerationDefaults greedy = GenerationDefaults.GREEDY;
    if (!Files.isDirectory(model) || !Files.isRegularFile(file)) {
      return greedy;
    }
    JsonNode json = new ObjectMapper().readTree(Files.readAllBytes(file));
    boolean sample = json.path("do_sample").asBoolean(false);
    return new GenerationDefaults(
        greedy.maxTokens(),
        sample ? (float) json.path("temperature").asDouble(1) : 0,
        // transformers keeps the 50 most likely tokens where the file does not say.
        sample ? json.path("top_k").asInt(50) : 0,
        sample ? (float) json.path("top_p").asDouble(1) : 1,
        sample ? (float) json.path("min_p").asDouble(0) : 0,
        (float) json.path("repetition_penalty").asDouble(1));
  }
}
