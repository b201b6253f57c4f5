package dev.tributary.server.rpc;

import dev.tributary.server.state.VersionRecord;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/// Answers as a test says; whoever watches is told of steps by the test.
final class FakeIndexing implements Indexing {
  /// What versions have.
  volatile Standing standing = new Impossible(Reason.EXAMPLES);

  private final List<Progress> watchers = new CopyOnWriteArrayList<>();

  @Override
  public Standing of(VersionRecord version) {
    return standing;
  }

  @Override
  public Watch watch(VersionRecord version, Progress progress) {
    watchers.add(progress);
    return () -> watchers.remove(progress);
  }

  int watchers() {
    return watchers.size();
  }

  void tell(int done, int all) {
    watchers.forEach(each -> each.tell(done, all));
  }
}
