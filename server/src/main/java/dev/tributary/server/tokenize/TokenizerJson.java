package dev.tributary.server.tokenize;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Parts of a `tokenizer.json`, the format of Hugging Face's tokenizers library.
final class TokenizerJson {
  static final ObjectMapper MAPPER = new ObjectMapper();

  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  private TokenizerJson() {}

  static ObjectNode object(String type) {
    return NODES.objectNode().put("type", type);
  }

  static ArrayNode array() {
    return NODES.arrayNode();
  }

  /// A file of these parts, without post-processing, truncation and padding.
  static byte[] bytes(
      JsonNode normalizer, JsonNode preTokenizer, ObjectNode model, List<AddedToken> plainTokens) {
    ArrayNode added = NODES.arrayNode();
    for (AddedToken token : plainTokens) {
      added
          .addObject()
          .put("id", token.id())
          .put("content", token.content())
          .put("single_word", false)
          .put("lstrip", token.leftStrip())
          .put("rstrip", token.rightStrip())
          .put("normalized", token.normalized())
          .put("special", false);
    }
    ObjectNode root = NODES.objectNode();
    root.put("version", "1.0");
    root.putNull("truncation");
    root.putNull("padding");
    root.set("added_tokens", added);
    root.set("normalizer", normalizer);
    root.set("pre_tokenizer", preTokenizer);
    root.putNull("post_processor");
    root.putNull("decoder");
    root.set("model", model);
    try {
      return MAPPER.writeValueAsBytes(root);
    } catch (JsonProcessingException e) {
      throw new TokenizerException("the tokenizer can't be written as JSON", e);
    }
  }

  /// A BPE model with `vocab` and `merges` still to be filled.
  static ObjectNode bpe(@Nullable String unknown, boolean byteFallback, boolean ignoreMerges) {
    ObjectNode model = object("BPE");
    model.putNull("dropout");
    model.put("unk_token", unknown);
    model.putNull("continuing_subword_prefix");
    model.putNull("end_of_word_suffix");
    model.put("fuse_unk", byteFallback);
    model.put("byte_fallback", byteFallback);
    model.put("ignore_merges", ignoreMerges);
    model.putObject("vocab");
    model.putArray("merges");
    return model;
  }

  static JsonNode nothing() {
    return NODES.nullNode();
  }

  static ObjectNode byteLevel(boolean withPattern) {
    return object("ByteLevel")
        .put("add_prefix_space", false)
        .put("trim_offsets", true)
        .put("use_regex", withPattern);
  }

  static ObjectNode split(String pattern) {
    ObjectNode split = object("Split");
    split.putObject("pattern").put("Regex", pattern);
    return split.put("behavior", "Isolated").put("invert", false);
  }

  static ObjectNode sequence(ArrayNode parts) {
    ObjectNode sequence = object("Sequence");
    sequence.set("pretokenizers", parts);
    return sequence;
  }

  static ObjectNode metaspace(String prependScheme) {
    return object("Metaspace")
        .put("replacement", "\u2581")
        .put("prepend_scheme", prependScheme)
        .put("split", false);
  }
}
