package dev.tributary.client.cli;

import com.google.protobuf.Duration;
import dev.tributary.client.Answer;
import dev.tributary.v1.Finished;
import dev.tributary.v1.GenerateEvent;
import dev.tributary.v1.Started;
import dev.tributary.v1.TokenLogprob;
import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// Writes one answer as it comes: its text, then a line about it.
final class AnswerPrinter {
  private final Tributary tributary;
  private final Terminal terminal;
  private final StringBuilder text = new StringBuilder();
  private final List<TokenLogprob> logprobs = new ArrayList<>();
  private Started started = Started.getDefaultInstance();

  AnswerPrinter(Tributary tributary) {
    this.tributary = tributary;
    this.terminal = tributary.terminal();
  }

  /// Reads and writes until the answer ends.
  ///
  /// @throws dev.tributary.client.TributaryException if the call fails; what came before is written
  ///   and in [#text]
  /// @throws IOException if the stream ends before the answer does
  void print(Answer answer) throws IOException {
    boolean finished = false;
    try {
      while (answer.hasNext()) {
        GenerateEvent event = answer.next();
        finished |= event.hasFinished();
        if (tributary.json()) {
          tributary.printJson(event);
        }
        accept(event);
      }
    } finally {
      if (!finished) {
        endLine();
      }
    }
    if (!finished) {
      throw new IOException("the stream ended before the answer did");
    }
  }

  /// The answer's text so far.
  String text() {
    return text.toString();
  }

  private void accept(GenerateEvent event) {
    switch (event.getEventCase()) {
      case STARTED -> started = event.getStarted();
      case DELTA -> {
        String delta = event.getDelta().getText();
        text.append(delta);
        logprobs.addAll(event.getDelta().getLogprobsList());
        if (!tributary.json()) {
          terminal.out().print(terminal.printable(delta));
          terminal.out().flush();
        }
      }
      case FINISHED -> {
        endLine();
        if (!tributary.json()) {
          printLogprobs();
          terminal.err().println(terminal.dim(summary(event.getFinished())));
          terminal.err().flush();
        }
      }
      case EVENT_NOT_SET -> {
        // An event that a later contract adds; this client has nothing to say about it.
      }
    }
  }

  private void endLine() {
    boolean open = !text.isEmpty() && text.charAt(text.length() - 1) != '\n';
    if (open && !tributary.json()) {
      terminal.out().println();
    }
    terminal.out().flush();
  }

  private void printLogprobs() {
    if (logprobs.isEmpty()) {
      return;
    }
    Table table = new Table().row("TOKEN", "LOGPROB", "MOST PROBABLE");
    for (TokenLogprob token : logprobs) {
      StringBuilder top = new StringBuilder();
      token
          .getTopList()
          .forEach(
              c ->
                  top.append(Texts.quoted(c.getToken().toStringUtf8()))
                      .append(String.format(Locale.ROOT, " %.3f  ", c.getLogprob())));
      table.row(
          Texts.quoted(token.getToken().toStringUtf8()),
          token.hasLogprob() ? String.format(Locale.ROOT, "%.3f", token.getLogprob()) : "",
          top.toString());
    }
    PrintStream out = terminal.out();
    table.lines().forEach(out::println);
    out.flush();
  }

  /// Who answered, how much, how fast, and why it ended.
  private String summary(Finished finished) {
    int tokens = finished.getUsage().getCompletionTokens();
    List<String> parts = new ArrayList<>();
    parts.add(Texts.adapters(started.getAdaptersList()));
    parts.add(tokens == 1 ? "1 token" : tokens + " tokens");
    Duration decode = finished.getTimings().getDecode();
    double seconds = decode.getSeconds() + decode.getNanos() / 1e9;
    if (seconds > 0) {
      parts.add(String.format(Locale.ROOT, "%.1f tok/s", tokens / seconds));
    }
    if (finished.getTimings().hasFirstToken()) {
      parts.add("first token " + Texts.duration(finished.getTimings().getFirstToken()));
    }
    parts.add(
        switch (finished.getReason()) {
          case FINISH_REASON_STOP -> "complete";
          case FINISH_REASON_LENGTH -> "cut at the token limit";
          case FINISH_REASON_STOP_SEQUENCE -> "stop string";
          case FINISH_REASON_TIME_LIMIT -> "cut at the time limit";
          case FINISH_REASON_UNSPECIFIED, UNRECOGNIZED -> "ended";
        });
    return "[" + String.join(", ", parts) + "]";
  }
}
