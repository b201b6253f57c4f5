package dev.tributary.client.cli;

import com.google.protobuf.ListValue;
import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import dev.tributary.client.ContributionFile;
import dev.tributary.client.ContributionReceipts;
import dev.tributary.client.ContributionSurvey;
import dev.tributary.client.Contributions;
import dev.tributary.client.Head;
import dev.tributary.client.TributaryClient;
import dev.tributary.client.TributaryException;
import dev.tributary.client.UnmetException;
import dev.tributary.tlog.Policy;
import dev.tributary.v1.RegisterContributionsRequest.Contribution;
import dev.tributary.v1.RegisterContributionsRequest.Header;
import dev.tributary.v1.RegisterContributionsResponse;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `tributary contributions import`: training examples become leaves.
@Command(
    name = "import",
    description = {
      "Register the training examples of a JSON-lines file: `contributor`, and `messages` or"
          + " `prompt` and `completion`.",
      "A line that repeats another of the same contributor word for word is dropped, and said.",
      "What each contributor keeps, salts and proofs, is checked and written to a file of their"
          + " own: the server does not give it out again."
    },
    footer = {
      "%nExamples:",
      "  tributary contributions import guide.jsonl --dataset town-guide --licence CC-BY-4.0",
      "  tributary contributions import mine.jsonl --contributor ann --dataset notes --licence MIT"
    })
final class ContributionsImportCommand implements Callable<Integer> {
  /// Lines that are named.
  private static final int SHOWN = 20;

  private final Tributary tributary;

  @Mixin private TrustOptions trust = new TrustOptions();
  @Mixin private TimeoutOption timeout = new TimeoutOption();

  @Option(
      names = "--dataset",
      paramLabel = "NAME",
      required = true,
      description = "What these examples are together.")
  private String dataset = "";

  @Option(
      names = "--licence",
      paramLabel = "SPDX",
      required = true,
      description = "Under which they are given, an SPDX expression such as CC-BY-4.0.")
  private String licence = "";

  @Option(
      names = "--contributor",
      paramLabel = "NAME",
      defaultValue = "",
      description = "Of the lines that name none.")
  private String contributor = "";

  @Option(
      names = {"-o", "--out"},
      paramLabel = "RECEIPTS",
      description = "Folder for the contributors' receipts (default: DATASET-receipts).")
  private @Nullable Path out;

  @Option(
      names = "--skip",
      paramLabel = "N",
      defaultValue = "0",
      description = "Leave out the first N examples, which were registered before.")
  private long skip;

  @Option(
      names = "--drop-refused",
      description = "Register the other lines, if some are no contributions (default: nothing).")
  private boolean dropRefused;

  @Parameters(paramLabel = "FILE", description = "JSON lines.")
  private Path path = Path.of("");

  private final List<Contribution> batch = new ArrayList<>();
  private long registered;

  ContributionsImportCommand(Tributary tributary) {
    this.tributary = tributary;
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    ContributionFile file = new ContributionFile(path, contributor);
    // All lines are looked at before the first is sent.
    ContributionSurvey survey = ContributionSurvey.of(file);
    tell(survey);
    if (!survey.refused().isEmpty() && !dropRefused) {
      throw new UnmetException(
          "lines that are no contributions: %d; nothing is registered (--drop-refused registers the"
                  .formatted(survey.refused().size())
              + " others)");
    }
    if (survey.count() <= skip) {
      throw new UnmetException("there is nothing to register");
    }
    Path folder =
        out == null ? Path.of(dataset.replaceAll("[^A-Za-z0-9._-]", "-") + "-receipts") : out;
    // Found out in time that it cannot be written.
    Files.createDirectories(folder);
    ProgressBar bar = ProgressBar.counting(tributary, survey.count(), "examples");
    bar.start(skip);
    registered = skip;
    try (TributaryClient client = tributary.client()) {
      // Witnesses come after the response, which the log alone has signed.
      Policy policy = signers(trust.contact(tributary, client.ledger().newest()));
      long[] seen = {0};
      file.read(
          new ContributionFile.LineReader() {
            @Override
            public void contribution(int line, Contribution contribution)
                throws IOException, InterruptedException {
              if (survey.has(line) && seen[0]++ >= skip) {
                batch.add(contribution);
              }
              if (batch.size() == Contributions.MAX_PER_CALL) {
                register(client.contributions(), folder, policy, bar);
              }
            }

            @Override
            public void refused(int line, String why) {
              // Said before.
            }
          });
      if (!batch.isEmpty()) {
        register(client.contributions(), folder, policy, bar);
      }
    } catch (TributaryException e) {
      if (registered > skip) {
        tributary.note("the first %d are registered; go on with --skip %1$d".formatted(registered));
      }
      throw e;
    } finally {
      bar.end();
    }
    tributary.note("receipts are in " + folder + ", a file for each contributor");
    return 0;
  }

  /// What of the file is not registered, and why.
  private void tell(ContributionSurvey survey) {
    List<ContributionSurvey.Duplicate> duplicates = survey.duplicates();
    List<ContributionSurvey.Refused> refused = survey.refused();
    if (tributary.json()) {
      if (!duplicates.isEmpty() || !refused.isEmpty()) {
        tributary.printJson(json(duplicates, refused));
      }
      return;
    }
    for (ContributionSurvey.Duplicate each : first(duplicates)) {
      tributary.note(
          "line %d of %s repeats line %d and is dropped".formatted(each.line(), path, each.of()));
    }
    more(duplicates.size(), "repeat others");
    for (ContributionSurvey.Refused each : first(refused)) {
      tributary.note("line %d of %s: %s".formatted(each.line(), path, each.why()));
    }
    more(refused.size(), "are no contributions");
  }

  private static <T> List<T> first(List<T> all) {
    return all.subList(0, Math.min(SHOWN, all.size()));
  }

  private void more(int all, String what) {
    if (all > SHOWN) {
      tributary.note("%d lines in all %s".formatted(all, what));
    }
  }

  private static Struct json(
      List<ContributionSurvey.Duplicate> duplicates, List<ContributionSurvey.Refused> refused) {
    ListValue.Builder repeated = ListValue.newBuilder();
    for (ContributionSurvey.Duplicate each : duplicates) {
      repeated
          .addValuesBuilder()
          .getStructValueBuilder()
          .putFields("line", Heads.number(each.line()))
          .putFields("of", Heads.number(each.of()));
    }
    ListValue.Builder wrong = ListValue.newBuilder();
    for (ContributionSurvey.Refused each : refused) {
      wrong
          .addValuesBuilder()
          .getStructValueBuilder()
          .putFields("line", Heads.number(each.line()))
          .putFields("why", Heads.text(each.why()));
    }
    return Struct.newBuilder()
        .putFields("duplicates", Value.newBuilder().setListValue(repeated).build())
        .putFields("refused", Value.newBuilder().setListValue(wrong).build())
        .build();
  }

  private static Policy signers(Policy policy) {
    return new Policy(policy.logs(), List.of(), List.of(), Policy.NONE);
  }

  private void register(Contributions contributions, Path folder, Policy policy, ProgressBar bar)
      throws IOException, InterruptedException {
    Header header = Header.newBuilder().setDataset(dataset).setLicence(licence).build();
    RegisterContributionsResponse response =
        contributions.register(header, batch, timeout.time(), sent -> bar.at(registered + sent));
    bar.end();
    // Kept even if it does not hold: then it is evidence.
    ContributionReceipts.store(folder, response);
    registered += batch.size();
    ContributionReceipts.check(response, header, batch, policy);
    if (tributary.json()) {
      tributary.printJson(response);
    } else {
      tributary
          .terminal()
          .facts(
              new Table()
                  .row("registered", batch.size() + " contributions")
                  .row(
                      "leaves",
                      "%d to %d of %s"
                          .formatted(
                              response.getFirstLeafIndex(),
                              response.getReceipts(batch.size() - 1).getProof().getLeafIndex(),
                              Head.parse(response.getCheckpoint().getNote()).origin()))
                  .row("manifest", response.getManifestDigest()));
    }
    batch.clear();
  }
}
