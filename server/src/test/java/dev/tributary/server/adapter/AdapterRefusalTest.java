package dev.tributary.server.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.tributary.server.adapter.AdapterRefusal.Malformed;
import dev.tributary.server.adapter.AdapterRefusal.NoEffect;
import dev.tributary.server.adapter.AdapterRefusal.TooLarge;
import dev.tributary.server.adapter.AdapterRefusal.Unsupported;
import dev.tributary.server.adapter.AdapterRefusal.WrongBase;
import dev.tributary.server.model.Projection;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// Every way in which files are refused, through a folder on disk.
class AdapterRefusalTest {
  private static final String Q0 = "model.layers.0.self_attn.q_proj";
  private static final long LIMIT = 1 << 20;

  @TempDir Path folder;

  /// Keys of PEFT 0.21 that change an adapter's function and are not honoured, with a value that
  /// PEFT accepts.
  static Stream<Arguments> refusedKeys() {
    return Stream.of(
        arguments("bias", "all"),
        arguments("bias", "lora_only"),
        arguments("peft_type", "LOHA"),
        arguments("peft_type", null),
        arguments("task_type", "SEQ_CLS"),
        arguments("fan_in_fan_out", true),
        arguments("lora_bias", true),
        arguments("use_qalora", true),
        arguments("use_bdlora", Map.of("nblocks", 2)),
        arguments("exclude_modules", List.of("k_proj")),
        arguments("layer_replication", List.of(List.of(0, 1))),
        arguments("trainable_token_indices", List.of(1, 2)),
        arguments("target_parameters", List.of("weight")),
        arguments("alora_invocation_tokens", List.of(5)),
        arguments("ensure_weight_tying", true),
        arguments("megatron_config", Map.of("a", 1)),
        arguments("loftq_config", Map.of("loftq_bits", 4)),
        arguments("eva_config", Map.of("rho", 2.0)),
        arguments("corda_config", Map.of("cache_file", "x")),
        arguments("arrow_config", Map.of("top_k", 3)),
        arguments("kasa_config", Map.of("beta", 1)),
        arguments("lora_ga_config", Map.of("direction", "x")),
        arguments("velora_config", Map.of("a", 1)),
        arguments("monteclora_config", Map.of("a", 1)),
        arguments("init_lora_weights", "pissa"),
        arguments("init_lora_weights", "pissa_niter_4"),
        arguments("init_lora_weights", "olora"),
        arguments("init_lora_weights", "corda"),
        arguments("init_lora_weights", "loftq"),
        arguments("init_lora_weights", "lora_ga"),
        arguments("a_key_of_tomorrow", 1),
        arguments("r", 0),
        arguments("r", "four"),
        arguments("lora_alpha", -1),
        arguments("use_dora", "yes"),
        arguments("target_modules", null),
        arguments("target_modules", List.of()),
        arguments("rank_pattern", Map.of("q_proj", 0)),
        arguments("layers_pattern", "layers"));
  }

  @ParameterizedTest(name = "{0} = {1}")
  @MethodSource("refusedKeys")
  void describe_refusedKey_isNamed(String key, @Nullable Object value) throws IOException {
    AdapterRefusal refusal = refusal(PeftFiles.small(1).set(key, value));
    assertThat(refusal).isInstanceOf(Unsupported.class);
    assertThat(((Unsupported) refusal).subject()).isEqualTo(key);
    assertThat(refusal.message()).startsWith(key + ": ").doesNotContain(key + ": " + key);
  }

  static Stream<Arguments> ignoredKeys() {
    return Stream.of(
        arguments("lora_dropout", 0.5),
        arguments("inference_mode", false),
        arguments("peft_version", "0.21.2"),
        arguments("megatron_core", "megatron.core"),
        arguments("auto_mapping", Map.of("base_model_class", "LlamaForCausalLM")),
        arguments("revision", "main"),
        arguments("qalora_group_size", 16),
        arguments("init_lora_weights", "gaussian"),
        arguments("init_lora_weights", false),
        arguments("loftq_config", Map.of()),
        arguments("exclude_modules", null),
        arguments("a_key_of_tomorrow", null));
  }

  @ParameterizedTest(name = "{0} = {1}")
  @MethodSource("ignoredKeys")
  void describe_keyWithoutEffect_sameDigest(String key, @Nullable Object value) throws IOException {
    AdapterVersion plain = describe(PeftFiles.small(1));
    assertThat(describe(PeftFiles.small(1).set(key, value)))
        .usingRecursiveComparison()
        .ignoringFields("created")
        .isEqualTo(plain);
  }

  static Stream<Arguments> misfits() {
    String a = Q0 + ".lora_A.weight";
    String b = Q0 + ".lora_B.weight";
    String norm = "model.layers.1.input_layernorm";
    String magnitude = Q0 + ".lora_magnitude_vector";
    return Stream.of(
        misfit(a, PeftFiles.small(1).without(a), "is missing"),
        misfit(b, PeftFiles.small(1).without(b), "is missing"),
        misfit(a, PeftFiles.small(1).tensor(a, "BF16", 5, 32), "has shape [5, 32]"),
        misfit(a, PeftFiles.small(1).tensor(a, "BF16", 4, 33), "expected [4, 32]"),
        misfit(a, PeftFiles.small(1).tensor(a, "BF16", 128), "has shape [128]"),
        misfit(b, PeftFiles.small(1).tensor(b, "BF16", 4, 32), "expected [32, 4]"),
        misfit(a, PeftFiles.small(1).set("rank_pattern", Map.of("q_proj", 8)), "expected [8, 32]"),
        misfit(
            "model.layers.0.self_attn.k_proj.lora_A.weight",
            PeftFiles.small(1).set("target_modules", List.of("q_proj", "k_proj", "v_proj")),
            "is missing"),
        misfit(magnitude, PeftFiles.small(1).set("use_dora", true), "is missing"),
        misfit(
            norm + ".weight",
            PeftFiles.small(1)
                .set("modules_to_save", List.of("input_layernorm"))
                .tensor("model.layers.0.input_layernorm.weight", "F32", 32),
            "is missing"),
        misfit(
            "lm_head.weight",
            PeftFiles.small(1)
                .set("modules_to_save", List.of("lm_head"))
                .tensor("lm_head.weight", "F32", 41, 32),
            "expected [40, 32]"),
        misfit(a, PeftFiles.small(1).poke(a, 37, Float.NaN), "[37] is NaN"),
        misfit(b, PeftFiles.small(1).poke(b, 0, Float.POSITIVE_INFINITY), "[0] is Infinity"),
        misfit(
            b,
            PeftFiles.small(1).tensor(b, "F32", 32, 4).poke(b, 127, Float.NEGATIVE_INFINITY),
            "[127] is -Infinity"),
        misfit(
            "model.norm.weight",
            PeftFiles.small(1)
                .set("modules_to_save", List.of("model.norm"))
                .tensor("model.norm.weight", "F16", 32)
                .poke("model.norm.weight", 31, Float.NaN),
            "[31] is NaN"));
  }

  private static Arguments misfit(String tensor, PeftFiles files, String reason) {
    return arguments(PeftFiles.PREFIX + tensor, reason, files);
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("misfits")
  void load_misfit_isNamed(String tensor, String reason, PeftFiles files) throws IOException {
    AdapterRefusal refusal = refusal(files);
    assertThat(refusal).isInstanceOf(Malformed.class);
    assertThat(((Malformed) refusal).subject()).isEqualTo(tensor);
    assertThat(refusal.message()).contains(reason);
  }

  static Stream<Arguments> surplus() {
    return Stream.of(
            "lm_head.lora_A.weight",
            "lm_head.base_layer.weight",
            "model.embed_tokens.lora_embedding_A",
            "model.embed_tokens.weight",
            "model.layers.0.self_attn.k_proj.lora_A.weight",
            "model.layers.2.self_attn.q_proj.lora_A.weight",
            Q0 + ".lora_B.bias",
            Q0 + ".lora_magnitude_vector",
            "model.layers.0.self_attn.q_proj.weight",
            "model.norm.weight",
            "something.else")
        .map(Arguments::of);
  }

  @ParameterizedTest
  @MethodSource("surplus")
  void describe_tensorWithoutPlace_isNamed(String tensor) throws IOException {
    AdapterRefusal refusal = refusal(PeftFiles.small(1).tensor(tensor, "BF16", 4, 32));
    assertThat(refusal).isInstanceOf(Unsupported.class);
    assertThat(((Unsupported) refusal).subject()).isEqualTo(PeftFiles.PREFIX + tensor);
  }

  @Test
  void describe_bothFormsOfAMagnitude_refused() throws IOException {
    PeftFiles files = PeftFiles.empty(1).set("target_modules", List.of("q_proj"));
    files.set("use_dora", true).set("layers_to_transform", List.of(0));
    files.pair(0, Projection.Q, 4, "BF16");
    files.tensor(Q0 + ".lora_magnitude_vector", "F32", 32);
    assertThat(describe(files).dora()).isTrue();
    files.tensor(Q0 + ".lora_magnitude_vector.weight", "F32", 32);
    assertThat(refusal(files)).isInstanceOf(Unsupported.class);
  }

  static Stream<Arguments> otherModules() {
    return Stream.of(
        arguments("target_modules", List.of("q_proj", "v_proj", "lm_head"), "lm_head"),
        arguments("target_modules", List.of("q_proj", "v_proj", "embed_tokens"), "embed_tokens"),
        arguments("target_modules", List.of("q_proj", "v_proj", "norm"), "model.norm"),
        arguments("target_modules", ".*", "lm_head"),
        arguments("modules_to_save", List.of("embed_tokens"), "embed_tokens"),
        arguments("modules_to_save", List.of("k_proj"), "k_proj"),
        arguments("modules_to_save", List.of("mlp"), "mlp"),
        arguments("modules_to_save", List.of("classifier"), "classifier"));
  }

  @ParameterizedTest(name = "{0} {2}")
  @MethodSource("otherModules")
  void describe_otherModule_isNamed(String key, Object value, String module) throws IOException {
    AdapterRefusal refusal = refusal(PeftFiles.small(1).set(key, value));
    assertThat(refusal).isInstanceOf(Unsupported.class);
    assertThat(((Unsupported) refusal).subject()).isEqualTo(key);
    assertThat(refusal.message()).contains(module);
  }

  @Test
  void describe_targetsNothing_refused() throws IOException {
    AdapterRefusal refusal = refusal(PeftFiles.empty(1).set("target_modules", List.of("c_attn")));
    assertThat(refusal)
        .isEqualTo(new Malformed("target_modules", "names no linear layer of this server's base"));
  }

  @Test
  void describe_integerTensor_refused() throws IOException {
    PeftFiles files = PeftFiles.small(1);
    PeftFiles.Tensor a = files.get(Q0 + ".lora_A.weight");
    files.tensors.put(
        PeftFiles.PREFIX + Q0 + ".lora_A.weight",
        new PeftFiles.Tensor("I16", a.shape(), a.values()));
    assertThat(refusal(files).message()).contains(Q0 + ".lora_A.weight: dtype I16");
  }

  @Test
  void load_zeroMergedRow_isNamed() throws IOException {
    PeftFiles files = PeftFiles.empty(1).set("target_modules", List.of("q_proj"));
    files.set("use_dora", true).set("layers_to_transform", List.of(0));
    files.pair(0, Projection.Q, 4, "BF16").tensor(Q0 + ".lora_magnitude_vector", "F32", 32);
    files.untrained();
    // Any magnitude over a norm of zero has no finite scale.
    AdapterReader zeros =
        new AdapterReader(
            new TinyBase(TinyBase.CONFIG, 0),
            TinyBase.IDENTITY,
            new EffectProof(new FakeProbe()),
            LIMIT);
    PeftFolder peft = new PeftFolder(files.write(folder));
    AdapterVersion version = TestStore.describe(zeros, peft, "test");
    AdapterRefusal refusal = refusal(() -> zeros.load(peft, version, false));
    assertThat(refusal.message()).startsWith(PeftFiles.PREFIX + Q0 + ".lora_magnitude_vector: [0]");
  }

  @Test
  void load_untrained_hasNoEffect() throws IOException {
    AdapterRefusal refusal = refusal(PeftFiles.small(1).untrained());
    assertThat(refusal).isInstanceOf(NoEffect.class);
  }

  @Test
  void describe_otherBase_namesBoth() throws IOException {
    AdapterRefusal refusal =
        refusal(PeftFiles.small(1).set("base_model_name_or_path", "other/Model"));
    assertThat(refusal).isInstanceOf(WrongBase.class);
    assertThat(refusal.message()).contains("other/Model", TinyBase.NAME, "sha256:abab");
  }

  @Test
  void describe_statedDigest_decidesAlone() throws IOException {
    PeftFiles files = PeftFiles.small(1).set("base_model_name_or_path", "other/Model");
    files.metadata.put(BaseIdentity.DIGEST_KEY, TinyBase.IDENTITY.digest());
    assertThat(describe(files).baseName()).isEqualTo("other/Model");
    files.set("base_model_name_or_path", TinyBase.NAME);
    files.metadata.put(BaseIdentity.DIGEST_KEY, "sha256:" + "cd".repeat(32));
    assertThat(refusal(files)).isInstanceOf(WrongBase.class);
  }

  @Test
  void describe_missingFile_isNamed() throws IOException {
    PeftFiles.small(1).write(folder);
    Files.delete(folder.resolve("adapter_model.safetensors"));
    assertThat(refusal(this::describeFolder))
        .isEqualTo(new Malformed("adapter_model.safetensors", "is missing"));
    Files.write(folder.resolve("adapter_model.bin"), new byte[10]);
    assertThat(((Unsupported) refusal(this::describeFolder)).subject())
        .isEqualTo("adapter_model.bin");
    Files.delete(folder.resolve("adapter_config.json"));
    Files.delete(folder.resolve("adapter_model.bin"));
    assertThat(refusal(this::describeFolder))
        .isEqualTo(new Malformed("adapter_config.json", "is missing"));
  }

  @Test
  void describe_largerThanMemory_refused() throws IOException {
    PeftFiles files =
        PeftFiles.small(1)
            .set("modules_to_save", List.of("lm_head"))
            .tensor("lm_head.weight", "F32", 9000, 32);
    assertThat(refusal(files)).isInstanceOf(TooLarge.class);
  }

  @Test
  void load_largerThanMemoryOnceWidened_refused() throws IOException {
    // float16 in the file, float32 in memory: the file passes, its weights don't.
    PeftFiles files =
        PeftFiles.empty(1)
            .set("target_modules", List.of("down_proj"))
            .set("r", 1024)
            .pair(0, Projection.DOWN, 1024, "F16")
            .pair(1, Projection.DOWN, 1024, "F16");
    PeftFolder peft = new PeftFolder(files.write(folder));
    AdapterReader reader = reader(500_000);
    AdapterVersion version = TestStore.describe(reader, peft, "test");
    assertThat(refusal(() -> reader.load(peft, version, false))).isInstanceOf(TooLarge.class);
  }

  private AdapterVersion describe(PeftFiles files) throws IOException {
    files.write(folder);
    return describeFolder();
  }

  private AdapterVersion describeFolder() {
    return TestStore.describe(reader(LIMIT), new PeftFolder(folder), "test");
  }

  /// What describing or loading the files ends in.
  private AdapterRefusal refusal(PeftFiles files) throws IOException {
    files.write(folder);
    PeftFolder peft = new PeftFolder(folder);
    AdapterReader reader = reader(LIMIT);
    return refusal(() -> reader.load(peft, TestStore.describe(reader, peft, "test"), false));
  }

  private static AdapterRefusal refusal(ThrowingCallable call) {
    return Objects.requireNonNull(catchThrowableOfType(AdapterException.class, call)).refusal();
  }

  private static AdapterReader reader(long limit) {
    return new AdapterReader(
        new TinyBase(TinyBase.CONFIG), TinyBase.IDENTITY, new EffectProof(new FakeProbe()), limit);
  }
}
