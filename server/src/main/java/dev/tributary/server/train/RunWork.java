package dev.tributary.server.train;

import dev.tributary.server.model.LlamaConfig;
import dev.tributary.server.state.RunRecord;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BooleanSupplier;

/// What runs consist of: members, which are trained.
final class RunWork {
  /// Name of the only member of a run that makes a version.
  private static final String ADAPTER = "adapter";

  /// Values, gradients and two means of those members that are trained together.
  private static final long MEMORY = 2L << 30;

  private static final int BYTES_PER_VALUE = 16;

  private final RunFiles files;
  private final RunExamples examples;
  private final LlamaConfig base;
  private final Training training;

  RunWork(RunFiles files, RunExamples examples, LlamaConfig base, Training training) {
    this.files = files;
    this.examples = examples;
    this.base = base;
    this.training = training;
  }

  /// Members that are trained together, group by group.
  ///
  /// @param heldOut examples that came with the run; none: the settings say
  /// @throws InvalidSettingException if the settings do not fit the examples
  List<List<Member>> members(
      RunRecord.Kind kind,
      RunSettings settings,
      int subsets,
      int seeds,
      List<Example> trained,
      List<Example> heldOut) {
    Member whole =
        heldOut.isEmpty()
            ? Member.of(ADAPTER, settings, trained)
            : new Member(ADAPTER, settings, trained, heldOut);
    if (kind == RunRecord.Kind.VERSION) {
      if (subsets > 0) {
        // Refused now rather than after the version is there.
        var unused = members(RunRecord.Kind.AUDIT_SET, settings, subsets, seeds, trained, heldOut);
      }
      return List.of(List.of(whole));
    }
    Set<String> contributors = new TreeSet<>();
    whole.training().forEach(example -> contributors.add(example.contributor()));
    return Subsets.cohorts(
        Subsets.of(contributors, subsets, settings.seed()).members(whole, seeds),
        together(settings.lora()));
  }

  private int together(LoraShape shape) {
    long values =
        shape.forms(base).values().stream()
            .mapToLong(form -> (long) form.rank() * (form.inputs() + form.outputs()))
            .sum();
    return (int) Math.max(1, Math.min(Integer.MAX_VALUE, MEMORY / (BYTES_PER_VALUE * values)));
  }

  /// Trains a run, from where it is.
  ///
  /// @param stopped asked between steps
  RunEnd train(OpenRun open, BooleanSupplier stopped) throws IOException {
    RunRecord run = open.run();
    RunSettings settings = RunView.settings(run);
    byte[] lines =
        files
            .kept(run.adapter().tenant(), run.manifest())
            .orElseThrow(() -> new TrainingException(new TrainingRefusal.NotKept(run.manifest())));
    Optional<byte[]> heldOut = files.heldOut(run);
    List<List<Member>> groups =
        members(
            run.kind(),
            settings,
            run.subsets(),
            run.seeds(),
            examples(lines, settings),
            heldOut.isEmpty() ? List.of() : examples(heldOut.get(), settings));
    open.begin(groups.stream().flatMap(List::stream).mapToInt(Member::steps).sum());
    Path folder = files.members(run);
    List<Outcome> outcomes = new ArrayList<>();
    for (List<Member> group : groups) {
      outcomes.addAll(training.train(folder, group, open, stopped));
      if (outcomes.stream().anyMatch(Outcome.Cancelled.class::isInstance)) {
        return new RunEnd.Stopped();
      }
    }
    return end(run.kind(), outcomes);
  }

  private List<Example> examples(byte[] lines, RunSettings settings) {
    return examples.read(lines, settings, ContributionReader.Exclusion.NONE).examples();
  }

  private static RunEnd end(RunRecord.Kind kind, List<Outcome> outcomes) {
    for (Outcome outcome : outcomes) {
      if (outcome instanceof Outcome.Diverged diverged) {
        return new RunEnd.Diverged(
            "%s left the finite in step %d: %s; a lower learning rate may help"
                .formatted(diverged.member(), diverged.step(), diverged.why()));
      }
    }
    return switch (kind) {
      case AUDIT_SET -> new RunEnd.AuditSet();
      case VERSION -> new RunEnd.Adapter((Outcome.Trained) outcomes.getFirst());
    };
  }
}
