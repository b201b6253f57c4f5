package dev.tributary.client.cli;

import dev.tributary.client.Answer;
import dev.tributary.client.TributaryClient;
import dev.tributary.client.TributaryException;
import dev.tributary.v1.AdapterSelector;
import dev.tributary.v1.Chat;
import dev.tributary.v1.ChatMessage;
import dev.tributary.v1.GenerateRequest;
import io.grpc.Status;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;
import sun.misc.Signal;

/// `tributary chat`: a conversation in which the adapter can be switched at any turn.
@Command(
    name = "chat",
    description = "Talk with the model; /help lists what can be typed.",
    footer = "%nCtrl-C stops the current answer; at the prompt it ends the conversation.")
final class ChatCommand implements Callable<Integer> {
  private static final String HELP =
      """
      /adapter NAME[@VERSION][*SCALE]...   answer with these from now on
      /adapter none                        answer with the base alone
      /adapter                             say who answers
      /system TEXT                         set the system message (without TEXT: remove it)
      /reset                               forget the conversation
      /quit                                end (so does Ctrl-D)""";

  private static final int INTERRUPTED = 130;

  private final Tributary tributary;
  private final Terminal terminal;
  private final List<ChatMessage> history = new ArrayList<>();
  private final AtomicReference<@Nullable Answer> current = new AtomicReference<>();
  private boolean failed;

  @Option(
      names = {"-a", "--adapter"},
      paramLabel = AdapterArgument.SYNTAX,
      converter = AdapterArgument.class,
      description = "Adapter to begin with; may be repeated.")
  private List<AdapterSelector> adapters = List.of();

  @Option(names = "--system", paramLabel = "TEXT", description = "System message to begin with.")
  private String system = "";

  @Mixin private SamplingOptions sampling = new SamplingOptions();

  ChatCommand(Tributary tributary) {
    this.tributary = tributary;
    this.terminal = tributary.terminal();
  }

  @Override
  public Integer call() throws Exception {
    try (TributaryClient client = tributary.client()) {
      String base = client.model().getBaseName();
      if (terminal.interactive()) {
        Signal.handle(new Signal("INT"), signal -> interrupt());
        terminal
            .err()
            .println(
                terminal.dim(
                    terminal.printable(base) + " at " + tributary.server() + ". /help helps."));
      }
      for (String line = read(); line != null; line = read()) {
        String words = line.strip();
        if (words.equals("/quit") || words.equals("/exit")) {
          break;
        }
        if (words.startsWith("/")) {
          obey(client, words);
        } else if (!words.isEmpty()) {
          answer(client, line);
        }
      }
    }
    // A person saw what failed; a script has only the exit code.
    return failed && !terminal.interactive() ? 1 : 0;
  }

  /// Ctrl-C: stops the current answer, or ends the conversation where there is none.
  private void interrupt() {
    if (!stopAnswer()) {
      terminal.err().println();
      terminal.err().flush();
      System.exit(INTERRUPTED);
    }
  }

  /// Cancels the answer that is being given.
  ///
  /// @return false if there is none
  boolean stopAnswer() {
    Answer answer = current.getAndSet(null);
    if (answer != null) {
      answer.close();
    }
    return answer != null;
  }

  private @Nullable String read() throws Exception {
    if (terminal.interactive()) {
      terminal.err().print(terminal.bold(speaker() + "> "));
      terminal.err().flush();
    }
    return terminal.in().readLine();
  }

  private String speaker() {
    return adapters.isEmpty()
        ? "base"
        : adapters.stream().map(AdapterArgument::text).collect(Collectors.joining(" + "));
  }

  private void obey(TributaryClient client, String words) throws Exception {
    String[] parts = words.split("\\s+", 2);
    String rest = parts.length < 2 ? "" : parts[1];
    switch (parts[0]) {
      case "/adapter" -> switchAdapters(client, rest);
      case "/system" -> {
        system = rest;
        note(rest.isEmpty() ? "no system message" : "system message set");
      }
      case "/reset" -> {
        history.clear();
        note("forgotten");
      }
      case "/help" -> note(HELP);
      default -> {
        failed = true;
        note(parts[0] + " is not known; /help lists what is");
      }
    }
  }

  private void switchAdapters(TributaryClient client, String names) throws Exception {
    if (!names.isEmpty()) {
      List<AdapterSelector> wanted = new ArrayList<>();
      try {
        if (!names.equals("none")) {
          for (String name : names.split("\\s+", -1)) {
            wanted.add(new AdapterArgument().convert(name));
          }
        }
        // Said now, not at the next message.
        wanted.forEach(selector -> client.adapter(selector.getName()));
      } catch (TypeConversionException e) {
        failed = true;
        note(String.valueOf(e.getMessage()));
        return;
      } catch (TributaryException e) {
        failed = true;
        tributary.complain(e);
        return;
      }
      adapters = wanted;
    }
    note(speaker() + " answers");
  }

  private void answer(TributaryClient client, String message) throws Exception {
    history.add(message("user", message));
    AnswerPrinter printer = new AnswerPrinter(tributary);
    boolean complete = false;
    try (Answer answer = client.generate(request())) {
      current.set(answer);
      printer.print(answer);
      complete = true;
    } catch (TributaryException e) {
      if (e.code() == Status.Code.CANCELLED && current.get() == null) {
        note("stopped");
      } else {
        failed = true;
        tributary.complain(e);
      }
    } finally {
      current.set(null);
    }
    // The conversation goes on from what was said; a message without any answer was not heard.
    if (complete || !printer.text().isEmpty()) {
      history.add(message("assistant", printer.text()));
    } else {
      history.removeLast();
    }
  }

  private GenerateRequest request() {
    Chat.Builder chat = Chat.newBuilder();
    if (!system.isEmpty()) {
      chat.addMessages(message("system", system));
    }
    return GenerateRequest.newBuilder()
        .setChat(chat.addAllMessages(history))
        .addAllAdapters(adapters)
        .setSampling(sampling.sampling())
        .build();
  }

  private void note(String text) {
    terminal.err().println(terminal.dim(terminal.printable(text)));
    terminal.err().flush();
  }

  private static ChatMessage message(String role, String content) {
    return ChatMessage.newBuilder().setRole(role).setContent(content).build();
  }
}
