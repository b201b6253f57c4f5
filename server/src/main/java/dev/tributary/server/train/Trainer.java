package dev.tributary.server.train;

import dev.tributary.server.model.GradientPass;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.BooleanSupplier;

/// Trains members together, from their data to their adapters.
///
/// Each keeps a folder of its name: a checkpoint while it runs, then its result. A call for the
/// same members goes on where an earlier one stopped, however it stopped, and ends in the same
/// adapters; what has finished stays so.
///
/// Everything but the pieces that it hands to the [Device] runs on the caller's thread, which waits
/// for them: best a virtual one.
public final class Trainer {
  private final Surroundings place;

  /// @param pass through `base`, of as many tokens as `capacity` says
  /// @param general texts, at least two tokens each, on which it is measured what was forgotten;
  ///   see [GeneralText]
  public Trainer(
      GradientPass pass,
      Device device,
      TrainingBase base,
      Capacity capacity,
      Cadence cadence,
      List<int[]> general) {
    this(
        new Surroundings(
            new BaseGradients(pass),
            device,
            base,
            capacity,
            cadence,
            general,
            System::nanoTime,
            new LocalDisk()));
  }

  Trainer(Surroundings place) {
    this.place = place;
  }

  /// Trains `members`, which are in memory together: 16 bytes for each of their values.
  ///
  /// @param folder of the run; made if it is missing
  /// @param cancelled asked between steps; once true, what runs is stored and left
  /// @return one for each, in their order
  /// @throws InvalidSettingException if an example is longer than a pass takes
  /// @throws RunException if what is stored there is another run's, or damaged
  /// @throws IOException if something cannot be stored; the run can be gone on with
  public List<Outcome> train(
      Path folder, List<Member> members, TrainingListener listener, BooleanSupplier cancelled)
      throws IOException {
    check(members);
    return new Cohort(place, folder, listener, cancelled).train(members);
  }

  private void check(List<Member> members) {
    Set<String> names = new HashSet<>();
    for (Member member : members) {
      if (!names.add(member.name())) {
        throw new IllegalArgumentException("two members are called " + member.name());
      }
      for (List<Example> examples : List.of(member.training(), member.heldOut())) {
        for (Example example : examples) {
          InvalidSettingException.require(
              example.tokens().length <= place.capacity().microTokens(),
              "max_example_tokens",
              "exceeded: an example has " + example.tokens().length,
              "at most " + place.capacity().microTokens() + " here");
        }
      }
    }
  }
}
