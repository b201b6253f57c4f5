package dev.tributary.server.train;

import dev.tributary.server.state.AdapterName;
import dev.tributary.server.state.AliasRecord;
import dev.tributary.server.state.Origin;
import dev.tributary.server.state.RunRecord;
import dev.tributary.server.state.State;
import dev.tributary.server.state.VersionRecord;
import java.io.IOException;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// What runs can be made of: what callers send, and what is kept of it. Thread safe.
public final class RunSources {
  private final State state;
  private final RunExamples examples;
  private final int exampleTokens;

  /// @param exampleTokens most tokens of one example
  RunSources(State state, RunExamples examples, int exampleTokens) {
    this.state = state;
    this.examples = examples;
    this.exampleTokens = exampleTokens;
  }

  /// Settings that no example of this server's can be too long for.
  ///
  /// @throws InvalidSettingException naming `max_example_tokens`
  public void requireFits(RunSettings settings) {
    InvalidSettingException.require(
        settings.maxExampleTokens() <= exampleTokens,
        "max_example_tokens",
        settings.maxExampleTokens(),
        "at most " + exampleTokens + " here");
  }

  /// What a caller sends.
  ///
  /// @throws DataException if it cannot be trained on
  public RunSource sent(byte[] data, RunSettings settings, ContributionReader.Exclusion exclusion) {
    return examples.sent(data, settings, exclusion);
  }

  /// Examples of a manifest as they were trained on, without what was withdrawn since; empty if
  /// they are not kept.
  public Optional<Dataset> examples(String tenant, String manifest, RunSettings settings)
      throws IOException {
    return examples.isKept(tenant, manifest)
        ? Optional.of(examples.ofManifest(tenant, manifest, settings).dataset())
        : Optional.empty();
  }

  /// A manifest, without what was withdrawn: then it is another one.
  ///
  /// @throws TrainingException if there is none, or its examples are not kept
  /// @throws DataException if nothing is left, or cannot be trained on under these settings
  public RunSource ofManifest(String tenant, String manifest, RunSettings settings)
      throws IOException {
    return examples.ofManifest(tenant, manifest, settings);
  }

  /// Contributions by their ids, without what was withdrawn.
  ///
  /// @param ids each once
  /// @throws StateException NotFound, of the first that is not there
  /// @throws TrainingException if the example of one is not kept
  /// @throws DataException if nothing is left, or cannot be trained on under these settings
  public RunSource ofContributions(String tenant, List<String> ids, RunSettings settings)
      throws IOException {
    return examples.ofContributions(tenant, ids, settings);
  }

  /// Examples to evaluate on.
  ///
  /// @throws DataException if they cannot be evaluated on
  public Dataset heldOut(byte[] lines, RunSettings settings) {
    return examples.read(lines, settings, ContributionReader.Exclusion.NONE);
  }

  /// The run that made a version.
  ///
  /// @param number null: the one that `prod` leads to, the heaviest of several
  /// @throws TrainingException if there is no such version, or it was not trained here
  public RunView trained(AdapterName adapter, @Nullable Integer number) {
    String asked = number == null ? AliasRecord.PROD : number.toString();
    return Optional.ofNullable(number)
        .or(() -> state.adapters().alias(adapter, AliasRecord.PROD).map(RunSources::heaviest))
        .flatMap(found -> state.adapters().version(adapter, found))
        .filter(version -> version.facts().origin() == Origin.TRAINED_HERE)
        .flatMap(this::run)
        .map(RunView::of)
        .orElseThrow(
            () -> new TrainingException(new TrainingRefusal.NotTrainedHere(adapter, asked)));
  }

  /// By its number and its digest: an adapter that was deleted and made again counts from 1 again,
  /// and others may have the same weights of another manifest.
  private Optional<RunRecord> run(VersionRecord version) {
    return state
        .runs()
        .ofVersion(version.adapter(), version.number())
        .filter(run -> run.digest().equals(version.facts().digest()));
  }

  private static int heaviest(AliasRecord alias) {
    return alias.targets().stream()
        .max(Comparator.comparingInt(AliasRecord.Target::weight))
        .orElseThrow()
        .number();
  }
}
