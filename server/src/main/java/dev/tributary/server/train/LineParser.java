package dev.tributary.server.train;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.tributary.server.tokenize.Message;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/// Reads one line: `contributor`, and `messages` or `prompt` and `completion`. Any other key is
/// refused, since nobody would know that it was not trained on.
final class LineParser {
  /// Roles that contributions may have, in the order in which they are listed to callers.
  static final List<String> ROLES = List.of("system", "user", "assistant", "tool");

  /// Most characters of a contributor's name.
  private static final int MAX_CONTRIBUTOR = 256;

  private static final int MAX_MESSAGES = 1_000;

  private static final Set<String> CHAT = Set.of("contributor", "messages");
  private static final Set<String> PAIR = Set.of("contributor", "prompt", "completion");
  private static final Set<String> TURN = Set.of("role", "content");

  private static final JsonMapper JSON =
      JsonMapper.builder(
              JsonFactory.builder()
                  .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxNestingDepth(16)
                          .maxStringLength(Integer.MAX_VALUE)
                          .build())
                  .build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  /// A line that is fine.
  record Parsed(String contributor, List<Message> messages) {}

  /// A line that is not.
  static final class Unfit extends Exception {
    private static final long serialVersionUID = 1L;

    final transient LineProblem problem;

    Unfit(LineProblem problem) {
      super(problem.message(), null, false, false);
      this.problem = problem;
    }
  }

  private final long line;

  private LineParser(long line) {
    this.line = line;
  }

  /// @param line its number
  static Parsed parse(byte[] bytes, long line) throws Unfit {
    return new LineParser(line).parse(bytes);
  }

  private Parsed parse(byte[] bytes) throws Unfit {
    JsonNode root = tree(text(bytes));
    if (!root.isObject()) {
      throw wrong("is not a JSON object");
    }
    Set<String> keys = keys(root);
    if (!keys.contains("contributor")) {
      throw new Unfit(new LineProblem.NoContributor(line));
    }
    if (!keys.equals(CHAT) && !keys.equals(PAIR)) {
      throw wrong(
          "has %s; must have contributor, and messages or prompt and completion"
              .formatted(String.join(", ", keys)));
    }
    List<Message> messages =
        keys.equals(CHAT)
            ? messages(root.path("messages"))
            : List.of(
                message(1, "user", string(root, "prompt")),
                message(2, "assistant", string(root, "completion")));
    if (messages.size() < 2 || !messages.getLast().role().equals("assistant")) {
      throw new Unfit(new LineProblem.NoAnswer(line));
    }
    return new Parsed(contributor(root), messages);
  }

  private String text(byte[] bytes) throws Unfit {
    CharsetDecoder decoder = UTF_8.newDecoder();
    ByteBuffer in = ByteBuffer.wrap(bytes);
    CharBuffer out = CharBuffer.allocate(bytes.length);
    CoderResult result = decoder.decode(in, out, true);
    if (result.isError()) {
      throw new Unfit(new LineProblem.NotUtf8(line, in.position() + 1));
    }
    return out.flip().toString();
  }

  private JsonNode tree(String text) throws Unfit {
    try {
      return JSON.readTree(text);
    } catch (JacksonException e) {
      throw new Unfit(new LineProblem.NotJson(line, e.getOriginalMessage()));
    }
  }

  private static Set<String> keys(JsonNode object) {
    Set<String> keys = new TreeSet<>();
    object.fieldNames().forEachRemaining(keys::add);
    return keys;
  }

  private String contributor(JsonNode root) throws Unfit {
    String name = string(root, "contributor");
    if (name.isBlank()) {
      throw new Unfit(new LineProblem.NoContributor(line));
    }
    if (name.length() > MAX_CONTRIBUTOR) {
      throw wrong("contributor has more than " + MAX_CONTRIBUTOR + " characters");
    }
    return name;
  }

  private List<Message> messages(JsonNode list) throws Unfit {
    if (!list.isArray()) {
      throw wrong("messages is not a list");
    }
    if (list.size() > MAX_MESSAGES) {
      throw wrong("has more than " + MAX_MESSAGES + " messages");
    }
    List<Message> messages = new ArrayList<>(list.size());
    for (JsonNode each : list) {
      int turn = messages.size() + 1;
      if (!each.isObject() || !keys(each).equals(TURN)) {
        throw wrong("message " + turn + " has not just role and content");
      }
      messages.add(message(turn, string(each, "role"), string(each, "content")));
    }
    return messages;
  }

  private Message message(int turn, String role, String content) throws Unfit {
    if (!ROLES.contains(role)) {
      throw new Unfit(new LineProblem.UnknownRole(line, turn, shortened(role)));
    }
    if (content.isBlank()) {
      throw new Unfit(new LineProblem.EmptyTurn(line, turn));
    }
    return new Message(role, content);
  }

  private static String shortened(String role) {
    return role.length() > 40 ? role.substring(0, 40) + "..." : role;
  }

  private String string(JsonNode object, String key) throws Unfit {
    JsonNode value = object.path(key);
    if (!value.isTextual()) {
      throw wrong(key + " is not a text");
    }
    String text = value.textValue();
    if (!UTF_8.newEncoder().canEncode(text)) {
      throw wrong(key + " has half a character (an escaped lone surrogate)");
    }
    return text;
  }

  private Unfit wrong(String detail) {
    return new Unfit(new LineProblem.WrongForm(line, detail));
  }
}
