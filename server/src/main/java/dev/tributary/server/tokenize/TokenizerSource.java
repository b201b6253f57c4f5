package dev.tributary.server.tokenize;

import java.util.BitSet;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// What a GGUF file or a Hugging Face directory says about its tokenizer, in one form.
///
/// @param json a `tokenizer.json` without any control token
/// @param laterJson the same for text that follows a control token, if that is encoded differently
/// @param unknown id for what can't be spelled, or -1
/// @param prefix ids a bare prompt starts with
/// @param suffix ids a bare prompt ends with
/// @param bos id of BOS, or -1
/// @param specialTokens `bos_token` and its kin, for templates
/// @param template the chat template, if there is one
/// @param toolTemplate the template for conversations with tools, if it is another
record TokenizerSource(
    Vocabulary vocabulary,
    List<AddedToken> addedTokens,
    byte[] json,
    byte @Nullable [] laterJson,
    int unknown,
    int[] prefix,
    int[] suffix,
    int bos,
    BitSet stopIds,
    Map<String, String> specialTokens,
    @Nullable String template,
    @Nullable String toolTemplate) {}
