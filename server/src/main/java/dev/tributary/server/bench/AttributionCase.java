package dev.tributary.server.bench;

import dev.tributary.identity.ComputePath;
import dev.tributary.server.attribution.IndexBuild;
import dev.tributary.server.attribution.Sequence;
import dev.tributary.server.model.AdapterUse;
import dev.tributary.server.model.Llama;
import dev.tributary.server.model.LoraWeights;
import dev.tributary.server.model.Span;
import dev.tributary.server.tensor.Matrix;
import dev.tributary.server.tokenize.Message;
import dev.tributary.server.tokenize.Tokenizer;
import dev.tributary.server.train.ChatTokens;
import dev.tributary.server.train.ContributionReader;
import dev.tributary.server.train.DataLimits;
import dev.tributary.server.train.Dataset;
import dev.tributary.server.train.Example;
import dev.tributary.server.train.ExampleTokens;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.stream.IntStream;

/// An adapter, what it was trained on, and what it answers to questions.
///
/// @param names of the contributors, sorted
/// @param data what it was trained on
/// @param examples the same, as sequences
record AttributionCase(
    List<String> names, List<Example> data, List<Sequence> examples, List<Question> questions) {
  private static final int MOST_TOKENS = 256;
  private static final int ANSWER = 48;

  /// One question and its answer, greedily.
  ///
  /// @param contributor whose data answers it
  /// @param exact the answer is the expected one to the letter
  /// @param drawn 1 for each token of the answer
  /// @param base 1 where the base alone would have gone on so
  record Question(
      int contributor,
      int[] prompt,
      int[] output,
      int[] expected,
      String text,
      boolean exact,
      float[] drawn,
      float[] base) {
    int[] all() {
      int[] all = Arrays.copyOf(prompt, prompt.length + output.length);
      System.arraycopy(output, 0, all, prompt.length, output.length);
      return all;
    }

    Sequence sequence() {
      return new Sequence(all(), prompt.length);
    }
  }

  static AttributionCase read(
      Llama llama, Tokenizer tokenizer, LoraWeights weights, Path data, Path questions, int pages)
      throws IOException {
    Dataset trained = dataset(tokenizer, data);
    List<String> names =
        trained.examples().stream().map(Example::contributor).distinct().sorted().toList();
    List<Question> asked = new ArrayList<>();
    Asking asking = new Asking(llama, tokenizer, IntStream.range(0, pages).toArray());
    for (Example each : dataset(tokenizer, questions).examples()) {
      asked.add(
          asking.ask(
              Arrays.copyOf(each.tokens(), each.targetsFrom()),
              Arrays.copyOfRange(each.tokens(), each.targetsFrom(), each.tokens().length),
              names.indexOf(each.contributor()),
              List.of(new AdapterUse(weights, 1))));
    }
    return new AttributionCase(
        names,
        trained.examples(),
        trained.examples().stream()
            .map(each -> new Sequence(each.tokens(), each.targetsFrom()))
            .toList(),
        asked);
  }

  private static Dataset dataset(Tokenizer tokenizer, Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      return ContributionReader.read(
          in,
          new ChatTokens(tokenizer),
          DataLimits.of(MOST_TOKENS),
          ContributionReader.Exclusion.NONE);
    }
  }

  /// Of each example.
  List<String> contributors() {
    return data.stream().map(Example::contributor).toList();
  }

  IndexBuild.Texts decoyTexts(Tokenizer tokenizer) {
    ChatTokens chat = new ChatTokens(tokenizer);
    return (prompt, question, answer) -> {
      try {
        ExampleTokens.Encoded encoded =
            chat.encode(
                List.of(new Message("user", question), new Message("assistant", answer)),
                MOST_TOKENS);
        int[] own = encoded.tokens();
        if (prompt == null) {
          return new Sequence(own, encoded.targetsFrom());
        }
        int[] tail = Arrays.copyOfRange(own, encoded.targetsFrom(), own.length);
        int[] all = Arrays.copyOf(prompt, prompt.length + tail.length);
        System.arraycopy(tail, 0, all, prompt.length, tail.length);
        return new Sequence(all, prompt.length);
      } catch (ExampleTokens.TooLong e) {
        throw new IllegalStateException("a decoy is too long", e);
      }
    };
  }

  String text() {
    long exact = questions.stream().filter(Question::exact).count();
    double beyond =
        questions.stream()
            .mapToDouble(
                each ->
                    1
                        - IntStream.range(0, each.base.length)
                            .mapToDouble(i -> each.base[i])
                            .average()
                            .orElse(0))
            .average()
            .orElse(0);
    return "%d examples of %d contributors; %d questions, %d answered exactly; %.0f%% of the tokens are not the base's%n"
        .formatted(data.size(), names.size(), questions.size(), exact, 100 * beyond);
  }

  /// Generates greedily.
  record Asking(Llama llama, Tokenizer tokenizer, int[] pages) {
    Question ask(int[] prompt, int[] expected, int contributor, List<AdapterUse> adapter) {
      int[] output = answer(prompt, adapter);
      int[] all = Arrays.copyOf(prompt, prompt.length + output.length);
      System.arraycopy(output, 0, all, prompt.length, output.length);
      Matrix logits =
          llama.run(
              List.of(new Span(all, 0, pages, List.of(), path(all.length), prompt.length - 1)));
      float[] drawn = new float[output.length];
      Arrays.fill(drawn, 1);
      float[] base = new float[output.length];
      for (int i = 0; i < output.length; i++) {
        base[i] = best(logits, i) == output[i] ? 1 : 0;
      }
      return new Question(
          contributor,
          prompt,
          output,
          expected,
          text(output),
          Arrays.equals(output, expected),
          drawn,
          base);
    }

    private int[] answer(int[] prompt, List<AdapterUse> adapter) {
      BitSet stops = tokenizer.stopIds();
      List<Integer> output = new ArrayList<>();
      Span next = new Span(prompt, 0, pages, adapter, path(prompt.length), prompt.length - 1);
      while (output.size() < ANSWER) {
        int token = best(llama.run(List.of(next)), 0);
        output.add(token);
        if (stops.get(token)) {
          break;
        }
        int position = prompt.length + output.size() - 1;
        next = new Span(new int[] {token}, position, pages, adapter, path(1), 0);
      }
      return output.stream().mapToInt(Integer::intValue).toArray();
    }

    private ComputePath path(int tokens) {
      return PathChoice.AUTO.of(tokens, llama.wideFrom());
    }

    private static int best(Matrix logits, int of) {
      float[] row = new float[logits.cols()];
      logits.row(of, row);
      int best = 0;
      for (int id = 1; id < row.length; id++) {
        best = row[id] > row[best] ? id : best;
      }
      return best;
    }

    private String text(int[] output) {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      for (int id : output) {
        if (!tokenizer.isControl(id)) {
          bytes.writeBytes(tokenizer.bytes(id));
        }
      }
      return bytes.toString(StandardCharsets.UTF_8);
    }
  }
}
