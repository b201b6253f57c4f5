package dev.tributary.server.schedule;

import dev.tributary.identity.ComputePath;
import java.util.ArrayList;
import java.util.List;

/// The path that each token of a sequence takes, run-length: first as it is chosen, then for
/// whoever computes the token again.
final class PathRuns {
  private final List<PathRun> runs = new ArrayList<>();
  private int length;

  PathRuns(List<PathRun> runs) {
    runs.forEach(run -> add(run.path(), run.count()));
  }

  /// The next `count` tokens take `path`.
  void add(ComputePath path, int count) {
    if (!runs.isEmpty() && runs.getLast().path() == path) {
      runs.set(runs.size() - 1, new PathRun(path, runs.getLast().count() + count));
    } else {
      runs.add(new PathRun(path, count));
    }
    length += count;
  }

  /// Tokens whose path is known.
  int length() {
    return length;
  }

  ComputePath at(int position) {
    int end = 0;
    for (PathRun run : runs) {
      end += run.count();
      if (position < end) {
        return run.path();
      }
    }
    throw new IndexOutOfBoundsException(position + " of " + length);
  }

  /// Where the run that `position` is in ends, exclusive.
  int endOfRun(int position) {
    int end = 0;
    for (PathRun run : runs) {
      end += run.count();
      if (position < end) {
        return end;
      }
    }
    throw new IndexOutOfBoundsException(position + " of " + length);
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
