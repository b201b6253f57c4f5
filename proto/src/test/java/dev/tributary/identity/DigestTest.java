package dev.tributary.identity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DigestTest {
  @Test
  void of_goldenFolders_equalsTheIndependentImplementation() throws IOException {
    JsonNode digests = Golden.json("digests.json");
    assertThat(digests.size()).isEqualTo(6);
    for (Map.Entry<String, JsonNode> golden : digests.properties()) {
      Path path = Golden.file(golden.getKey());
      String digest =
          golden.getKey().startsWith("adapters/") ? AdapterDigest.of(path) : BaseDigest.of(path);
      assertThat(digest).as(golden.getKey()).isEqualTo(golden.getValue().textValue());
    }
  }

  @Test
  void of_adapterWithAnyByteOfItsDataChanged_isAnother() throws IOException {
    byte[] weights = Files.readAllBytes(Golden.file("adapters/plain/adapter_model.safetensors"));
    PeftConfig config = config("adapters/plain");
    int dataStart =
        8 + (int) ByteBuffer.wrap(weights).order(java.nio.ByteOrder.LITTLE_ENDIAN).getLong();
    List<String> digests = new ArrayList<>();
    for (int i = dataStart; i < weights.length; i++) {
      weights[i] ^= 1;
      digests.add(AdapterDigest.of(config, ReadableBytes.of(ByteBuffer.wrap(weights))));
      weights[i] ^= 1;
    }
    assertThat(digests).hasSize(64).doesNotHaveDuplicates();
    assertThat(digests)
        .doesNotContain(AdapterDigest.of(config, ReadableBytes.of(ByteBuffer.wrap(weights))));
  }

  @Test
  void of_adapterWithAnHonouredKeyChanged_isAnother() throws IOException {
    Path weights = Golden.file("adapters/plain/adapter_model.safetensors");
    List<String> digests = new ArrayList<>();
    for (String config :
        List.of(
            "'target_modules':['q_proj','v_proj']",
            "'target_modules':['q_proj']",
            "'target_modules':'q_proj'",
            "'target_modules':'all-linear'",
            "'target_modules':['q_proj','v_proj'],'r':9",
            "'target_modules':['q_proj','v_proj'],'lora_alpha':8.5",
            "'target_modules':['q_proj','v_proj'],'use_rslora':true",
            "'target_modules':['q_proj','v_proj'],'use_dora':true",
            "'target_modules':['q_proj','v_proj'],'modules_to_save':['norm']",
            "'target_modules':['q_proj','v_proj'],'layers_to_transform':0",
            "'target_modules':['q_proj','v_proj'],'layers_to_transform':0,'layers_pattern':'h'",
            "'target_modules':['q_proj','v_proj'],'rank_pattern':{'q':2,'v':2}",
            "'target_modules':['q_proj','v_proj'],'rank_pattern':{'v':2,'q':2}",
            "'target_modules':['q_proj','v_proj'],'alpha_pattern':{'q':2}")) {
      String json = ("{'peft_type':'LORA'," + config + "}").replace('\'', '"');
      digests.add(
          AdapterDigest.of(
              PeftConfig.parse(json.getBytes(StandardCharsets.UTF_8)),
              ReadableBytes.of(ByteBuffer.wrap(Files.readAllBytes(weights)))));
    }
    assertThat(digests).doesNotHaveDuplicates();
  }

  @Test
  void canonicalJson_fillsDefaultsInAndSorts() {
    String json =
        "{\"target_modules\":[\"v\",\"a\",\"v\"],\"peft_type\":\"LORA\",\"lora_alpha\":16.0}";
    assertThat(PeftConfig.parse(json.getBytes(StandardCharsets.UTF_8)).canonicalJson())
        .asString()
        .isEqualTo(
            "{\"alpha_pattern\":[],\"bias\":\"none\",\"layers_pattern\":null,"
                + "\"layers_to_transform\":null,\"lora_alpha\":16,\"modules_to_save\":null,"
                + "\"peft_type\":\"LORA\",\"r\":8,\"rank_pattern\":[],\"target_modules\":[\"a\",\"v\"],"
                + "\"use_dora\":false,\"use_rslora\":false}");
  }

  @Test
  void of_folderThatIsNeither_saysWhatIsMissing(@TempDir Path folder) throws IOException {
    assertThatThrownBy(() -> BaseDigest.of(folder))
        .isInstanceOf(NoSuchFileException.class)
        .hasMessageContaining("config.json");
    Files.copy(
        Golden.file("adapters/plain/adapter_config.json"), folder.resolve("adapter_config.json"));
    Files.write(folder.resolve("adapter_model.bin"), new byte[10]);
    assertThatThrownBy(() -> AdapterDigest.of(folder))
        .isInstanceOf(NoSuchFileException.class)
        .hasMessageContaining("safetensors");
  }

  @Test
  void of_configBeyondTheLimit_isRefusedUnread(@TempDir Path folder) throws IOException {
    Files.write(folder.resolve("adapter_config.json"), new byte[PeftConfig.MAX_BYTES + 1]);
    assertThatThrownBy(() -> AdapterDigest.of(folder)).isInstanceOf(PeftConfigException.class);
  }

  private static PeftConfig config(String folder) throws IOException {
    return PeftConfig.parse(Files.readAllBytes(Golden.file(folder + "/adapter_config.json")));
  }
}
