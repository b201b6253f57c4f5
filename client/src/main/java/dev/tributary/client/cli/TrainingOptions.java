package dev.tributary.client.cli;

import dev.tributary.v1.TrainingSettings;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// How an adapter is trained. What is not given is the server's choice, or that of the version that
/// is built again.
final class TrainingOptions {
  @Option(names = "--rank", paramLabel = "N", description = "Rank of the low-rank pairs.")
  private @Nullable Integer rank;

  @Option(names = "--alpha", paramLabel = "X", description = "Scales by alpha / rank.")
  private @Nullable Float alpha;

  @Option(names = "--rslora", description = "Scale by alpha / sqrt(rank) instead.")
  private boolean rslora;

  @Option(
      names = "--targets",
      paramLabel = "NAME",
      split = ",",
      description = "Suffixes of layers' names, such as q_proj,v_proj (default: all linear).")
  private List<String> targets = List.of();

  @Option(names = "--epochs", paramLabel = "N", description = "Passes over the data.")
  private @Nullable Integer epochs;

  @Option(names = "--lr", paramLabel = "X", description = "Learning rate, above 0.")
  private @Nullable Double learningRate;

  @Option(names = "--batch", paramLabel = "N", description = "Examples a step.")
  private @Nullable Integer batch;

  @Option(names = "--max-steps", paramLabel = "N", description = "Steps that end it sooner.")
  private @Nullable Integer maxSteps;

  @Option(
      names = "--warm-up",
      paramLabel = "N",
      description = "Steps over which the learning rate rises.")
  private @Nullable Integer warmUp;

  @Option(
      names = "--clip",
      paramLabel = "X",
      description = "Largest norm of a step's gradient; 0: any.")
  private @Nullable Double clip;

  @Option(names = "--weight-decay", paramLabel = "X", description = "Of AdamW, in [0, 1).")
  private @Nullable Double weightDecay;

  @Option(
      names = "--patience",
      paramLabel = "N",
      description = "Epochs without a better held-out loss that end it; 0: none.")
  private @Nullable Integer patience;

  @Option(
      names = "--max-tokens",
      paramLabel = "N",
      description = "Tokens that an example may have; longer ones are refused.")
  private @Nullable Integer maxTokens;

  @Option(names = "--seed", paramLabel = "N", description = "The same seed, the same adapter.")
  private @Nullable Long seed;

  @Option(
      names = "--alias",
      paramLabel = "ALIAS",
      defaultValue = "",
      description = "Alias to set to the new version (default: only prod, of version 1).")
  private String alias = "";

  TrainingSettings.Builder settings() {
    TrainingSettings.Builder settings =
        TrainingSettings.newBuilder().setAlias(alias).addAllTargetModules(targets);
    if (rank != null) {
      settings.setRank(rank);
    }
    if (alpha != null) {
      settings.setAlpha(alpha);
    }
    if (rslora) {
      settings.setUseRslora(true);
    }
    if (maxTokens != null) {
      settings.setMaxExampleTokens(maxTokens);
    }
    if (seed != null) {
      settings.setSeed(seed);
    }
    return moves(settings);
  }

  private TrainingSettings.Builder moves(TrainingSettings.Builder settings) {
    if (epochs != null) {
      settings.setEpochs(epochs);
    }
    if (learningRate != null) {
      settings.setLearningRate(learningRate);
    }
    if (batch != null) {
      settings.setBatchSize(batch);
    }
    if (maxSteps != null) {
      settings.setMaxSteps(maxSteps);
    }
    if (warmUp != null) {
      settings.setWarmUpSteps(warmUp);
    }
    if (clip != null) {
      settings.setClipNorm(clip);
    }
    if (weightDecay != null) {
      settings.setWeightDecay(weightDecay);
    }
    if (patience != null) {
      settings.setPatience(patience);
    }
    return settings;
  }
}
