package dev.tributary.server.train;

import dev.tributary.server.state.AdapterName;
import java.nio.file.Path;

/// Where what was trained goes. An interface because tests of runs have no store.
public interface Publisher {
  /// Makes a version of a PEFT folder; the same one again if it is asked again.
  ///
  /// @param manifest digest of what it was trained on
  /// @return its number
  int publish(AdapterName adapter, Path folder, String manifest);

  /// Points an alias at the version alone.
  void alias(AdapterName adapter, String alias, int version);
}
