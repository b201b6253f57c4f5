package dev.tributary.server.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HfDirectoryTest {
  private static final String FIRST = "model-00001-of-00002.safetensors";
  private static final String SECOND = "model-00002-of-00002.safetensors";

  @TempDir Path directory;

  @BeforeEach
  void writeConfig() throws IOException {
    write("config.json", "{\"model_type\":\"llama\",\"rope_scaling\":null,\"eps\":1e-5,\"n\":[4]}");
  }

  private Path write(String name, String text) throws IOException {
    return Files.writeString(directory.resolve(name), text);
  }

  private void write(String name, SafetensorsFile file) throws IOException {
    Files.write(directory.resolve(name), file.bytes());
  }

  private void writeShards(String weightMap) throws IOException {
    write(FIRST, new SafetensorsFile().f32("a", "[2]", 1, 2));
    write(SECOND, new SafetensorsFile().f32("b", "[1,2]", 3, 4));
    write("model.safetensors.index.json", "{\"metadata\":{},\"weight_map\":" + weightMap + "}");
  }

  @Test
  void open_wholeFile_givesConfigAndTensors() throws IOException {
    write(
        "model.safetensors",
        new SafetensorsFile()
            .f32("a", "[2,1]", 1, 2)
            .tensor("h", "F16", "[]", new byte[] {0, 0x3c})
            .tensor("b", "BF16", "[1]", new byte[] {(byte) 0x80, 0x3f}));
    HfDirectory opened = HfDirectory.open(directory);

    assertThat(opened.kind()).isEqualTo("huggingface");
    assertThat(opened.metadata())
        .isEqualTo(Map.of("model_type", "llama", "eps", 1e-5, "n", List.of(4L)));
    assertThat(opened.tensor("a").toFloats()).containsExactly(1, 2);
    assertThat(opened.tensor("h").toFloats()).containsExactly(1);
    assertThat(opened.unread()).containsExactly("b");
    assertThat(opened.tensor("b").toFloats()).containsExactly(1);
    assertThatThrownBy(() -> opened.tensor("a").requireShape(1, 2))
        .hasMessageContaining("expected the shape [1, 2], found [2, 1]");
  }

  @Test
  void open_shards_joinsThem() throws IOException {
    writeShards("{\"b\":\"" + SECOND + "\",\"a\":\"" + FIRST + "\"}");
    HfDirectory opened = HfDirectory.open(directory);

    assertThat(opened.tensorNames()).containsExactlyInAnyOrder("a", "b");
    assertThat(opened.tensor("b").toFloats()).containsExactly(3, 4);
    assertThat(opened.tensor("b").file()).isEqualTo(directory.resolve(SECOND));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "../model.safetensors",
        "/etc/passwd",
        "..",
        "model-00001-of-00002.bin",
        "sub/model-00001-of-00002.safetensors",
        "weights.safetensors"
      })
  void open_indexNamingAnythingElse_isRefused(String file) throws IOException {
    writeShards("{\"a\":\"" + file + "\"}");
    assertThatThrownBy(() -> HfDirectory.open(directory))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("the file of a, found " + file);
  }

  @Test
  void open_indexAndShardsDisagree_isRefused() throws IOException {
    writeShards("{\"a\":\"" + FIRST + "\",\"b\":\"" + FIRST + "\"}");
    assertThatThrownBy(() -> HfDirectory.open(directory))
        .hasMessageContaining(FIRST + ": byte 0: expected the tensor b");
    writeShards("{\"a\":\"" + SECOND + "\",\"b\":\"" + FIRST + "\"}");
    assertThatThrownBy(() -> HfDirectory.open(directory))
        .hasMessageContaining("expected the tensor");
    writeShards("{\"c\":\"" + FIRST + "\"}");
    assertThatThrownBy(() -> HfDirectory.open(directory))
        .hasMessageContaining("expected a in weight_map");
    writeShards("{\"a\":\"" + FIRST + "\",\"b\":\"" + SECOND + "\"}");
    write(SECOND, new SafetensorsFile().f32("b", "[1]", 1).f32("a", "[1]", 1));
    assertThatThrownBy(() -> HfDirectory.open(directory)).hasMessageContaining("found a again");
    writeShards("[]");
    assertThatThrownBy(() -> HfDirectory.open(directory)).hasMessageContaining("object weight_map");
  }

  @Test
  void open_noWeights_namesTheFile() {
    assertThatThrownBy(() -> HfDirectory.open(directory))
        .isInstanceOf(NoSuchFileException.class)
        .hasMessageContaining("model.safetensors");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "''; expected an object",
        "[]; expected an object",
        "{\"a\":1,\"a\":2}; found \"a\" again",
        "{\"a\":1} {}; expected nothing after",
        "{\"a\":9223372036854775808}; out of range of long",
        "{\"a\":1e999}; finite",
        "{\"a\":NaN}; NaN",
        "{\"a\":[null]}; found VALUE_NULL",
        "{\"a\":1; expected JSON",
        "{\"a\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}; nesting depth"
      })
  void open_malformedConfig_isRefused(String text, String saying) throws IOException {
    Path config = write("config.json", text);
    assertThatThrownBy(() -> HfDirectory.open(directory))
        .isInstanceOf(FormatException.class)
        .hasMessageStartingWith(config + ": byte ")
        .hasMessageContaining(saying);
  }

  @Test
  void open_configNotUtf8OrTooLong_isRefused() throws IOException {
    Files.write(directory.resolve("config.json"), new byte[] {'{', '"', (byte) 0xff, '"'});
    assertThatThrownBy(() -> HfDirectory.open(directory)).hasMessageContaining("UTF-8");
    write("config.json", "{" + " ".repeat(4 << 20) + "}");
    assertThatThrownBy(() -> HfDirectory.open(directory)).hasMessageContaining("at most 4194304");
  }

  @Test
  void open_malformedSafetensors_namesFileAndByte() throws IOException {
    String file = directory.resolve("model.safetensors").toString();
    write("model.safetensors", new SafetensorsFile().tensor("i", "I64", "[1]", new byte[8]));
    assertThatThrownBy(() -> HfDirectory.open(directory))
        .isInstanceOf(FormatException.class)
        .hasMessageStartingWith(file + ": byte ")
        .hasMessageContaining("i: expected a dtype of [F32, F16, BF16], found I64");
    write("model.safetensors", new SafetensorsFile().f32("z", "[0]"));
    assertThatThrownBy(() -> HfDirectory.open(directory)).hasMessageContaining("found [0]");

    byte[] whole = new SafetensorsFile().f32("a", "[2]", 1, 2).bytes();
    for (int length = 0; length < whole.length; length++) {
      Files.write(directory.resolve("model.safetensors"), Arrays.copyOf(whole, length));
      assertThatThrownBy(() -> HfDirectory.open(directory))
          .as("%d bytes", length)
          .isInstanceOf(FormatException.class)
          .hasMessageStartingWith(file + ": byte ");
    }
  }
}
