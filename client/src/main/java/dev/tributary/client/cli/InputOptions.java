package dev.tributary.client.cli;

import dev.tributary.v1.AdapterSelector;
import dev.tributary.v1.Chat;
import dev.tributary.v1.ChatMessage;
import java.io.IOException;
import java.io.Reader;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;

/// Who answers, and how a text becomes an input.
final class InputOptions {
  /// Longest text from standard input, in characters; servers take less.
  private static final int MAX_CHARS = 64 << 20;

  /// A bare prompt has no system message.
  private static final class Form {
    @Option(names = "--raw", description = "Send the text as a bare prompt, not as a chat.")
    private boolean raw;

    @Option(names = "--system", paramLabel = "TEXT", description = "System message of the chat.")
    private @Nullable String system;
  }

  @Option(
      names = {"-a", "--adapter"},
      paramLabel = AdapterArgument.SYNTAX,
      converter = AdapterArgument.class,
      description = {
        "Adapter to answer with; may be repeated, the deltas add up.",
        "VERSION is a number, an alias or a digest. Default: the base alone."
      })
  private List<AdapterSelector> adapters = List.of();

  @ArgGroup private Form form = new Form();

  List<AdapterSelector> adapters() {
    return adapters;
  }

  boolean raw() {
    return form.raw;
  }

  /// The text as a conversation of one user message, after the system message if there is one.
  Chat chat(String text) {
    Chat.Builder chat = Chat.newBuilder();
    if (form.system != null) {
      chat.addMessages(ChatMessage.newBuilder().setRole("system").setContent(form.system));
    }
    return chat.addMessages(ChatMessage.newBuilder().setRole("user").setContent(text)).build();
  }

  /// The argument itself, or for `-` all of standard input without a last line feed.
  static String text(String argument, Terminal terminal) throws IOException {
    if (!argument.equals("-")) {
      return argument;
    }
    Reader in = terminal.in();
    StringBuilder text = new StringBuilder();
    char[] buffer = new char[8_192];
    for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
      text.append(buffer, 0, count);
      if (text.length() > MAX_CHARS) {
        throw new IOException("standard input has more than " + MAX_CHARS + " characters");
      }
    }
    if (!text.isEmpty() && text.charAt(text.length() - 1) == '\n') {
      text.setLength(text.length() - 1);
    }
    return text.toString();
  }
}
