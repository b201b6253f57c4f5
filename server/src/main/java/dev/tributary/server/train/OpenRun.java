package dev.tributary.server.train;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.tributary.server.state.RunRecord;
import java.util.HashMap;
import java.util.Map;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/// A run that waits or runs in this process, and how far it is. Thread safe.
final class OpenRun implements TrainingListener {
  /// Where it is on its way; it never goes back.
  enum Phase {
    WAITING,
    TRAINING,
    PUBLISHING,
    CANCELLED
  }

  private final LongSupplier nanoTime;
  private final Runnable changed;

  @GuardedBy("this")
  private RunRecord run;

  @GuardedBy("this")
  private Phase phase = Phase.WAITING;

  /// The latest of each member.
  @GuardedBy("this")
  private final Map<String, Progress> members = new HashMap<>();

  @GuardedBy("this")
  private int totalSteps;

  @GuardedBy("this")
  private @Nullable Progress latest;

  /// Steps of all members that earlier processes did, and when this one began.
  @GuardedBy("this")
  private int stepsBefore;

  @GuardedBy("this")
  private long begun;

  /// @param changed called when there is news, on the thread that brings it
  OpenRun(RunRecord run, LongSupplier nanoTime, Runnable changed) {
    this.run = run;
    this.nanoTime = nanoTime;
    this.changed = changed;
    begun = nanoTime.getAsLong();
  }

  synchronized RunRecord run() {
    return run;
  }

  synchronized void run(RunRecord now) {
    run = now;
  }

  synchronized Phase phase() {
    return phase;
  }

  /// @return whether it could go on: it was not cancelled
  synchronized boolean enter(Phase next) {
    if (phase == Phase.CANCELLED) {
      return false;
    }
    phase = next;
    return true;
  }

  boolean isCancelled() {
    return phase() == Phase.CANCELLED;
  }

  /// What is to be done is known.
  ///
  /// @param steps of all members
  synchronized void begin(int steps) {
    totalSteps = steps;
    stepsBefore = -1;
    begun = nanoTime.getAsLong();
  }

  @Override
  public void progress(Progress progress) {
    synchronized (this) {
      members.put(progress.member(), progress);
      latest = progress;
      if (stepsBefore < 0 && members.values().stream().anyMatch(each -> each.step() > 0)) {
        // The first step that is told of may be one that an earlier process did.
        stepsBefore = steps();
        begun = nanoTime.getAsLong();
      }
    }
    changed.run();
  }

  @GuardedBy("this")
  private int steps() {
    return members.values().stream().mapToInt(Progress::step).sum();
  }

  synchronized RunProgress progress() {
    Progress last = latest;
    if (last == null) {
      return new RunProgress(0, totalSteps, null, null, 0, 0, null);
    }
    int done = steps();
    int since = stepsBefore < 0 ? 0 : done - stepsBefore;
    long nanos = nanoTime.getAsLong() - begun;
    return new RunProgress(
        done,
        totalSteps,
        last.loss(),
        last.heldOutLoss(),
        members.values().stream().mapToLong(Progress::tokens).sum(),
        members.values().stream().mapToLong(each -> each.elapsed().toMillis()).max().orElse(0),
        since <= 0 ? null : (long) (nanos / 1e6 / since * Math.max(0, totalSteps - done)));
  }
}
