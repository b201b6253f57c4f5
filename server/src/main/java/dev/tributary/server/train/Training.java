package dev.tributary.server.train;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.BooleanSupplier;

/// Trains members, as [Trainer#train] does. An interface because tests of runs train nothing.
public interface Training {
  List<Outcome> train(
      Path folder, List<Member> members, TrainingListener listener, BooleanSupplier cancelled)
      throws IOException;
}
