package dev.tributary.server.tokenize;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Where the tests' data is: goldens on the class path, models and templates outside the
/// repository.
final class TestData {
  static final ObjectMapper MAPPER = new ObjectMapper();

  private TestData() {}

  /// The default model's GGUF file; the test is skipped where it isn't named.
  static Path model() {
    return setting("TRIBUTARY_TEST_MODEL", "the path of the default model's GGUF file");
  }

  /// The folder that .ci/fetch-templates.sh fills; the test is skipped where it isn't named.
  static Path fetched() {
    return setting("TRIBUTARY_TEST_DATA", "the folder filled by .ci/fetch-templates.sh");
  }

  private static Path setting(String name, String meaning) {
    Optional<String> value =
        Optional.ofNullable(System.getProperty(name))
            .or(() -> Optional.ofNullable(System.getenv(name)));
    assumeTrue(value.isPresent(), name + " is not set: " + meaning);
    return Path.of(value.orElseThrow());
  }

  static JsonNode json(String resource) {
    try (InputStream in = TestData.class.getResourceAsStream("/tokenize/" + resource)) {
      return MAPPER.readTree(in);
    } catch (IOException e) {
      throw new IllegalStateException(resource, e);
    }
  }

  @SuppressWarnings("unchecked")
  static <T> T plain(JsonNode node) {
    return (T) MAPPER.convertValue(node, Object.class);
  }

  static List<Message> messages(JsonNode conversation) {
    List<Message> messages = new ArrayList<>();
    for (JsonNode message : conversation.get("messages")) {
      messages.add(new Message(message.get("role").asText(), message.get("content").asText()));
    }
    return messages;
  }

  static boolean wantsPrompt(JsonNode conversation) {
    return conversation.path("add_generation_prompt").asBoolean(true);
  }

  static int[] ids(JsonNode array) {
    int[] ids = new int[array.size()];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = array.get(i).asInt();
    }
    return ids;
  }

  /// A folder of small files on the class path.
  static Path directory(String resource) {
    try {
      return Path.of(TestData.class.getResource("/tokenize/" + resource).toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(resource, e);
    }
  }

  static Map<String, Object> metadata(Path gguf) {
    try {
      return GgufHeader.read(gguf);
    } catch (IOException e) {
      throw new IllegalStateException(gguf.toString(), e);
    }
  }
}
