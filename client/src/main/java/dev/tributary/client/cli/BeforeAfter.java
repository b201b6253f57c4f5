package dev.tributary.client.cli;

import com.google.protobuf.Struct;
import dev.tributary.client.TributaryClient;
import dev.tributary.v1.AdapterSelector;
import dev.tributary.v1.Chat;
import dev.tributary.v1.ChatMessage;
import dev.tributary.v1.GenerateRequest;
import dev.tributary.v1.RegisterContributionsRequest.Contribution;
import dev.tributary.v1.Sampling;
import java.util.ArrayList;
import java.util.List;

/// Asks questions of the base and of a new version, and shows the answers side by side.
final class BeforeAfter {
  /// Of an answer; greedy ones that are right are short.
  private static final int MAX_TOKENS = 200;

  /// Characters of a cell.
  private static final int WIDTH = 44;

  private final Tributary tributary;
  private final TributaryClient client;
  private final AdapterSelector version;

  /// What was answered.
  private record Asked(String question, String expected, String before, String after) {
    boolean wasRight() {
      return before.equals(expected);
    }

    boolean isRight() {
      return after.equals(expected);
    }
  }

  BeforeAfter(Tributary tributary, TributaryClient client, AdapterSelector version) {
    this.tributary = tributary;
    this.client = client;
    this.version = version;
  }

  /// @param most questions to ask, from the first
  /// @param shown of them in the table
  void show(List<Contribution> questions, int most, int shown) {
    List<Asked> asked = new ArrayList<>();
    int count = Math.min(most, questions.size());
    ProgressBar bar = ProgressBar.counting(tributary, count, "questions");
    for (Contribution question : questions.subList(0, count)) {
      asked.add(ask(question.getMessagesList()));
      bar.at(asked.size());
    }
    bar.end();
    if (tributary.json()) {
      asked.forEach(each -> tributary.printJson(json(each)));
      return;
    }
    Table table = new Table().row("QUESTION", "EXPECTED", "BASE", name());
    for (Asked each : asked.subList(0, Math.min(shown, asked.size()))) {
      table.row(cell(each.question), cell(each.expected), cell(each.before), cell(each.after));
    }
    tributary.terminal().table(table);
    tributary
        .terminal()
        .out()
        .printf(
            "exactly right, of %d: base %d, %s %d%n",
            asked.size(),
            asked.stream().filter(Asked::wasRight).count(),
            name(),
            asked.stream().filter(Asked::isRight).count());
    tributary.terminal().out().flush();
  }

  private String name() {
    return Texts.name(version.getName()) + "@" + version.getNumber();
  }

  private Asked ask(List<ChatMessage> messages) {
    List<ChatMessage> prompt = messages.subList(0, messages.size() - 1);
    return new Asked(
        prompt.getLast().getContent(),
        messages.getLast().getContent().strip(),
        answer(prompt, List.of()),
        answer(prompt, List.of(version)));
  }

  private String answer(List<ChatMessage> prompt, List<AdapterSelector> adapters) {
    GenerateRequest request =
        GenerateRequest.newBuilder()
            .setChat(Chat.newBuilder().addAllMessages(prompt))
            .addAllAdapters(adapters)
            .setSampling(Sampling.newBuilder().setTemperature(0).setMaxTokens(MAX_TOKENS))
            .build();
    return client.generateOnce(request).getText().strip();
  }

  private static Struct json(Asked asked) {
    return new Facts()
        .put("question", asked.question)
        .put("expected", asked.expected)
        .put("before", asked.before)
        .put("after", asked.after)
        .json();
  }

  private static String cell(String text) {
    String line = text.replace('\n', '/').replace('\t', ' ');
    return line.length() <= WIDTH ? line : line.substring(0, WIDTH - 3) + "...";
  }
}
