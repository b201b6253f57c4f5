package dev.tributary.server.state;

import java.util.ArrayList;
import java.util.List;

/// The statements that some work runs, which is what it asks of the state.
public final class Statements {
  private Statements() {}

  /// Their texts, in order; nothing else may use `state` meanwhile.
  public static List<String> of(State state, Runnable work) {
    List<String> heard = new ArrayList<>();
    state.listen(heard::add);
    try {
      work.run();
    } finally {
      state.listen(sql -> {});
    }
    return heard;
  }
}
