package dev.tributary.server.tokenize;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The tokenizer of a Hugging Face model directory: `tokenizer.json` says how text is cut, the
/// other files which tokens are special, what ends a generation and how a chat is written.
final class HuggingFaceDirectory {
  private static final String CONFIG = "tokenizer_config.json";
  private static final List<String> SPECIAL =
      List.of(
          "bos_token",
          "eos_token",
          "unk_token",
          "sep_token",
          "pad_token",
          "cls_token",
          "mask_token");

  private final Path directory;
  private final TokenizerFile file;
  private final JsonFile config;
  private final Map<String, String> specialTokens = new LinkedHashMap<>();

  private HuggingFaceDirectory(Path directory) {
    this.directory = directory;
    this.config = JsonFile.readIfPresent(directory, CONFIG);
    readSpecialTokens();
    this.file = new TokenizerFile(JsonFile.read(directory, "tokenizer.json"), specialTokens);
  }

  static TokenizerSource read(Path directory) {
    return new HuggingFaceDirectory(directory).source();
  }

  private TokenizerSource source() {
    BitSet stops = new BitSet();
    int bos = specialId("bos_token");
    int eos = specialId("eos_token");
    if (eos >= 0) {
      stops.set(eos);
    }
    readStops(stops);
    file.addControl(stops);
    List<Integer> prefix = new ArrayList<>();
    List<Integer> suffix = new ArrayList<>();
    file.readAffixes(prefix, suffix);
    adjust("add_bos_token", prefix, bos, "bos_token");
    adjust("add_eos_token", suffix, eos, "eos_token");
    return new TokenizerSource(
        file.vocabulary(),
        file.addedTokens(),
        file.withoutControl(false),
        file.isFirstDifferent() ? file.withoutControl(true) : null,
        file.unknown(),
        prefix.stream().mapToInt(Integer::intValue).toArray(),
        suffix.stream().mapToInt(Integer::intValue).toArray(),
        bos,
        stops,
        specialTokens,
        template("default"),
        template("tool_use"));
  }

  /// `tokenizer_config.json` first, then `special_tokens_map.json`; each a string or an object.
  private void readSpecialTokens() {
    JsonFile map = JsonFile.readIfPresent(directory, "special_tokens_map.json");
    for (String name : SPECIAL) {
      for (JsonFile source : List.of(config, map)) {
        JsonNode node = source.root().path(name);
        if (node.isNull() || node.isMissingNode() || specialTokens.containsKey(name)) {
          continue;
        }
        JsonNode content = node.isObject() ? node.path("content") : node;
        specialTokens.put(name, source.text(content, name));
      }
    }
  }

  private int specialId(String name) {
    String token = specialTokens.get(name);
    if (token == null) {
      return -1;
    }
    Integer id = file.id(token);
    if (id == null) {
      throw new TokenizerException(CONFIG + ": " + name + " '" + token + "' is no token");
    }
    return id;
  }

  private void readStops(BitSet stops) {
    JsonFile generation = JsonFile.readIfPresent(directory, "generation_config.json");
    JsonNode ids = generation.root().path("eos_token_id");
    if (ids.isMissingNode() || ids.isNull()) {
      return;
    }
    Iterable<JsonNode> all = ids.isArray() ? ids : List.of(ids);
    for (JsonNode id : all) {
      stops.set(generation.id(id, "eos_token_id", file.vocabulary().size()));
    }
  }

  /// `add_bos_token` and `add_eos_token` overrule the post-processor where they are stated.
  private void adjust(String flag, List<Integer> ids, int id, String token) {
    Boolean adds = config.optionalFlag(config.root(), flag);
    if (adds == null) {
      return;
    }
    ids.remove((Object) id);
    if (adds) {
      if (id < 0) {
        throw new TokenizerException(CONFIG + ": " + flag + " is true without " + token);
      }
      ids.add(flag.equals("add_bos_token") ? 0 : ids.size(), id);
    }
  }

  private @Nullable String template(String name) {
    boolean standard = name.equals("default");
    Path jinja = directory.resolve("chat_template.jinja");
    if (standard && Files.exists(jinja)) {
      return readTemplate(jinja);
    }
    JsonNode node = config.root().path("chat_template");
    if (node.isTextual()) {
      return standard ? node.textValue() : null;
    }
    for (JsonNode each : node) {
      if (each.path("name").asText().equals(name)) {
        return config.text(each.path("template"), "chat_template.template");
      }
    }
    return null;
  }

  private static String readTemplate(Path jinja) {
    try {
      if (Files.size(jinja) > 4L * ChatTemplate.MAX_SOURCE) {
        throw new TemplateException("chat_template.jinja is too long");
      }
      return new String(Files.readAllBytes(jinja), UTF_8);
    } catch (IOException e) {
      throw new TokenizerException("chat_template.jinja can't be read: " + e.getMessage(), e);
    }
  }
}
