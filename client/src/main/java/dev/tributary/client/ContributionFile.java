package dev.tributary.client;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import com.google.protobuf.util.JsonFormat;
import dev.tributary.v1.ChatMessage;
import dev.tributary.v1.RegisterContributionsRequest.Contribution;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// Training examples in a file, a JSON object a line: `contributor`, and `messages` (a list of
/// `role` and `content`) or `prompt` and `completion`. Empty lines are passed over; any other key
/// is refused, since nobody would know that it was not committed.
public final class ContributionFile {
  private static final String CONTRIBUTOR = "contributor";
  private static final String MESSAGES = "messages";
  private static final String PROMPT = "prompt";
  private static final String COMPLETION = "completion";

  private final Path file;
  private final String contributor;

  /// @param contributor of lines that name none; empty: each must
  public ContributionFile(Path file, String contributor) {
    this.file = file;
    this.contributor = contributor;
  }

  /// Takes contributions in their order.
  public interface Reader {
    void contribution(Contribution contribution) throws IOException, InterruptedException;
  }

  /// Reads all lines.
  ///
  /// @return how many contributions there are
  /// @throws IOException if it cannot be read, or a line is no contribution; the message says which
  public long read(Reader reader) throws IOException, InterruptedException {
    long count = 0;
    int number = 0;
    try (BufferedReader in = Files.newBufferedReader(file)) {
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        number++;
        if (!line.isBlank()) {
          reader.contribution(contribution(line, number));
          count++;
        }
      }
    }
    return count;
  }

  private Contribution contribution(String line, int number) throws IOException {
    try {
      Struct.Builder object = Struct.newBuilder();
      JsonFormat.parser().merge(line, object);
      return contribution(object.getFieldsMap());
    } catch (InvalidProtocolBufferException | IllegalArgumentException e) {
      throw new IOException("line %d of %s: %s".formatted(number, file, e.getMessage()), e);
    }
  }

  private Contribution contribution(Map<String, Value> fields) {
    boolean chat = fields.containsKey(MESSAGES);
    List<String> keys = new ArrayList<>(fields.keySet());
    keys.remove(CONTRIBUTOR);
    if (!(chat
        ? keys.equals(List.of(MESSAGES))
        : keys.size() == 2 && keys.containsAll(List.of(PROMPT, COMPLETION)))) {
      throw new IllegalArgumentException(
          "has %s, must have messages, or prompt and completion".formatted(keys));
    }
    Contribution.Builder contribution =
        Contribution.newBuilder()
            .setContributor(
                fields.containsKey(CONTRIBUTOR) ? text(fields, CONTRIBUTOR) : contributor);
    if (contribution.getContributor().isEmpty()) {
      throw new IllegalArgumentException("names no contributor");
    }
    if (chat) {
      messages(fields).forEach(contribution::addMessages);
    } else {
      contribution.addMessages(message("user", text(fields, PROMPT)));
      contribution.addMessages(message("assistant", text(fields, COMPLETION)));
    }
    return contribution.build();
  }

  private static List<ChatMessage> messages(Map<String, Value> fields) {
    List<ChatMessage> messages = new ArrayList<>();
    for (Value value :
        fields.getOrDefault(MESSAGES, Value.getDefaultInstance()).getListValue().getValuesList()) {
      Map<String, Value> message = value.getStructValue().getFieldsMap();
      if (message.size() != 2) {
        throw new IllegalArgumentException("a message has role and content");
      }
      messages.add(message(text(message, "role"), text(message, "content")));
    }
    if (messages.isEmpty()) {
      throw new IllegalArgumentException("has no messages");
    }
    return messages;
  }

  private static ChatMessage message(String role, String content) {
    return ChatMessage.newBuilder().setRole(role).setContent(content).build();
  }

  private static String text(Map<String, Value> fields, String name) {
    Value value = fields.getOrDefault(name, Value.getDefaultInstance());
    if (!value.hasStringValue()) {
      throw new IllegalArgumentException(name + " is not a text");
    }
    return value.getStringValue();
  }
}
