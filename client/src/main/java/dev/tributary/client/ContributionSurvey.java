package dev.tributary.client;

import dev.tributary.record.ContributionRecord;
import dev.tributary.tlog.Hash;
import dev.tributary.v1.RegisterContributionsRequest.Contribution;
import java.io.IOException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// What a whole [ContributionFile] has, found out before anything of it is sent: which lines are
/// contributions, which are none, and which only repeat another one of the same contributor with
/// the same messages. What is registered twice would be trained on twice.
public final class ContributionSurvey {
  /// Lines of a file.
  public static final int MAX_LINES = 1_000_000;

  private final BitSet distinct = new BitSet();
  private final List<Duplicate> duplicates = new ArrayList<>();
  private final List<Refused> refused = new ArrayList<>();

  /// A line that says the same as one before it.
  ///
  /// @param line from 1
  /// @param of the line before, from 1
  public record Duplicate(int line, int of) {}

  /// A line that is no contribution.
  ///
  /// @param line from 1
  public record Refused(int line, String why) {}

  private record Given(String contributor, Hash example) {}

  private ContributionSurvey() {}

  /// @throws IOException if it cannot be read, or has more than [#MAX_LINES]
  public static ContributionSurvey of(ContributionFile file)
      throws IOException, InterruptedException {
    ContributionSurvey survey = new ContributionSurvey();
    Map<Given, Integer> first = new HashMap<>();
    file.read(
        new ContributionFile.LineReader() {
          @Override
          public void contribution(int line, Contribution contribution) throws IOException {
            bound(line);
            Integer before = first.putIfAbsent(given(contribution), line);
            if (before == null) {
              survey.distinct.set(line);
            } else {
              survey.duplicates.add(new Duplicate(line, before));
            }
          }

          @Override
          public void refused(int line, String why) throws IOException {
            bound(line);
            survey.refused.add(new Refused(line, why));
          }
        });
    return survey;
  }

  private static void bound(int line) throws IOException {
    if (line > MAX_LINES) {
      throw new IOException("the file has more than " + MAX_LINES + " lines");
    }
  }

  private static Given given(Contribution contribution) {
    return new Given(
        contribution.getContributor(),
        ContributionRecord.digest(
            contribution.getMessagesList().stream()
                .map(each -> new ContributionRecord.Message(each.getRole(), each.getContent()))
                .toList()));
  }

  /// How many contributions there are, each once.
  public int count() {
    return distinct.cardinality();
  }

  /// Whether the line is a contribution, and the first that says what it says.
  public boolean has(int line) {
    return distinct.get(line);
  }

  /// In the order of the lines.
  public List<Duplicate> duplicates() {
    return List.copyOf(duplicates);
  }

  /// In the order of the lines.
  public List<Refused> refused() {
    return List.copyOf(refused);
  }
}
