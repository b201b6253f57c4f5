package dev.tributary.server.tokenize;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// The tokenizer a GGUF file describes under `tokenizer.*`: byte-level BPE (`gpt2`) or
/// SentencePiece BPE (`llama`). The keys are llama.cpp's; where it and transformers differ,
/// transformers is followed.
final class GgufTokenizer {
  private static final String PREFIX = "tokenizer.ggml.";
  private static final String TOKENS = PREFIX + "tokens";
  private static final String TYPES = PREFIX + "token_type";
  private static final String SCORES = PREFIX + "scores";
  private static final String MERGES = PREFIX + "merges";
  private static final int MAX_TOKENS = 1 << 20;
  private static final int MAX_TOKEN_LENGTH = 1024;

  /// Token types of the format.
  private static final int UNKNOWN = 2;

  private static final int CONTROL = 3;
  private static final int USER_DEFINED = 4;

  /// Keys that are read here or say nothing about how text is encoded and decoded.
  private static final Set<String> KNOWN =
      Set.of(
          "model",
          "pre",
          "tokens",
          "token_type",
          "scores",
          "merges",
          "bos_token_id",
          "eos_token_id",
          "eot_token_id",
          "eom_token_id",
          "unknown_token_id",
          "padding_token_id",
          "seperator_token_id",
          "separator_token_id",
          "cls_token_id",
          "mask_token_id",
          "add_bos_token",
          "add_eos_token",
          "add_sep_token",
          "add_space_prefix",
          "remove_extra_whitespaces",
          "precompiled_charsmap",
          "added_tokens",
          "token_type_count",
          "prefix_token_id",
          "suffix_token_id",
          "middle_token_id",
          "fim_pre_token_id",
          "fim_suf_token_id",
          "fim_mid_token_id",
          "fim_pad_token_id",
          "fim_rep_token_id",
          "fim_sep_token_id");

  /// Ends of turns by the names they have in files that don't state an id for them.
  private static final Set<String> TURN_ENDS =
      Set.of("<|eot_id|>", "<|eom_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>");

  private final GgufMetadata metadata;
  private final String[] tokens;
  private final BitSet control = new BitSet();
  private final List<AddedToken> added = new ArrayList<>();
  private final List<AddedToken> plainAdded = new ArrayList<>();
  private final boolean spm;

  private GgufTokenizer(GgufMetadata metadata) {
    this.metadata = metadata;
    String model = metadata.string(PREFIX + "model");
    this.spm = model.equals("llama");
    if (!spm && !model.equals("gpt2")) {
      throw new TokenizerException(PREFIX + "model '" + model + "' is not supported");
    }
    this.tokens = readTokens();
  }

  static TokenizerSource read(Map<String, Object> values) {
    refuseUnknownKeys(values);
    return new GgufTokenizer(new GgufMetadata(values)).source();
  }

  private static void refuseUnknownKeys(Map<String, Object> values) {
    for (String key : values.keySet()) {
      if (key.startsWith(PREFIX) && !KNOWN.contains(key.substring(PREFIX.length()))) {
        throw new TokenizerException(key + " is unknown and might change how text is encoded");
      }
    }
    for (String refused : new String[] {"add_sep_token", "remove_extra_whitespaces"}) {
      if (new GgufMetadata(values).flag(PREFIX + refused, false)) {
        throw new TokenizerException(PREFIX + refused + " is not supported");
      }
    }
    if (new GgufMetadata(values).length(PREFIX + "precompiled_charsmap") > 0) {
      throw new TokenizerException(PREFIX + "precompiled_charsmap is not supported");
    }
  }

  private String[] readTokens() {
    int size = metadata.length(TOKENS);
    if (size < 1 || size > MAX_TOKENS) {
      throw new TokenizerException(
          TOKENS
              + (size < 0 ? " is missing" : " has " + size + " entries, not 1 to " + MAX_TOKENS));
    }
    if (metadata.length(TYPES) != size) {
      throw new TokenizerException(
          TYPES + " has " + metadata.length(TYPES) + " entries, " + TOKENS + " has " + size);
    }
    String[] read = new String[size];
    for (int id = 0; id < size; id++) {
      String token = metadata.stringAt(TOKENS, id);
      if (token.isEmpty() || token.length() > MAX_TOKEN_LENGTH) {
        throw new TokenizerException(
            TOKENS
                + "["
                + id
                + "] has "
                + token.length()
                + " characters, not 1 to "
                + MAX_TOKEN_LENGTH);
      }
      read[id] = token;
    }
    return read;
  }

  private TokenizerSource source() {
    int size = tokens.length;
    int bos = metadata.id(PREFIX + "bos_token_id", size);
    int eos = metadata.id(PREFIX + "eos_token_id", size);
    int unknown = metadata.id(PREFIX + "unknown_token_id", size);
    int padding = metadata.id(PREFIX + "padding_token_id", size);
    BitSet stops = stops(eos);
    classify(bos, eos, unknown, stops);

    boolean spacePrefix = metadata.flag(PREFIX + "add_space_prefix", spm);
    PreTokenizers pre = spm ? PreTokenizers.SENTENCE_PIECE : preTokenizer(spacePrefix);
    byte[] json = spm ? sentencePiece(unknown, spacePrefix ? "first" : "never") : byteLevel(pre);
    byte[] later = spm && spacePrefix ? sentencePiece(unknown, "never") : null;
    boolean addsBos = metadata.flag(PREFIX + "add_bos_token", pre.addsBos() && bos >= 0);
    boolean addsEos = metadata.flag(PREFIX + "add_eos_token", false);
    Vocabulary.Spelling spelling =
        spm ? Vocabulary.Spelling.SENTENCE_PIECE : Vocabulary.Spelling.BYTE_LEVEL;
    return new TokenizerSource(
        new Vocabulary(spelling, spm && spacePrefix, tokens, control),
        added,
        json,
        later,
        spm ? unknown : -1,
        ends("add_bos_token", addsBos, "bos_token_id", bos),
        ends("add_eos_token", addsEos, "eos_token_id", eos),
        bos,
        stops,
        specialTokens(bos, eos, unknown, padding),
        metadata.optionalString("tokenizer.chat_template"),
        metadata.optionalString("tokenizer.chat_template.tool_use"));
  }

  private static int[] ends(String flag, boolean adds, String key, int id) {
    if (adds && id < 0) {
      throw new TokenizerException(PREFIX + flag + " is true, but " + PREFIX + key + " is missing");
    }
    return adds ? new int[] {id} : new int[0];
  }

  private BitSet stops(int eos) {
    BitSet stops = new BitSet();
    for (int id :
        new int[] {
          eos,
          metadata.id(PREFIX + "eot_token_id", tokens.length),
          metadata.id(PREFIX + "eom_token_id", tokens.length)
        }) {
      if (id >= 0) {
        stops.set(id);
      }
    }
    for (int id = 0; id < tokens.length; id++) {
      if (metadata.integerAt(TYPES, id) == CONTROL && TURN_ENDS.contains(tokens[id])) {
        stops.set(id);
      }
    }
    return stops;
  }

  private void classify(int bos, int eos, int unknown, BitSet stops) {
    for (int id = 0; id < tokens.length; id++) {
      int type = metadata.integerAt(TYPES, id);
      boolean controls =
          type == CONTROL
              || type == UNKNOWN
              || id == bos
              || id == eos
              || id == unknown
              || stops.get(id);
      if (controls) {
        control.set(id);
      }
      if (controls || type == USER_DEFINED) {
        AddedToken token = AddedToken.plain(id, tokens[id], controls);
        added.add(token);
        if (!controls) {
          plainAdded.add(token);
        }
      }
    }
  }

  private Map<String, String> specialTokens(int bos, int eos, int unknown, int padding) {
    Map<String, String> special = new LinkedHashMap<>();
    Map.of("bos_token", bos, "eos_token", eos, "unk_token", unknown, "pad_token", padding)
        .forEach(
            (name, id) -> {
              if (id >= 0) {
                special.put(name, tokens[id]);
              }
            });
    return special;
  }

  private PreTokenizers preTokenizer(boolean spacePrefix) {
    String name = metadata.string(PREFIX + "pre");
    PreTokenizers pre = PreTokenizers.named(name);
    if (pre == null) {
      throw new TokenizerException(PREFIX + "pre '" + name + "' is not supported");
    }
    if (spacePrefix) {
      throw new TokenizerException(PREFIX + "add_space_prefix is not supported with BPE");
    }
    return pre;
  }

  private byte[] byteLevel(PreTokenizers pre) {
    ArrayNode steps = TokenizerJson.array();
    if (pre.digits()) {
      steps.add(TokenizerJson.object("Digits").put("individual_digits", true));
    }
    pre.splits().forEach(pattern -> steps.add(TokenizerJson.split(pattern)));
    steps.add(TokenizerJson.byteLevel(pre.splits().isEmpty()));
    ObjectNode model = TokenizerJson.bpe(null, false, pre.ignoreMerges());
    Map<String, Integer> ids = fillVocabulary(model, -1);
    fillMerges(model, ids);
    JsonNode normalizer = pre.nfc() ? TokenizerJson.object("NFC") : TokenizerJson.nothing();
    return TokenizerJson.bytes(normalizer, TokenizerJson.sequence(steps), model, plainAdded);
  }

  private byte[] sentencePiece(int unknown, String prependScheme) {
    // The unknown token gets a name that no text can have, so that none can spell it.
    ObjectNode model = TokenizerJson.bpe(unknown < 0 ? null : UnspellableName.UNKNOWN, true, false);
    Map<String, Integer> ids = fillVocabulary(model, unknown);
    if (metadata.length(MERGES) >= 0) {
      fillMerges(model, ids);
    } else {
      SentencePieceMerges.fill((ArrayNode) model.get("merges"), tokens, scores(), ids);
    }
    return TokenizerJson.bytes(
        TokenizerJson.nothing(), TokenizerJson.metaspace(prependScheme), model, plainAdded);
  }

  private double[] scores() {
    if (metadata.length(SCORES) != tokens.length) {
      throw new TokenizerException(
          SCORES + " has " + metadata.length(SCORES) + " entries for " + tokens.length + " tokens");
    }
    double[] scores = new double[tokens.length];
    for (int id = 0; id < tokens.length; id++) {
      scores[id] = metadata.realAt(SCORES, id);
    }
    return scores;
  }

  /// Every token that text can become. A string that stands twice keeps its last id, as in
  /// transformers.
  private Map<String, Integer> fillVocabulary(ObjectNode model, int unknown) {
    ObjectNode vocabulary = (ObjectNode) model.get("vocab");
    Map<String, Integer> ids = new HashMap<>();
    for (int id = 0; id < tokens.length; id++) {
      if (!control.get(id)) {
        vocabulary.put(tokens[id], id);
        ids.put(tokens[id], id);
      }
    }
    if (unknown >= 0) {
      vocabulary.put(UnspellableName.UNKNOWN, unknown);
    }
    return ids;
  }

  private void fillMerges(ObjectNode model, Map<String, Integer> ids) {
    int count = metadata.length(MERGES);
    if (count < 0 || count > 4 * MAX_TOKENS) {
      throw new TokenizerException(
          MERGES + (count < 0 ? " is missing" : " has " + count + " entries"));
    }
    ArrayNode merges = (ArrayNode) model.get("merges");
    for (int i = 0; i < count; i++) {
      String merge = metadata.stringAt(MERGES, i);
      int space = merge.indexOf(' ');
      if (space < 1 || space == merge.length() - 1 || merge.indexOf(' ', space + 1) >= 0) {
        throw new TokenizerException(MERGES + "[" + i + "] is not two tokens with a space between");
      }
      String left = merge.substring(0, space);
      String right = merge.substring(space + 1);
      if (isToken(left, ids) && isToken(right, ids) && isToken(left + right, ids)) {
        merges.addArray().add(left).add(right);
      } else if (!isControl(left) && !isControl(right) && !isControl(left + right)) {
        throw new TokenizerException(MERGES + "[" + i + "] makes or takes what is no token");
      }
    }
  }

  private static boolean isToken(String text, Map<String, Integer> ids) {
    return ids.containsKey(text);
  }

  private boolean isControl(String text) {
    return added.stream().anyMatch(token -> token.control() && token.content().equals(text));
  }
}
