package dev.tributary.client.cli;

import dev.tributary.client.ContributionFile;
import dev.tributary.client.ContributionReceipts;
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
      "What each contributor keeps, salts and proofs, is checked and written to a file of their"
          + " own: the server does not give it out again."
    },
    footer = {
      "%nExamples:",
      "  tributary contributions import guide.jsonl --dataset town-guide --licence CC-BY-4.0",
      "  tributary contributions import mine.jsonl --contributor ann --dataset notes --licence MIT"
    })
final class ContributionsImportCommand implements Callable<Integer> {
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
    long total = file.read(contribution -> {});
    if (total <= skip) {
      throw new UnmetException("there is nothing to register");
    }
    Path folder =
        out == null ? Path.of(dataset.replaceAll("[^A-Za-z0-9._-]", "-") + "-receipts") : out;
    // Found out in time that it cannot be written.
    Files.createDirectories(folder);
    ProgressBar bar = ProgressBar.counting(tributary, total, "examples");
    bar.start(skip);
    registered = skip;
    try (TributaryClient client = tributary.client()) {
      // Witnesses come after the response, which the log alone has signed.
      Policy policy = signers(trust.contact(tributary, client.ledger().newest()));
      long[] seen = {0};
      file.read(
          contribution -> {
            if (seen[0]++ >= skip) {
              batch.add(contribution);
            }
            if (batch.size() == Contributions.MAX_PER_CALL || seen[0] == total) {
              register(client.contributions(), folder, policy, bar);
            }
          });
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
