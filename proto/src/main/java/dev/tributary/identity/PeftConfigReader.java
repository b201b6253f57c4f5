package dev.tributary.identity;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Reads an `adapter_config.json` by the table that [PeftConfig#parse] states.
final class PeftConfigReader {
  private static final Set<String> HONOURED =
      Set.of(
          "peft_type",
          "task_type",
          "base_model_name_or_path",
          "bias",
          "r",
          "lora_alpha",
          "use_rslora",
          "use_dora",
          "rank_pattern",
          "alpha_pattern",
          "target_modules",
          "layers_to_transform",
          "layers_pattern",
          "modules_to_save");

  /// `init_lora_weights` is here for some values only; `qalora_group_size` says nothing unless
  /// `use_qalora` is true, which is refused.
  private static final Set<String> TRAINING_ONLY =
      Set.of(
          "lora_dropout",
          "inference_mode",
          "peft_version",
          "megatron_core",
          "auto_mapping",
          "revision",
          "qalora_group_size",
          "init_lora_weights");

  private static final Set<String> HARMLESS_INITS = Set.of("gaussian", "eva");

  /// Names that mean themselves, in lists that PEFT would otherwise put into expressions.
  private static final Pattern MODULE_NAME = Pattern.compile("[A-Za-z0-9_.-]{1,256}");

  private static final Pattern LIST_NAME = Pattern.compile("[A-Za-z0-9_]{1,256}");

  private static final int MAX_ENTRIES = 4_096;

  /// Of all patterns together; every question about a module name runs through them.
  private static final int MAX_PATTERN_SIZE = 100_000;

  private static final int MAX_LAYER = 100_000;

  private static final JsonMapper JSON =
      JsonMapper.builder(
              JsonFactory.builder()
                  .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                  .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
                  .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxNestingDepth(16)
                          .maxNumberLength(40)
                          .maxNameLength(ModulePattern.MAX_CHARS)
                          .maxStringLength(ModulePattern.MAX_CHARS)
                          .build())
                  .build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private final JsonNode root;
  private int patternSize;

  private PeftConfigReader(JsonNode root) {
    this.root = root;
  }

  static PeftConfig read(byte[] json) {
    JsonNode root = tree(json);
    if (!root.isObject()) {
      throw new PeftConfigException("", "is not a JSON object");
    }
    root.properties().forEach(entry -> requireKnown(entry.getKey(), entry.getValue()));
    return new PeftConfigReader(root).config();
  }

  private static JsonNode tree(byte[] json) {
    if (json.length > PeftConfig.MAX_BYTES) {
      throw new PeftConfigException("", "has more than " + PeftConfig.MAX_BYTES + " bytes");
    }
    try {
      // Decoded here, since Jackson would guess other encodings and let malformed UTF-8 pass.
      String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(json)).toString();
      return JSON.readTree(text);
    } catch (CharacterCodingException e) {
      throw new PeftConfigException("", "is not UTF-8", e);
    } catch (JacksonException e) {
      throw new PeftConfigException("", "is not strict JSON: " + e.getOriginalMessage(), e);
    }
  }

  private static void requireKnown(String key, JsonNode value) {
    if (key.equals("init_lora_weights")) {
      if (!value.isBoolean() && !value.isNull() && !HARMLESS_INITS.contains(value.asText())) {
        throw new PeftConfigException(
            key, shown(value) + " changes the base, so it can't be served");
      }
    } else if (!HONOURED.contains(key) && !TRAINING_ONLY.contains(key) && !isOff(value)) {
      throw new PeftConfigException(shortened(key), "is not supported: " + shown(value));
    }
  }

  private static boolean isOff(JsonNode value) {
    return value.isNull()
        || (value.isBoolean() && !value.booleanValue())
        || (value.isTextual() && value.textValue().isEmpty())
        || (value.isContainerNode() && value.isEmpty());
  }

  private PeftConfig config() {
    requireOneOf("peft_type", null, "LORA");
    requireOneOf("task_type", "CAUSAL_LM", "CAUSAL_LM");
    requireOneOf("bias", "none", "none");
    return new PeftConfig(
        baseModel(),
        root.has("r") ? rank("r", root.get("r")) : PeftConfig.DEFAULT_RANK,
        root.has("lora_alpha")
            ? alpha("lora_alpha", root.get("lora_alpha"))
            : PeftConfig.DEFAULT_ALPHA,
        flag("use_rslora"),
        flag("use_dora"),
        rules(
            "rank_pattern",
            (pattern, v) -> new PeftConfig.RankRule(pattern, rank("rank_pattern", v))),
        rules(
            "alpha_pattern",
            (pattern, v) -> new PeftConfig.AlphaRule(pattern, alpha("alpha_pattern", v))),
        targetModules(),
        layersToTransform(),
        strings("layers_pattern", LIST_NAME, true),
        strings("modules_to_save", MODULE_NAME, false));
  }

  /// @param otherwise what an absent or null value means; null if there must be one
  private void requireOneOf(String key, @Nullable String otherwise, String only) {
    JsonNode value = value(key);
    String text = value == null ? otherwise : value.isTextual() ? value.textValue() : null;
    if (!only.equals(text)) {
      throw new PeftConfigException(
          key,
          (value == null ? "is missing" : "is " + shown(value))
              + "; only "
              + only
              + " is supported");
    }
  }

  private @Nullable String baseModel() {
    JsonNode value = value("base_model_name_or_path");
    if (value == null) {
      return null;
    }
    if (!value.isTextual()) {
      throw new PeftConfigException("base_model_name_or_path", "is not a string");
    }
    return value.textValue().isEmpty() ? null : value.textValue();
  }

  private boolean flag(String key) {
    JsonNode value = value(key);
    if (value != null && !value.isBoolean()) {
      throw new PeftConfigException(key, "is not true or false: " + shown(value));
    }
    return value != null && value.booleanValue();
  }

  private TargetModules targetModules() {
    JsonNode value = value("target_modules");
    if (value == null) {
      throw new PeftConfigException(
          "target_modules", "is missing, and what PEFT would guess depends on its version");
    }
    if (value.isTextual()) {
      String text = value.textValue();
      return text.toLowerCase(Locale.ROOT).equals("all-linear")
          ? new TargetModules.AllLinear()
          : new TargetModules.Regex(pattern("target_modules", text, ModulePattern::compile));
    }
    List<String> names = strings("target_modules", MODULE_NAME, false);
    if (names.isEmpty()) {
      throw new PeftConfigException("target_modules", "names nothing");
    }
    return new TargetModules.Names(names);
  }

  private List<Integer> layersToTransform() {
    String key = "layers_to_transform";
    JsonNode value = value(key);
    if (value == null) {
      return List.of();
    }
    return value.isArray()
        ? list(key, value).stream().map(index -> integer(key, index, MAX_LAYER)).toList()
        : List.of(integer(key, value, MAX_LAYER));
  }

  private List<String> strings(String key, Pattern allowed, boolean orOne) {
    JsonNode value = value(key);
    if (value == null || (orOne && value.isTextual() && value.textValue().isEmpty())) {
      return List.of();
    }
    List<JsonNode> items = orOne && value.isTextual() ? List.of(value) : list(key, value);
    for (JsonNode item : items) {
      if (!item.isTextual() || !allowed.matcher(item.textValue()).matches()) {
        throw new PeftConfigException(key, "is not a plain module name: " + shown(item));
      }
    }
    return items.stream().map(JsonNode::textValue).toList();
  }

  private <T> List<T> rules(String key, BiFunction<ModulePattern, JsonNode, T> rule) {
    JsonNode value = value(key);
    if (value == null) {
      return List.of();
    }
    if (!value.isObject() || value.size() > MAX_ENTRIES) {
      throw new PeftConfigException(key, "is not an object of at most " + MAX_ENTRIES + " entries");
    }
    List<T> rules = new ArrayList<>();
    for (Map.Entry<String, JsonNode> entry : value.properties()) {
      ModulePattern pattern = pattern(key, entry.getKey(), ModulePattern::compileSuffix);
      rules.add(rule.apply(pattern, entry.getValue()));
    }
    return rules;
  }

  private ModulePattern pattern(
      String key, String source, Function<String, ModulePattern> compiler) {
    ModulePattern pattern;
    try {
      pattern = compiler.apply(source);
    } catch (IllegalArgumentException e) {
      throw new PeftConfigException(key, "\"" + shortened(source) + "\" " + e.getMessage(), e);
    }
    patternSize += pattern.size();
    if (patternSize > MAX_PATTERN_SIZE) {
      throw new PeftConfigException(key, "its patterns are too long together");
    }
    return pattern;
  }

  private static int rank(String key, JsonNode value) {
    return integer(key, value, PeftConfig.MAX_RANK);
  }

  private static int integer(String key, JsonNode value, int most) {
    if (!value.isIntegralNumber()
        || !value.canConvertToInt()
        || value.intValue() < 0
        || value.intValue() > most) {
      throw new PeftConfigException(
          key, "is not an integer of at most " + most + ": " + shown(value));
    }
    return value.intValue();
  }

  private static double alpha(String key, JsonNode value) {
    if (!value.isNumber()) {
      throw new PeftConfigException(key, "is not a number: " + shown(value));
    }
    return value.doubleValue();
  }

  private static List<JsonNode> list(String key, JsonNode value) {
    if (!value.isArray() || value.size() > MAX_ENTRIES) {
      throw new PeftConfigException(key, "is not a list of at most " + MAX_ENTRIES + " entries");
    }
    return value.valueStream().toList();
  }

  /// Null for an absent key and for JSON's null.
  private @Nullable JsonNode value(String key) {
    JsonNode value = root.get(key);
    return value == null || value.isNull() ? null : value;
  }

  private static String shown(JsonNode value) {
    return shortened(value.toString());
  }

  private static String shortened(String text) {
    String plain = text.replaceAll("\\p{Cntrl}", "?");
    return plain.length() <= 100 ? plain : plain.substring(0, 100) + "...";
  }
}
