package dev.tributary.server.tokenize;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// A `tokenizer.json` with a BPE model, taken apart: the vocabulary, the added tokens, what the
/// post-processor puts around a text, and the same file without its control tokens.
final class TokenizerFile {
  private static final int MAX_ID = 1 << 21;

  private final JsonFile file;
  private final JsonNode model;
  private final Map<String, Integer> ids = new HashMap<>();
  private final @Nullable String[] tokens;
  private final BitSet control = new BitSet();
  private final List<JsonNode> added = new ArrayList<>();
  private final int unknown;

  TokenizerFile(JsonFile file, Map<String, String> specialTokens) {
    this.file = file;
    this.model = file.root().path("model");
    checkModel();
    for (var entry : model.path("vocab").properties()) {
      ids.put(entry.getKey(), file.id(entry.getValue(), "model.vocab", MAX_ID));
    }
    readAddedTokens();
    this.tokens = byId();
    for (String token : specialTokens.values()) {
      Integer id = ids.get(token);
      if (id != null) {
        control.set(id);
      }
    }
    JsonNode name = model.path("unk_token");
    Integer id = name.isTextual() ? ids.get(name.textValue()) : null;
    this.unknown = id == null ? -1 : id;
  }

  private void checkModel() {
    if (!model.path("type").asText("BPE").equals("BPE")
        || !model.path("vocab").isObject()
        || !model.path("merges").isArray()) {
      throw file.unsupported("model.type", model.path("type"));
    }
    for (String key : new String[] {"continuing_subword_prefix", "end_of_word_suffix", "dropout"}) {
      JsonNode value = model.path(key);
      boolean empty = value.isMissingNode() || value.isNull() || value.asText().isEmpty();
      if (!empty && !(value.isNumber() && value.doubleValue() == 0)) {
        throw file.unsupported("model." + key, value);
      }
    }
  }

  private void readAddedTokens() {
    for (JsonNode token : file.root().path("added_tokens")) {
      String content = file.text(token.path("content"), "added_tokens.content");
      int id = file.id(token.path("id"), "added_tokens.id", MAX_ID);
      if (content.isEmpty()) {
        throw file.wrong("added_tokens.content", "a token");
      }
      Integer other = ids.put(content, id);
      if (other != null && other != id) {
        throw new TokenizerException(
            file.name() + ": token '" + content + "' has the ids " + other + " and " + id);
      }
      boolean special = file.flag(token, "special");
      if (special) {
        control.set(id);
      }
      if (file.flag(token, "single_word")) {
        throw file.unsupported("added_tokens.single_word", token.path("content"));
      }
      if (special && file.flag(token, "normalized") && normalizerChanges(content)) {
        throw file.unsupported("added_tokens.normalized", token.path("content"));
      }
      added.add(token);
    }
  }

  /// Whether a token that is looked for in normalised text is found elsewhere than in the text
  /// itself; Unicode's normal forms leave ASCII alone.
  private boolean normalizerChanges(String content) {
    JsonNode normalizer = file.root().path("normalizer");
    if (normalizer.isNull() || normalizer.isMissingNode()) {
      return false;
    }
    boolean unicode =
        Set.of("NFC", "NFD", "NFKC", "NFKD").contains(normalizer.path("type").asText());
    return !unicode || content.chars().anyMatch(c -> c >= 0x80);
  }

  private @Nullable String[] byId() {
    int size = ids.values().stream().mapToInt(Integer::intValue).max().orElse(-1) + 1;
    if (size == 0) {
      throw file.wrong("model.vocab", "a vocabulary");
    }
    @Nullable String[] tokens = new String[size];
    ids.forEach((token, id) -> tokens[id] = token);
    for (JsonNode token : added) {
      tokens[token.path("id").intValue()] = token.path("content").textValue();
    }
    return tokens;
  }

  @Nullable Integer id(String token) {
    return ids.get(token);
  }

  int unknown() {
    return unknown;
  }

  void addControl(BitSet more) {
    control.or(more);
  }

  Vocabulary vocabulary() {
    JsonNode decoder = file.root().path("decoder");
    if (decoder.path("type").asText().equals("ByteLevel")) {
      return new Vocabulary(Vocabulary.Spelling.BYTE_LEVEL, false, tokens, control);
    }
    List<String> steps = new ArrayList<>();
    boolean strips = false;
    for (JsonNode step : decoder.path("decoders")) {
      String type = step.path("type").asText();
      boolean known =
          switch (type) {
            case "Replace" ->
                step.path("pattern").path("String").asText().equals("\u2581")
                    && step.path("content").asText().equals(" ");
            case "ByteFallback", "Fuse" -> true;
            case "Strip" -> {
              strips = true;
              yield step.path("content").asText().equals(" ")
                  && step.path("start").asInt() == 1
                  && step.path("stop").asInt() == 0;
            }
            default -> false;
          };
      if (!known) {
        throw file.unsupported("decoder", step);
      }
      steps.add(type);
    }
    if (!steps.equals(List.of("Replace", "ByteFallback", "Fuse"))
        && !steps.equals(List.of("Replace", "ByteFallback", "Fuse", "Strip"))) {
      throw file.unsupported("decoder", decoder);
    }
    return new Vocabulary(Vocabulary.Spelling.SENTENCE_PIECE, strips, tokens, control);
  }

  List<AddedToken> addedTokens() {
    List<AddedToken> all = new ArrayList<>();
    Set<Integer> seen = new HashSet<>();
    for (JsonNode token : added) {
      AddedToken one = addedToken(token);
      all.add(one);
      seen.add(one.id());
    }
    control.stream()
        .filter(id -> !seen.contains(id) && tokens[id] != null)
        .forEach(id -> all.add(AddedToken.plain(id, String.valueOf(tokens[id]), true)));
    return all;
  }

  private AddedToken addedToken(JsonNode token) {
    int id = token.path("id").intValue();
    return new AddedToken(
        id,
        token.path("content").textValue(),
        control.get(id),
        file.flag(token, "lstrip"),
        file.flag(token, "rstrip"),
        file.flag(token, "normalized"));
  }

  /// What the post-processor puts before and after a text.
  void readAffixes(List<Integer> prefix, List<Integer> suffix) {
    JsonNode processor = file.root().path("post_processor");
    Iterable<JsonNode> steps =
        processor.path("type").asText().equals("Sequence")
            ? processor.path("processors")
            : List.of(processor);
    for (JsonNode step : steps) {
      switch (step.path("type").asText()) {
        case "", "ByteLevel" -> {}
        case "TemplateProcessing" -> readAffixes(step, prefix, suffix);
        default -> throw file.unsupported("post_processor", step.path("type"));
      }
    }
  }

  private void readAffixes(JsonNode step, List<Integer> prefix, List<Integer> suffix) {
    boolean before = true;
    for (JsonNode piece : step.path("single")) {
      if (piece.has("Sequence")) {
        before = false;
        continue;
      }
      String name = piece.path("SpecialToken").path("id").asText();
      for (JsonNode id : step.path("special_tokens").path(name).path("ids")) {
        int checked = file.id(id, "post_processor.special_tokens", tokens.length);
        (before ? prefix : suffix).add(checked);
      }
    }
  }

  /// Whether a text is encoded differently at its start.
  boolean isFirstDifferent() {
    return !withoutFirst(file.root().path("pre_tokenizer").deepCopy())
        .equals(file.root().path("pre_tokenizer"));
  }

  /// SentencePiece's space before the first piece of a text is none for later pieces.
  private static JsonNode withoutFirst(JsonNode preTokenizer) {
    for (JsonNode step : preTokenizer.path("pretokenizers")) {
      withoutFirst(step);
    }
    if (preTokenizer instanceof ObjectNode step
        && step.path("type").asText().equals("Metaspace")
        && step.path("prepend_scheme").asText().equals("first")) {
      step.put("prepend_scheme", "never");
    }
    return preTokenizer;
  }

  /// The same file without control tokens: no text can become one.
  ///
  /// @param later whether for text that follows a control token
  byte[] withoutControl(boolean later) {
    ObjectNode plainModel = TokenizerJson.object("BPE");
    for (var field : model.properties()) {
      if (!field.getKey().equals("vocab") && !field.getKey().equals("merges")) {
        plainModel.set(field.getKey(), field.getValue());
      }
    }
    ObjectNode vocab = plainModel.putObject("vocab");
    ids.forEach(
        (token, id) -> {
          if (!control.get(id)) {
            vocab.put(token, id);
          }
        });
    if (unknown >= 0 && control.get(unknown)) {
      vocab.put(UnspellableName.UNKNOWN, unknown);
      plainModel.put("unk_token", UnspellableName.UNKNOWN);
    }
    plainModel.set("merges", merges(vocab));
    List<AddedToken> plain = addedTokens().stream().filter(token -> !token.control()).toList();
    JsonNode preTokenizer = file.root().path("pre_tokenizer").deepCopy();
    return TokenizerJson.bytes(
        file.root().path("normalizer"),
        later ? withoutFirst(preTokenizer) : preTokenizer,
        plainModel,
        plain);
  }

  private ArrayNode merges(ObjectNode vocab) {
    ArrayNode merges = TokenizerJson.array();
    for (JsonNode merge : model.path("merges")) {
      String left;
      String right;
      if (merge.isTextual()) {
        int space = merge.textValue().indexOf(' ');
        if (space < 0) {
          throw file.wrong("model.merges", "a list of pairs");
        }
        left = merge.textValue().substring(0, space);
        right = merge.textValue().substring(space + 1);
      } else {
        left = file.text(merge.path(0), "model.merges");
        right = file.text(merge.path(1), "model.merges");
      }
      if (vocab.has(left) && vocab.has(right) && vocab.has(left + right)) {
        merges.addArray().add(left).add(right);
      } else if (!isControl(left) && !isControl(right) && !isControl(left + right)) {
        throw new TokenizerException(
            file.name() + ": merge of '" + left + "' and '" + right + "' has no token");
      }
    }
    return merges;
  }

  private boolean isControl(String token) {
    Integer id = ids.get(token);
    return id != null && control.get(id);
  }
}
