package dev.tributary.server.tokenize;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// What `tokenizer.ggml.pre` names: how byte-level BPE cuts text before it merges. A GGUF file has
/// only the name; the pipelines are those of the models' own `tokenizer.json`.
///
/// @param digits whether every digit is cut off first
/// @param splits patterns applied in turn; none means GPT-2's, built into the library
/// @param nfc whether text is normalised to NFC first
/// @param ignoreMerges whether a piece that is a token needs no merges
/// @param addsBos whether bare prompts start with BOS where the file doesn't say
record PreTokenizers(
    boolean digits, List<String> splits, boolean nfc, boolean ignoreMerges, boolean addsBos) {
  private static final String LLAMA3 =
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}"
          + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
  private static final String QWEN2 = LLAMA3.replace("\\p{N}{1,3}", "\\p{N}");
  private static final String QWEN35 =
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}"
          + "| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
  private static final String UPPER = "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]";
  private static final String LOWER = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]";
  private static final String TEKKEN =
      "[^\\r\\n\\p{L}\\p{N}]?%s*%s+|[^\\r\\n\\p{L}\\p{N}]?%s+%s*"
              .formatted(UPPER, LOWER, UPPER, LOWER)
          + "|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
  private static final List<String> DEEPSEEK3 =
      List.of(
          "\\p{N}{1,3}",
          "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+",
          "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+"
              + "|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*"
              + "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+");

  /// SentencePiece cuts nothing before it merges.
  static final PreTokenizers SENTENCE_PIECE =
      new PreTokenizers(false, List.of(), false, false, true);

  private static final PreTokenizers GPT2 =
      new PreTokenizers(false, List.of(), false, false, false);
  private static final PreTokenizers DIGITS_GPT2 =
      new PreTokenizers(true, List.of(), false, false, false);
  private static final PreTokenizers LLAMA_BPE =
      new PreTokenizers(false, List.of(LLAMA3), false, true, true);
  private static final PreTokenizers QWEN =
      new PreTokenizers(false, List.of(QWEN2), true, false, false);

  private static final Map<String, PreTokenizers> BY_NAME =
      Map.ofEntries(
          Map.entry("gpt-2", GPT2),
          Map.entry("mpt", GPT2),
          Map.entry("olmo", GPT2),
          Map.entry("smollm", DIGITS_GPT2),
          Map.entry("starcoder", DIGITS_GPT2),
          Map.entry("refact", DIGITS_GPT2),
          Map.entry("command-r", DIGITS_GPT2),
          Map.entry("llama3", LLAMA_BPE),
          Map.entry("llama-v3", LLAMA_BPE),
          Map.entry("llama-bpe", LLAMA_BPE),
          Map.entry("falcon3", LLAMA_BPE),
          Map.entry("pixtral", LLAMA_BPE),
          Map.entry("qwen2", QWEN),
          Map.entry("deepseek-r1-qwen", QWEN),
          Map.entry("qwen35", new PreTokenizers(false, List.of(QWEN35), true, false, false)),
          Map.entry("tekken", new PreTokenizers(false, List.of(TEKKEN), false, true, true)),
          Map.entry("deepseek-v3", new PreTokenizers(false, DEEPSEEK3, false, false, false)));

  static @Nullable PreTokenizers named(String name) {
    return BY_NAME.get(name);
  }
}
