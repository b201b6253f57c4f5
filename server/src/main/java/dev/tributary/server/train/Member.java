package dev.tributary.server.train;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/// One adapter to be trained. Several are trained in one run; what comes out of each does not
/// depend on the others.
///
/// @param name of its folder below the run's: letters, digits and hyphens
/// @param training examples, at least one
/// @param heldOut examples that are evaluated and not trained on; may be none, unless a run is to
///   end early by them
public record Member(
    String name, RunSettings settings, List<Example> training, List<Example> heldOut) {
  private static final Pattern NAME = Pattern.compile("[a-z0-9][a-z0-9-]{0,99}");

  public Member {
    if (!NAME.matcher(name).matches()) {
      throw new IllegalArgumentException("\"" + name + "\" is no name of a member");
    }
    training = List.copyOf(training);
    heldOut = List.copyOf(heldOut);
    if (training.isEmpty()) {
      throw new IllegalArgumentException(name + " has no examples to train on");
    }
    int patience = settings.optimization().patience();
    if (patience > 0 && heldOut.isEmpty()) {
      throw new InvalidSettingException(
          "patience", "is " + patience + ", but no examples are held out to end early by");
    }
  }

  /// Holds out the share of examples that the settings ask for, at least one if it is above 0.
  ///
  /// @throws InvalidSettingException if none would be left to train on
  public static Member of(String name, RunSettings settings, List<Example> examples) {
    double share = settings.heldOutShare();
    if (share == 0) {
      return new Member(name, settings, examples, List.of());
    }
    int count = (int) Math.max(1, Math.round(share * examples.size()));
    if (count >= examples.size()) {
      throw new InvalidSettingException(
          "held_out_share", "is " + share + ", which leaves none of " + examples.size());
    }
    int[] order = IntStream.range(0, examples.size()).toArray();
    new Draw(settings.seed(), Draw.Purpose.HELD_OUT, 0, 0).shuffle(order);
    Set<Integer> out = new HashSet<>();
    for (int i = 0; i < count; i++) {
      out.add(order[i]);
    }
    List<Example> training = new ArrayList<>();
    List<Example> heldOut = new ArrayList<>();
    for (int i = 0; i < examples.size(); i++) {
      (out.contains(i) ? heldOut : training).add(examples.get(i));
    }
    return new Member(name, settings, training, heldOut);
  }

  /// Optimiser steps at most.
  public int steps() {
    return settings.optimization().steps(training.size());
  }
}
