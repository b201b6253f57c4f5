package dev.tributary.server;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tributary.server.model.Comparison.Text;
import dev.tributary.server.tokenize.ChatOptions;
import dev.tributary.server.tokenize.Message;
import dev.tributary.server.tokenize.TemplateException;
import dev.tributary.server.tokenize.Tokenizer;
import dev.tributary.tlog.Hash;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/// The texts on which a base is measured against its source: some hundred tokens each of prose,
/// code, numbers, a chat in the base's own template, and other languages than English. Written for
/// this.
///
/// @param texts in tokens of the base
/// @param leftOut what could not be had, and why
record CertificateTexts(List<Text> texts, List<String> leftOut) {
  /// Of a text; a tokenizer that knows few words makes more of it, which are left out.
  private static final int MOST = 1_024;

  private static final List<String> PLAIN = List.of("prose", "code", "numbers", "languages");
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final ChatOptions WHOLE = new ChatOptions(false, Map.of(), List.of(), false);

  /// @param context longest sequence of the base, in tokens
  static CertificateTexts of(Tokenizer tokenizer, int context) {
    int most = Math.min(MOST, context);
    List<Text> texts = new ArrayList<>();
    List<String> leftOut = new ArrayList<>();
    for (String name : PLAIN) {
      add(name, tokenizer.encodePrompt(plain(name)), most, texts, leftOut);
    }
    try {
      add("chat", tokenizer.encodeChat(chat(), WHOLE), most, texts, leftOut);
    } catch (TemplateException e) {
      leftOut.add("chat: " + e.getMessage());
    }
    return new CertificateTexts(List.copyOf(texts), List.copyOf(leftOut));
  }

  private static void add(
      String name, int[] tokens, int most, List<Text> texts, List<String> leftOut) {
    if (tokens.length < 2) {
      leftOut.add(name + ": the base's tokenizer makes " + tokens.length + " tokens of it");
      return;
    }
    texts.add(new Text(name, Arrays.copyOf(tokens, Math.min(most, tokens.length))));
  }

  /// Tokens of the longest.
  int longest() {
    return texts.stream().mapToInt(text -> text.tokens().length).max().orElse(0);
  }

  /// Of all tokens, `sha256:<hex>`.
  String digest() {
    StringBuilder all = new StringBuilder();
    for (Text text : texts) {
      all.append(text.name()).append(Arrays.toString(text.tokens())).append('\n');
    }
    return Hash.sha256(all.toString().getBytes(UTF_8)).text();
  }

  static String plain(String name) {
    return read(name + ".txt");
  }

  static List<Message> chat() {
    return read("chat.jsonl").lines().map(CertificateTexts::message).toList();
  }

  private static Message message(String line) {
    try {
      JsonNode message = JSON.readTree(line);
      return new Message(message.get("role").textValue(), message.get("content").textValue());
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("chat.jsonl is not what was built", e);
    }
  }

  private static String read(String name) {
    try (InputStream in = CertificateTexts.class.getResourceAsStream("certificate/" + name)) {
      if (in == null) {
        throw new IllegalStateException(name + " is missing from the build");
      }
      return new String(in.readAllBytes(), UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
