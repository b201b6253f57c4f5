package dev.tributary.server.train;

import dev.tributary.server.state.AdapterName;
import dev.tributary.server.state.RunRecord;

/// Why what was asked of runs cannot be done.
public sealed interface TrainingRefusal {
  /// For the caller.
  String message();

  /// This server trains nothing.
  record Unable(String message) implements TrainingRefusal {}

  /// Examples came here as commitments alone.
  ///
  /// @param what a manifest's digest, or a contribution's id
  record NotKept(String what) implements TrainingRefusal {
    @Override
    public String message() {
      return "the examples of "
          + what
          + " are not kept here, the ledger has commitments only: send them as data";
    }
  }

  /// There is no such manifest, of this tenant.
  record NoManifest(String digest) implements TrainingRefusal {
    @Override
    public String message() {
      return "there is no manifest " + digest;
    }
  }

  /// What a run would be made of, or is, was withdrawn.
  record Withdrawn(String manifest, int contributions) implements TrainingRefusal {
    @Override
    public String message() {
      return "of manifest %s, %d contributions were withdrawn; train again without them"
          .formatted(manifest, contributions);
    }
  }

  /// The adapter has no such version, or nobody here trained it.
  ///
  /// @param asked number or alias
  record NotTrainedHere(AdapterName adapter, String asked) implements TrainingRefusal {
    @Override
    public String message() {
      return "%s has no version %s that this server trained".formatted(adapter, asked);
    }
  }

  /// A run is past being cancelled.
  ///
  /// @param publishing its version is about to be there; else it has ended
  record Past(RunRecord run, boolean publishing) implements TrainingRefusal {
    @Override
    public String message() {
      return publishing
          ? "run " + run.id() + " publishes its version at this moment"
          : "run %s has ended, %s".formatted(run.id(), run.state());
    }
  }
}
