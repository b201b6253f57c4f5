package dev.tributary.server.schedule;

import dev.tributary.identity.ComputePath;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// The path that each token of a sequence takes, run-length: first as it is chosen, then for
/// whoever computes the token again.
final class PathRuns {
  /// Most runs of a record; a sequence that has them stays on its path.
  static final int MAX = 1_024;

  private final List<PathRun> runs = new ArrayList<>();

  /// Where each run ends, exclusive.
  private final List<Integer> ends = new ArrayList<>();

  PathRuns(List<PathRun> runs) {
    runs.forEach(run -> add(run.path(), run.count()));
  }

  /// The next `count` tokens take `path`.
  void add(ComputePath path, int count) {
    int end = length() + count;
    int joined = count;
    if (!runs.isEmpty() && runs.getLast().path() == path) {
      joined += runs.removeLast().count();
      ends.removeLast();
    }
    runs.add(new PathRun(path, joined));
    ends.add(end);
  }

  /// Tokens whose path is known.
  int length() {
    return ends.isEmpty() ? 0 : ends.getLast();
  }

  ComputePath at(int position) {
    return runs.get(runOf(position)).path();
  }

  /// Where the run that `position` is in ends, exclusive.
  int endOfRun(int position) {
    return ends.get(runOf(position));
  }

  /// The path that all tokens to come take, because there is no room for another run; else null.
  @Nullable ComputePath settled() {
    return runs.size() >= MAX ? runs.getLast().path() : null;
  }

  private int runOf(int position) {
    Objects.checkIndex(position, length());
    int found = Collections.binarySearch(ends, position + 1);
    return found < 0 ? -found - 1 : found;
  }

  /// The runs of the first `count` tokens.
  List<PathRun> first(int count) {
    List<PathRun> first = new ArrayList<>();
    int left = count;
    for (PathRun run : runs) {
      if (left <= 0) {
        break;
      }
      first.add(new PathRun(run.path(), Math.min(run.count(), left)));
      left -= run.count();
    }
    return List.copyOf(first);
  }
}
