package dev.tributary.server.train;

import dev.tributary.identity.AdapterDigest;
import dev.tributary.server.train.History.Point;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// Counts steps in a file, which it goes on from, and ends in an adapter that it is given.
public final class FakeTraining implements Training {
  private static final long LOOK_NANOS = 1_000_000;

  private final Function<Member, Map<String, byte[]>> adapters;

  /// Members of each call, in order.
  public final List<List<Member>> asked = new CopyOnWriteArrayList<>();

  /// Steps at which calls began.
  public final List<Integer> begun = new CopyOnWriteArrayList<>();

  /// Each step takes one; enough for all but a test that holds it.
  public final Semaphore steps = new Semaphore(Integer.MAX_VALUE);

  /// What a call throws after its first step; null: nothing.
  public volatile @Nullable RuntimeException failure;

  public volatile boolean diverges;

  /// @param adapters PEFT files by name, of a member
  public FakeTraining(Function<Member, Map<String, byte[]>> adapters) {
    this.adapters = adapters;
  }

  @Override
  public List<Outcome> train(
      Path folder, List<Member> members, TrainingListener listener, BooleanSupplier cancelled)
      throws IOException {
    asked.add(members);
    List<Outcome> outcomes = new ArrayList<>();
    for (Member member : members) {
      Path own = Files.createDirectories(folder.resolve(member.name()));
      outcomes.add(train(own, member, listener, cancelled));
    }
    return outcomes;
  }

  private Outcome train(
      Path own, Member member, TrainingListener listener, BooleanSupplier cancelled)
      throws IOException {
    Path checkpoint = own.resolve("checkpoint");
    int step = Files.exists(checkpoint) ? Integer.parseInt(Files.readString(checkpoint)) : 0;
    begun.add(step);
    tell(listener, member, step);
    while (step < member.steps()) {
      while (!cancelled.getAsBoolean() && !steps.tryAcquire()) {
        LockSupport.parkNanos(LOOK_NANOS);
      }
      if (cancelled.getAsBoolean()) {
        return new Outcome.Cancelled(member.name(), step);
      }
      step++;
      Files.writeString(checkpoint, Integer.toString(step));
      tell(listener, member, step);
      RuntimeException broken = failure;
      if (broken != null) {
        throw broken;
      }
    }
    return diverges
        ? new Outcome.Diverged(member.name(), step, "the loss is not finite")
        : store(own.resolve("result"), member, step);
  }

  private static void tell(TrainingListener listener, Member member, int step) {
    listener.progress(
        new Progress(
            member.name(),
            step,
            member.steps(),
            step == 0 ? null : 4.0 / step,
            member.heldOut().isEmpty() ? null : 3.0,
            100L * step,
            Duration.ofMillis(10L * step)));
  }

  private Outcome store(Path folder, Member member, int steps) throws IOException {
    Files.createDirectories(folder);
    for (var file : adapters.apply(member).entrySet()) {
      Files.write(folder.resolve(file.getKey()), file.getValue());
    }
    Files.write(folder.resolve(TrainingReport.FILE), "{}".getBytes(StandardCharsets.UTF_8));
    TreeMap<String, Integer> contributors = new TreeMap<>();
    member.training().forEach(each -> contributors.merge(each.contributor(), 1, Integer::sum));
    List<Point> curve = new ArrayList<>();
    for (int step = 1; step <= steps; step++) {
      curve.add(new Point(step, 4.0 / step));
    }
    TrainingReport report =
        new TrainingReport(
            member.name(),
            new RunIdentity("settings", "data", "base", "numerics"),
            null,
            member.settings(),
            member.training().size(),
            member.heldOut().size(),
            contributors,
            steps,
            steps,
            100L * steps,
            steps / 100.0,
            4.0 / steps,
            member.heldOut().isEmpty() ? null : 3.0,
            member.heldOut().isEmpty() ? null : 1.5,
            2.5,
            2.75,
            curve,
            List.of(),
            AdapterDigest.of(folder));
    return new Outcome.Trained(member.name(), folder, report);
  }
}
