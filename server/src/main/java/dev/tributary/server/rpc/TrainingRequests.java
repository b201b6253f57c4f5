package dev.tributary.server.rpc;

import com.google.protobuf.ByteString;
import dev.tributary.server.state.Contributions;
import dev.tributary.server.train.InvalidSettingException;
import dev.tributary.server.train.LoraShape;
import dev.tributary.server.train.Optimization;
import dev.tributary.server.train.RunSettings;
import dev.tributary.v1.TrainingSettings;
import dev.tributary.v1.TrainingStartRequest;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// Checks what requests say of runs. Throws INVALID_ARGUMENT with the path of what is wrong.
final class TrainingRequests {
  private static final String NO_LICENCE = "NOASSERTION";
  private static final int DEFAULT_SEEDS = 3;
  private static final int MOST_SEEDS = 100;

  /// Settings that an audit set takes.
  private static final Set<String> AUDIT = Set.of("audit_subsets", "audit_seeds");

  private TrainingRequests() {}

  /// Checks all that does not depend on the source.
  static void check(TrainingStartRequest request) {
    AdapterChoice.checkName(request.getAdapter(), "adapter");
    GenerationReader.checkKey(request.getRequestIdBytes(), "request_id");
    boolean sent = request.hasData();
    if (!sent && !request.getDataset().isEmpty()) {
      throw Statuses.invalid("dataset", "belongs to data");
    }
    if (!sent && !request.getLicence().isEmpty()) {
      throw Statuses.invalid("licence", "belongs to data");
    }
    TrainingSettings settings = request.getSettings();
    if (!settings.getAlias().isEmpty()) {
      AdapterChoice.checkAlias(settings.getAlias(), "settings.alias");
    }
    ByteString heldOut = request.getHeldOut();
    if (!heldOut.isEmpty() && settings.getHeldOutShare() != 0) {
      throw Statuses.invalid("held_out", "and settings.held_out_share exclude each other");
    }
  }

  /// An audit set takes the settings of its version.
  static void checkAudit(TrainingStartRequest request) {
    if (!request.getHeldOut().isEmpty()) {
      throw Statuses.invalid("held_out", "does not belong to audit_set_of");
    }
    request
        .getSettings()
        .getAllFields()
        .keySet()
        .forEach(
            field -> {
              if (!AUDIT.contains(field.getName())) {
                throw Statuses.invalid(
                    "settings." + field.getName(), "is that of the audited version");
              }
            });
  }

  /// Ids of contributions, each once.
  static List<String> contributions(TrainingStartRequest.Contributions asked) {
    List<String> ids = asked.getContributionIdsList();
    if (ids.isEmpty() || ids.size() > Contributions.MAX_MANIFEST) {
      throw Statuses.invalid(
          "contributions.contribution_ids",
          "has " + ids.size() + " entries, must have 1 to " + Contributions.MAX_MANIFEST);
    }
    Set<String> seen = new HashSet<>();
    for (int i = 0; i < ids.size(); i++) {
      String field = "contributions.contribution_ids[" + i + "]";
      if (ids.get(i).isEmpty()) {
        throw Statuses.invalid(field, "is empty");
      }
      AdapterChoice.checkDigest(ids.get(i), field);
      if (!seen.add(ids.get(i))) {
        throw Statuses.invalid(field, "is given twice");
      }
    }
    return List.copyOf(ids);
  }

  /// Under which the examples of a request are registered.
  ///
  /// @param adapter its name without its tenant
  static String dataset(TrainingStartRequest request, String adapter) {
    return request.getDataset().isEmpty()
        ? adapter
        : ProvenanceRequests.name(request.getDataset(), "dataset");
  }

  static String licence(TrainingStartRequest request) {
    return request.getLicence().isEmpty()
        ? NO_LICENCE
        : ProvenanceRequests.licence(request.getLicence(), "licence");
  }

  /// Subsets of contributors to retrain on; 0: none.
  static int subsets(TrainingSettings asked) {
    if (asked.getAuditSubsets() < 0) {
      throw Statuses.invalid(
          "settings.audit_subsets", "is " + asked.getAuditSubsets() + ", must not be below 0");
    }
    return asked.getAuditSubsets();
  }

  /// Adapters of each subset; 0 without subsets.
  static int seeds(TrainingSettings asked) {
    if (subsets(asked) == 0) {
      if (asked.hasAuditSeeds()) {
        throw Statuses.invalid("settings.audit_seeds", "belongs to audit_subsets");
      }
      return 0;
    }
    int seeds = asked.hasAuditSeeds() ? asked.getAuditSeeds() : DEFAULT_SEEDS;
    if (seeds < 1 || seeds > MOST_SEEDS) {
      throw Statuses.invalid(
          "settings.audit_seeds", "is " + seeds + ", must be between 1 and " + MOST_SEEDS);
    }
    return seeds;
  }

  /// The settings of a run.
  ///
  /// @param base what counts where nothing is asked for
  static RunSettings settings(TrainingSettings asked, RunSettings base) {
    try {
      RunSettings.requireNoDropout(asked.getDropout());
      return new RunSettings(
          shape(asked, base.lora()),
          optimization(asked, base.optimization()),
          asked.hasMaxExampleTokens() ? asked.getMaxExampleTokens() : base.maxExampleTokens(),
          asked.hasHeldOutShare() ? asked.getHeldOutShare() : base.heldOutShare(),
          asked.hasSeed() ? asked.getSeed() : base.seed());
    } catch (InvalidSettingException e) {
      throw Statuses.of(e);
    }
  }

  private static LoraShape shape(TrainingSettings asked, LoraShape base) {
    return new LoraShape(
        asked.hasRank() ? asked.getRank() : base.rank(),
        asked.hasAlpha() ? asked.getAlpha() : base.alpha(),
        asked.hasUseRslora() ? asked.getUseRslora() : base.useRslora(),
        asked.getTargetModulesCount() > 0 ? asked.getTargetModulesList() : base.targetModules());
  }

  private static Optimization optimization(TrainingSettings asked, Optimization base) {
    return new Optimization(
        asked.hasLearningRate() ? asked.getLearningRate() : base.learningRate(),
        asked.hasEpochs() ? asked.getEpochs() : base.epochs(),
        asked.hasMaxSteps() ? asked.getMaxSteps() : base.maxSteps(),
        asked.hasBatchSize() ? asked.getBatchSize() : base.batchSize(),
        asked.hasWarmUpSteps() ? asked.getWarmUpSteps() : base.warmUpSteps(),
        asked.hasClipNorm() ? asked.getClipNorm() : base.clipNorm(),
        asked.hasWeightDecay() ? asked.getWeightDecay() : base.weightDecay(),
        asked.hasPatience() ? asked.getPatience() : base.patience());
  }
}
