package dev.tributary.server.rpc;

import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import dev.tributary.server.tokenize.ChatOptions;
import dev.tributary.server.tokenize.Message;
import dev.tributary.server.tokenize.TemplateException;
import dev.tributary.server.tokenize.Tokenizer;
import dev.tributary.v1.Chat;
import dev.tributary.v1.CountTokensRequest;
import dev.tributary.v1.GenerateRequest;
import dev.tributary.v1.ScoreRequest;
import dev.tributary.v1.Tokens;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// What a request asks the model to read.
///
/// @param field path of what is set
/// @param value a String, [Chat] or [Tokens]
record Input(String field, Object value) {
  /// Roles that chat templates are written for. Others would be rendered by some templates and
  /// dropped by others without a word.
  private static final Set<String> ROLES =
      Set.of("system", "user", "assistant", "tool", "developer", "function", "ipython");

  /// Doubles count integers exactly up to here.
  private static final double MAX_EXACT = 1L << 53;

  static Input of(GenerateRequest request) {
    return switch (request.getInputCase()) {
      case PROMPT -> new Input("prompt", request.getPrompt());
      case CHAT -> new Input("chat", request.getChat());
      case TOKENS -> new Input("tokens", request.getTokens());
      case INPUT_NOT_SET -> throw missing("input");
    };
  }

  static Input of(CountTokensRequest request) {
    return switch (request.getInputCase()) {
      case PROMPT -> new Input("prompt", request.getPrompt());
      case CHAT -> new Input("chat", request.getChat());
      case TOKENS -> new Input("tokens", request.getTokens());
      case INPUT_NOT_SET -> throw missing("input");
    };
  }

  /// @param path of the item, such as `items[2]`
  static Input of(ScoreRequest.Item item, String path) {
    return switch (item.getInputCase()) {
      case PROMPT -> new Input(path + ".prompt", item.getPrompt());
      case CHAT -> new Input(path + ".chat", item.getChat());
      case TOKENS -> new Input(path + ".tokens", item.getTokens());
      case INPUT_NOT_SET -> throw missing(path + ".input");
    };
  }

  private static RuntimeException missing(String field) {
    return Statuses.invalid(field, "is missing: set one of prompt, chat and tokens");
  }

  /// Token ids, at least one, each below `vocabulary`.
  int[] encode(Tokenizer tokenizer, int vocabulary) {
    int[] ids =
        switch (value) {
          case Chat chat -> encode(chat, tokenizer);
          case Tokens tokens -> ids(tokens, field, vocabulary);
          default -> encode((String) value, tokenizer);
        };
    if (ids.length == 0) {
      throw Statuses.invalid(field, "is empty, must have at least one token");
    }
    return ids;
  }

  /// Ids as the caller gives them.
  static int[] ids(Tokens tokens, String field, int vocabulary) {
    int[] ids = new int[tokens.getIdsCount()];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = tokens.getIds(i);
      if (ids[i] < 0 || ids[i] >= vocabulary) {
        throw Statuses.invalid(
            field + ".ids[" + i + "]", "is " + ids[i] + ", must be in [0, " + vocabulary + ")");
      }
    }
    return ids;
  }

  private int[] encode(String prompt, Tokenizer tokenizer) {
    if (prompt.isEmpty()) {
      throw Statuses.invalid(field, "is empty");
    }
    return tokenizer.encodePrompt(prompt);
  }

  private int[] encode(Chat chat, Tokenizer tokenizer) {
    if (!tokenizer.hasChatTemplate()) {
      throw Statuses.precondition(
          "CHAT_TEMPLATE", field, "the base has no chat template: send a prompt or tokens");
    }
    if (chat.getMessagesCount() == 0) {
      throw Statuses.invalid(field + ".messages", "is empty, must have at least one message");
    }
    List<Message> messages = new ArrayList<>(chat.getMessagesCount());
    for (int i = 0; i < chat.getMessagesCount(); i++) {
      String role = chat.getMessages(i).getRole();
      if (!ROLES.contains(role)) {
        throw Statuses.invalid(field + ".messages[" + i + "].role", "is unknown: \"" + role + "\"");
      }
      messages.add(new Message(role, chat.getMessages(i).getContent()));
    }
    List<Object> tools = new ArrayList<>(chat.getToolsCount());
    chat.getToolsList().forEach(tool -> tools.add(plain(tool)));
    try {
      return tokenizer.encodeChat(
          messages,
          new ChatOptions(chat.getTrustContent(), plain(chat.getTemplateVars()), tools, true));
    } catch (TemplateException e) {
      throw Statuses.of(e, field);
    }
  }

  /// Recursion is bounded by the parser of the request, which takes 100 levels.
  private static Map<String, Object> plain(Struct struct) {
    Map<String, Object> map = new LinkedHashMap<>();
    struct.getFieldsMap().forEach((name, value) -> putPlain(map, name, value));
    return map;
  }

  @SuppressWarnings("NullAway") // A template knows null, the map's type does not.
  private static void putPlain(Map<String, Object> map, String name, Value value) {
    map.put(name, plain(value));
  }

  /// As JSON would have it: numbers without a fraction are integers, and print so.
  private static @Nullable Object plain(Value value) {
    return switch (value.getKindCase()) {
      case NULL_VALUE, KIND_NOT_SET -> null;
      case BOOL_VALUE -> value.getBoolValue();
      case STRING_VALUE -> value.getStringValue();
      case NUMBER_VALUE -> {
        double number = value.getNumberValue();
        boolean whole = number == Math.rint(number) && Math.abs(number) <= MAX_EXACT;
        yield whole ? (Object) (long) number : (Object) number;
      }
      case STRUCT_VALUE -> plain(value.getStructValue());
      case LIST_VALUE -> {
        List<@Nullable Object> list = new ArrayList<>();
        value.getListValue().getValuesList().forEach(item -> list.add(plain(item)));
        yield list;
      }
    };
  }
}
