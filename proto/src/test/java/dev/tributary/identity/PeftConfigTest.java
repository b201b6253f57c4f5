package dev.tributary.identity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PeftConfigTest {
  private static final String MINIMAL = "'peft_type':'LORA','target_modules':['q_proj']";

  @Test
  void parse_minimal_takesPeftsDefaults() {
    PeftConfig config = parse("{" + MINIMAL + "}");
    assertThat(config.r()).isEqualTo(8);
    assertThat(config.loraAlpha()).isEqualTo(8);
    assertThat(config.useRslora()).isFalse();
    assertThat(config.useDora()).isFalse();
    assertThat(config.baseModel()).isNull();
    assertThat(config.targetModules()).isEqualTo(new TargetModules.Names(List.of("q_proj")));
    assertThat(config.layersToTransform()).isEmpty();
    assertThat(config.modulesToSave()).isEmpty();
  }

  @Test
  void matching_goldenConfigs_isPefts() throws IOException {
    int modules = 0;
    for (JsonNode golden : Golden.json("peft-matching.json")) {
      String json = golden.get("config").toString();
      PeftConfig config = PeftConfig.parse(json.getBytes(StandardCharsets.UTF_8));
      for (JsonNode answer : golden.get("modules")) {
        String module = answer.get("module").textValue();
        String where = json + " " + module;
        assertThat(config.targets(module))
            .as(where)
            .isEqualTo(answer.get("targeted").booleanValue());
        assertThat(config.rank(module)).as(where).isEqualTo(answer.get("rank").intValue());
        assertThat(config.alpha(module)).as(where).isEqualTo(answer.get("alpha").doubleValue());
        assertThat(config.scaling(module))
            .as(where)
            .isCloseTo(answer.get("scaling").doubleValue(), within(1e-12));
        modules++;
      }
    }
    assertThat(modules).isGreaterThan(500);
  }

  @Test
  void targets_allLinear_isAllButTheHead() {
    PeftConfig config = parse("{'peft_type':'LORA','target_modules':'All-Linear'}");
    assertThat(config.targets("model.layers.0.mlp.up_proj")).isTrue();
    assertThat(config.targets("lm_head")).isFalse();
  }

  @Test
  void saves_anyEnding_asPeftDoes() {
    PeftConfig config = parse("{" + MINIMAL + ",'modules_to_save':['norm','lm_head']}");
    assertThat(config.saves("lm_head")).isTrue();
    assertThat(config.saves("model.norm")).isTrue();
    assertThat(config.saves("model.layers.0.input_layernorm")).isTrue();
    assertThat(config.saves("model.layers.0.self_attn.q_proj")).isFalse();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "'lora_dropout':0.1",
        "'inference_mode':true",
        "'peft_version':'9.9'",
        "'megatron_core':'x'",
        "'auto_mapping':{'a':1}",
        "'revision':'main'",
        "'qalora_group_size':16,'use_qalora':false",
        "'init_lora_weights':true",
        "'init_lora_weights':false",
        "'init_lora_weights':null",
        "'init_lora_weights':'gaussian'",
        "'init_lora_weights':'eva'",
        "'never_heard_of':null",
        "'never_heard_of':false",
        "'never_heard_of':''",
        "'never_heard_of':[]",
        "'never_heard_of':{}",
        "'bias':'none','task_type':'CAUSAL_LM'",
        "'task_type':null,'bias':null",
        "'layers_to_transform':[],'layers_pattern':''",
        "'rank_pattern':null,'alpha_pattern':{},'modules_to_save':[]"
      })
  void parse_whatChangesNothing_isAccepted(String member) {
    assertThat(parse("{" + MINIMAL + "," + member + "}")).isEqualTo(parse("{" + MINIMAL + "}"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "init_lora_weights | 'init_lora_weights':'pissa'",
        "init_lora_weights | 'init_lora_weights':'pissa_niter_4'",
        "init_lora_weights | 'init_lora_weights':'olora'",
        "init_lora_weights | 'init_lora_weights':'corda'",
        "init_lora_weights | 'init_lora_weights':'loftq'",
        "init_lora_weights | 'init_lora_weights':'lora_ga'",
        "init_lora_weights | 'init_lora_weights':7",
        "alora_invocation_tokens | 'alora_invocation_tokens':[1]",
        "trainable_token_indices | 'trainable_token_indices':[1]",
        "target_parameters | 'target_parameters':['w']",
        "layer_replication | 'layer_replication':[[0,1]]",
        "fan_in_fan_out | 'fan_in_fan_out':true",
        "lora_bias | 'lora_bias':true",
        "use_qalora | 'use_qalora':true",
        "exclude_modules | 'exclude_modules':['q_proj']",
        "never_heard_of | 'never_heard_of':0",
        "never_heard_of | 'never_heard_of':'x'",
        "bias | 'bias':'all'",
        "task_type | 'task_type':'SEQ_CLS'",
        "r | 'r':0",
        "r | 'r':1025",
        "r | 'r':8.0",
        "r | 'r':null",
        "r | 'r':99999999999999999999",
        "lora_alpha | 'lora_alpha':0",
        "lora_alpha | 'lora_alpha':-1",
        "lora_alpha | 'lora_alpha':1e999",
        "lora_alpha | 'lora_alpha':'16'",
        "use_dora | 'use_dora':1",
        "use_rslora | 'use_rslora':'true'",
        "base_model_name_or_path | 'base_model_name_or_path':1",
        "rank_pattern | 'rank_pattern':{'q':0}",
        "rank_pattern | 'rank_pattern':{'q)(k':4}",
        "rank_pattern | 'rank_pattern':[]",
        "alpha_pattern | 'alpha_pattern':{'q':0}",
        "alpha_pattern | 'alpha_pattern':{'(q':1}",
        "layers_to_transform | 'layers_to_transform':-1",
        "layers_to_transform | 'layers_to_transform':[1.5]",
        "layers_pattern | 'layers_pattern':'layers'",
        "layers_pattern | 'layers_to_transform':1,'layers_pattern':'.*'",
        "modules_to_save | 'modules_to_save':['.*norm']",
        "modules_to_save | 'modules_to_save':'norm'"
      })
  void parse_unsupported_namesTheKey(String key, String member) {
    assertThatThrownBy(() -> parse("{" + MINIMAL + "," + member + "}"))
        .isInstanceOf(PeftConfigException.class)
        .hasMessageStartingWith(key + ": ")
        .extracting(e -> ((PeftConfigException) e).key())
        .isEqualTo(key);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "peft_type | {'target_modules':['q']}",
        "peft_type | {'peft_type':'IA3','target_modules':['q']}",
        "target_modules | {'peft_type':'LORA'}",
        "target_modules | {'peft_type':'LORA','target_modules':null}",
        "target_modules | {'peft_type':'LORA','target_modules':[]}",
        "target_modules | {'peft_type':'LORA','target_modules':['.*']}",
        "target_modules | {'peft_type':'LORA','target_modules':'(?i)q'}",
        "layers_to_transform | {'peft_type':'LORA','target_modules':'q','layers_to_transform':1}",
        "adapter_config.json | []",
        "adapter_config.json | {'r':1,'r':2}",
        "adapter_config.json | {'r':NaN}",
        "adapter_config.json | {} {}",
        "adapter_config.json | {'r':1",
        "adapter_config.json | {'a':[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]}"
      })
  void parse_unusableFile_saysWhere(String where, String json) {
    assertThatThrownBy(() -> parse(json))
        .isInstanceOf(PeftConfigException.class)
        .hasMessageStartingWith(where + ": ");
  }

  @Test
  void parse_otherEncodings_areRefused() {
    String json = "{" + MINIMAL.replace('\'', '"') + "}";
    for (byte[] bytes :
        List.of(
            json.getBytes(StandardCharsets.UTF_16LE),
            json.getBytes(StandardCharsets.UTF_16),
            ("\ufeff" + json).getBytes(StandardCharsets.UTF_8),
            new byte[] {'{', '"', (byte) 0xc0, (byte) 0xa2, '"', ':', '0', '}'},
            new byte[0])) {
      assertThatThrownBy(() -> PeftConfig.parse(bytes)).isInstanceOf(PeftConfigException.class);
    }
  }

  private static PeftConfig parse(String json) {
    return PeftConfig.parse(json.replace('\'', '"').getBytes(StandardCharsets.UTF_8));
  }
}
