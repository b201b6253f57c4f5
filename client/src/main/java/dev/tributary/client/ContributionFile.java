package dev.tributary.client;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import com.google.protobuf.util.JsonFormat;
import dev.tributary.v1.ChatMessage;
import dev.tributary.v1.RegisterContributionsRequest.Contribution;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Training examples in a file, a JSON object a line: `contributor`, and `messages` (a list of
/// `role` and `content`) or `prompt` and `completion`. Empty lines are passed over; any other key
/// is refused, since nobody would know that it was not committed.
public final class ContributionFile {
  private static final String CONTRIBUTOR = "contributor";
  private static final String MESSAGES = "messages";
  private static final String PROMPT = "prompt";
  private static final String COMPLETION = "completion";

  /// Less than a server takes as one message.
  private static final int MAX_LINE_BYTES = 2 << 20;

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

  /// Takes all lines in their order, but for empty ones.
  public interface LineReader {
    /// @param line from 1
    void contribution(int line, Contribution contribution) throws IOException, InterruptedException;

    /// @param line from 1
    /// @param why it is no contribution
    void refused(int line, String why) throws IOException;
  }

  /// Reads all lines.
  ///
  /// @return how many contributions there are
  /// @throws IOException if it cannot be read, or a line is no contribution; the message says which
  public long read(Reader reader) throws IOException, InterruptedException {
    long[] count = {0};
    read(
        new LineReader() {
          @Override
          public void contribution(int line, Contribution contribution)
              throws IOException, InterruptedException {
            reader.contribution(contribution);
            count[0]++;
          }

          @Override
          public void refused(int line, String why) throws IOException {
            throw new IOException("line %d of %s: %s".formatted(line, file, why));
          }
        });
    return count[0];
  }

  /// Reads all lines, and says of each that is no contribution why.
  ///
  /// @throws IOException if it cannot be read
  public void read(LineReader reader) throws IOException, InterruptedException {
    try (InputStream in = new BufferedInputStream(Files.newInputStream(file))) {
      int number = 0;
      for (byte[] line = line(in); line != null; line = line(in)) {
        number++;
        Contribution contribution;
        try {
          String text = text(line);
          if (text.isBlank()) {
            continue;
          }
          Struct.Builder object = Struct.newBuilder();
          JsonFormat.parser().merge(text, object);
          contribution = contribution(object.getFieldsMap());
        } catch (InvalidProtocolBufferException | IllegalArgumentException e) {
          reader.refused(number, String.valueOf(e.getMessage()));
          continue;
        }
        reader.contribution(number, contribution);
      }
    }
  }

  /// Null at the end; of a line that is too long, one byte more than may be.
  private static byte @Nullable [] line(InputStream in) throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    int next = in.read();
    if (next < 0) {
      return null;
    }
    for (; next >= 0 && next != '\n'; next = in.read()) {
      if (line.size() <= MAX_LINE_BYTES) {
        line.write(next);
      }
    }
    return line.toByteArray();
  }

  private static String text(byte[] line) {
    if (line.length > MAX_LINE_BYTES) {
      throw new IllegalArgumentException("has more than " + MAX_LINE_BYTES + " bytes");
    }
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(line)).toString();
    } catch (CharacterCodingException e) {
      throw new IllegalArgumentException("is not UTF-8", e);
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
