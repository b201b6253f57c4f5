package dev.tributary.server.tokenize;

import java.nio.file.Path;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// A model's tokenizer and chat template. Immutable and safe for concurrent use; nothing here
/// touches the network.
///
/// Ids are those of transformers: [#encodeChat] equals `apply_chat_template(tokenize=True)` for
/// contents without control tokens, [#encodePrompt] equals `tokenizer(text)`.
public final class Tokenizer {
  /// How many bytes of a text one byte of its normal form can stand for, with room to spare.
  private static final int NORMAL_FORM_SHRINKS = 4;

  private final Vocabulary vocabulary;
  private final TextEncoder encoder;
  private final int[] prefix;
  private final int[] suffix;
  private final int longestToken;
  private final int bos;
  private final BitSet stopIds;
  private final @Nullable ChatTemplate template;
  private final @Nullable ChatTemplate toolTemplate;

  private Tokenizer(TokenizerSource source) {
    this.vocabulary = source.vocabulary();
    Backend first = Backend.load(source.json());
    Backend later = source.laterJson() == null ? first : Backend.load(source.laterJson());
    this.encoder =
        new TextEncoder(vocabulary, source.addedTokens(), first, later, source.unknown());
    this.prefix = source.prefix();
    this.suffix = source.suffix();
    boolean strips =
        source.addedTokens().stream().anyMatch(token -> token.leftStrip() || token.rightStrip());
    this.longestToken = strips ? 0 : vocabulary.longestToken();
    this.bos = source.bos();
    this.stopIds = source.stopIds();
    this.template =
        source.template() == null
            ? null
            : ChatTemplate.load(source.template(), source.specialTokens());
    this.toolTemplate =
        source.toolTemplate() == null
            ? null
            : ChatTemplate.loadForTools(source.toolTemplate(), source.specialTokens());
  }

  /// @param metadata a GGUF file's metadata: plain Java values, arrays as lists or primitive arrays
  /// @throws TokenizerException naming the key that is missing, malformed or not supported
  /// @throws TemplateException if the chat template can't be rendered exactly
  public static Tokenizer fromGguf(Map<String, Object> metadata) {
    return new Tokenizer(GgufTokenizer.read(metadata));
  }

  /// @param directory has `tokenizer.json` and, as far as the model has them,
  ///   `tokenizer_config.json`, `special_tokens_map.json`, `generation_config.json` and
  ///   `chat_template.jinja`
  /// @throws TokenizerException naming the file and key that is malformed or not supported
  /// @throws TemplateException if the chat template can't be rendered exactly
  public static Tokenizer fromHuggingFace(Path directory) {
    return new Tokenizer(HuggingFaceDirectory.read(directory));
  }

  /// Ids of a text, with nothing added.
  ///
  /// @param allowControl whether control tokens in the text become control ids; if not, they are
  ///   text like any other
  public int[] encode(String text, boolean allowControl) {
    return encoder.encode(allowControl ? Text.own(text) : Text.given(text));
  }

  /// Ids of a bare prompt: BOS and EOS are added as the model wants it. Control tokens in the
  /// prompt count, as in transformers.
  public int[] encodePrompt(String prompt) {
    int[] ids = encode(prompt, true);
    return Stream.of(prefix, ids, suffix).flatMapToInt(IntStream::of).toArray();
  }

  /// Ids of a conversation. BOS is there only if the template writes it.
  ///
  /// Unless [ChatOptions#trustContent], no character of a content, an unknown role, a template
  /// variable or a tool description can be part of a control token.
  ///
  /// @throws TemplateException if there is no template, it refuses the conversation or a limit is
  ///   reached; the message is meant for the caller
  public int[] encodeChat(List<Message> messages, ChatOptions options) {
    ChatTemplate chosen =
        toolTemplate != null && !options.tools().isEmpty() ? toolTemplate : template;
    if (chosen == null) {
      throw new TemplateException("the model has no chat template");
    }
    return encode(chosen.renderMarked(messages, options));
  }

  int[] encode(Text text) {
    return encoder.encode(text);
  }

  /// A number of tokens that a text has at least, found without encoding it: a text that can't fit
  /// a context need not be encoded, which takes a second for each megabyte and more if it is odd.
  public int leastTokens(String text) {
    return longestToken == 0 ? 0 : text.length() / (NORMAL_FORM_SHRINKS * longestToken);
  }

  /// Whether [#encodeChat] has a template to work with.
  public boolean hasChatTemplate() {
    return template != null;
  }

  /// Number of ids, in tokens.
  public int vocabularySize() {
    return vocabulary.size();
  }

  /// Ids that end a generation: EOS, end of turn, end of message, and those of the model's
  /// generation config. A copy.
  public BitSet stopIds() {
    return (BitSet) stopIds.clone();
  }

  /// Whether an id steers the model and is no text.
  public boolean isControl(int id) {
    return id >= 0 && vocabulary.isControl(id);
  }

  public OptionalInt bosId() {
    return bos < 0 ? OptionalInt.empty() : OptionalInt.of(bos);
  }

  /// The bytes an id stands for in a text, not always whole characters. A control token's bytes are
  /// its name; an id outside the vocabulary has none.
  public byte[] bytes(int id) {
    return vocabulary.bytes(id);
  }

  /// A decoder for what follows `context`.
  ///
  /// @param context ids that come before the first one pushed; empty for a text of its own
  public TextDecoder decoder(int... context) {
    return new TextDecoder(vocabulary, context);
  }
}
