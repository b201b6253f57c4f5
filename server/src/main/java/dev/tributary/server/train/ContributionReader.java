package dev.tributary.server.train;

import dev.tributary.record.ContributionRecord;
import dev.tributary.server.tokenize.Message;
import dev.tributary.server.tokenize.TemplateException;
import dev.tributary.tlog.Hash;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;

/// Reads `contributions.jsonl`, one `{"contributor", "messages": [{"role", "content"}...]}` a line
/// (or `prompt` and `completion`), line by line: what is kept of a line are its tokens.
///
/// Every line is counted ([DataReport]). A line that cannot be trained on refuses the file, and
/// says why with its number: so does the next, up to [#MOST_PROBLEMS]. Whoever wants the file
/// trained without such lines takes them out.
public final class ContributionReader {
  /// Lines that are told of; reading stops at the last.
  static final int MOST_PROBLEMS = 100;

  private final ExampleTokens encoder;
  private final DataLimits limits;
  private final Exclusion exclusion;

  private final List<Example> examples = new ArrayList<>();
  private final List<LineProblem> problems = new ArrayList<>();
  private final Set<Given> given = new HashSet<>();
  private final Set<Hash> texts = new HashSet<>();
  private final TreeMap<String, Integer> contributors = new TreeMap<>();
  private long blank;
  private long duplicates;
  private long excluded;
  private long shared;
  private long tokens;
  private long targets;
  private int longest;

  /// Which contributions are withdrawn.
  public interface Exclusion {
    /// Excludes none.
    Exclusion NONE = (contributor, digest) -> false;

    /// @param digest of the messages, see [Example#digest]
    boolean excludes(String contributor, Hash digest);
  }

  private record Given(String contributor, Hash digest) {}

  private ContributionReader(ExampleTokens encoder, DataLimits limits, Exclusion exclusion) {
    this.encoder = encoder;
    this.limits = limits;
    this.exclusion = exclusion;
  }

  /// Reads `in` to its end and leaves it open.
  ///
  /// @throws DataException if it is refused
  /// @throws IOException if it cannot be read
  public static Dataset read(
      InputStream in, ExampleTokens encoder, DataLimits limits, Exclusion exclusion)
      throws IOException {
    return new ContributionReader(encoder, limits, exclusion).read(in);
  }

  private Dataset read(InputStream in) throws IOException {
    Lines lines = new Lines(in, limits.lineBytes());
    for (byte[] line = lines.next(); line != null; line = lines.next()) {
      try {
        take(line, lines);
      } catch (LineParser.Unfit e) {
        problems.add(e.problem);
        if (problems.size() == MOST_PROBLEMS) {
          throw new DataException(new DataRefusal.Malformed(problems, false));
        }
      }
    }
    if (!problems.isEmpty()) {
      throw new DataException(new DataRefusal.Malformed(problems, true));
    }
    if (examples.isEmpty()) {
      throw new DataException(new DataRefusal.NoExamples(excluded));
    }
    return new Dataset(
        examples,
        new DataReport(
            lines.number(),
            blank,
            duplicates,
            excluded,
            examples.size(),
            shared,
            contributors,
            tokens,
            targets,
            longest));
  }

  private void take(byte[] bytes, Lines lines) throws LineParser.Unfit {
    long line = lines.number();
    if (lines.tooLong()) {
      throw new LineParser.Unfit(new LineProblem.TooLongLine(line, limits.lineBytes()));
    }
    if (isBlank(bytes)) {
      blank++;
      return;
    }
    LineParser.Parsed parsed = LineParser.parse(bytes, line);
    Hash digest = digest(parsed.messages());
    if (exclusion.excludes(parsed.contributor(), digest)) {
      excluded++;
      return;
    }
    if (given.contains(new Given(parsed.contributor(), digest))) {
      duplicates++;
      return;
    }
    if (given.size() == limits.examples()) {
      throw new DataException(new DataRefusal.TooMuch("examples", limits.examples(), line));
    }
    given.add(new Given(parsed.contributor(), digest));
    ExampleTokens.Encoded encoded = encode(parsed.messages(), line);
    if (!problems.isEmpty()) {
      return; // the file is refused already; what it has is only checked
    }
    shared += texts.add(digest) ? 0 : 1;
    keep(new Example(line, parsed.contributor(), digest, encoded.tokens(), encoded.targetsFrom()));
  }

  private static boolean isBlank(byte[] bytes) {
    return new String(bytes, StandardCharsets.ISO_8859_1).isBlank();
  }

  private static Hash digest(List<Message> messages) {
    return ContributionRecord.digest(
        messages.stream()
            .map(message -> new ContributionRecord.Message(message.role(), message.content()))
            .toList());
  }

  private ExampleTokens.Encoded encode(List<Message> messages, long line) throws LineParser.Unfit {
    try {
      return encoder.encode(messages, limits.exampleTokens());
    } catch (ExampleTokens.TooLong e) {
      throw new LineParser.Unfit(
          new LineProblem.TooManyTokens(line, e.tokens(), limits.exampleTokens()));
    } catch (TemplateException e) {
      throw new LineParser.Unfit(new LineProblem.NotRendered(line, String.valueOf(e.getMessage())));
    }
  }

  private void keep(Example example) {
    tokens += example.tokens().length;
    if (tokens > limits.tokens()) {
      throw new DataException(new DataRefusal.TooMuch("tokens", limits.tokens(), example.line()));
    }
    targets += example.targets();
    longest = Math.max(longest, example.tokens().length);
    contributors.merge(example.contributor(), 1, Integer::sum);
    examples.add(example);
  }
}
