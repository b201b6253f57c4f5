package dev.tributary.server.train;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/// The members of one call of [Trainer#train], from their data to their adapters.
final class Cohort {
  private final Surroundings place;
  private final Path folder;
  private final TrainingListener listener;
  private final BooleanSupplier cancelled;
  private final Checkpoints checkpoints;
  private final Results results;
  private final List<MemberRun> active = new ArrayList<>();
  private final Map<String, Outcome> outcomes = new HashMap<>();
  private long counted;
  private long stored;
  private int sinceStored;

  Cohort(Surroundings place, Path folder, TrainingListener listener, BooleanSupplier cancelled) {
    this.place = place;
    this.folder = folder;
    this.listener = listener;
    this.cancelled = cancelled;
    checkpoints = new Checkpoints(place.disk());
    results = new Results(place.disk());
    counted = now();
    stored = counted;
  }

  List<Outcome> train(List<Member> members) throws IOException {
    try {
      place.disk().makeFolder(folder);
      Path parent = folder.toAbsolutePath().getParent();
      if (parent != null) {
        place.disk().sync(parent);
      }
      for (Member member : members) {
        open(member);
      }
      measureBase();
      active.forEach(this::tell);
      finishEnded();
      while (!active.isEmpty() && !cancelled.getAsBoolean()) {
        step();
        evaluate();
        active.forEach(this::tell);
        dropDiverged();
        finishEnded();
        storeIfDue();
      }
      if (!active.isEmpty()) {
        leave();
      }
      return members.stream().map(member -> outcome(member)).toList();
    } finally {
      active.forEach(MemberRun::close);
    }
  }

  private Outcome outcome(Member member) {
    Outcome outcome = outcomes.get(member.name());
    if (outcome == null) {
      throw new IllegalStateException(member.name() + " was lost");
    }
    return outcome;
  }

  private Path folder(Member member) {
    return folder.resolve(member.name());
  }

  private void open(Member member) throws IOException {
    Path own = folder(member);
    place.disk().makeFolder(own);
    place.disk().sync(folder);
    RunIdentity identity = RunIdentity.of(member, place.base(), place.capacity().microTokens());
    Outcome.Trained finished = results.find(member, identity, own);
    if (finished != null) {
      checkpoints.delete(own);
      end(finished);
      return;
    }
    MemberRun run = new MemberRun(member, identity, place.base().config());
    active.add(run);
    checkpoints.restore(run, own);
  }

  /// What the base says of the held-out examples and the general text: with B zero, every member
  /// says the same as it.
  private void measureBase() {
    List<MemberRun> fresh = active.stream().filter(run -> run.history().step == 0).toList();
    List<Double> generalLosses = losses(fresh, run -> generalRows());
    List<Double> heldOut = losses(fresh, Cohort::heldOutRows);
    for (int i = 0; i < fresh.size(); i++) {
      History history = fresh.get(i).history();
      history.generalBefore = known(generalLosses.get(i));
      history.heldOutBefore = known(heldOut.get(i));
    }
    count();
  }

  private void step() {
    List<List<MicroBatch>> batches = new ArrayList<>();
    active.forEach(run -> batches.add(run.nextBatches(place.capacity().microTokens())));
    List<BooleanSupplier> pieces = new ArrayList<>();
    pieces.add(new Passes(place.gradients(), batches, place.capacity().passTokens(), true));
    active.forEach(run -> pieces.add(new Sweep(place.gradients(), run)));
    await(new Sequence(pieces));
    active.forEach(MemberRun::stepped);
    count();
  }

  private void evaluate() {
    List<MemberRun> due =
        active.stream().filter(run -> run.divergence() == null && run.atEvaluation()).toList();
    List<Double> heldOut = losses(due, Cohort::heldOutRows);
    for (int i = 0; i < due.size(); i++) {
      due.get(i).evaluated(known(heldOut.get(i)));
    }
    count();
  }

  private void dropDiverged() {
    for (Iterator<MemberRun> runs = active.iterator(); runs.hasNext(); ) {
      MemberRun run = runs.next();
      String why = run.divergence();
      if (why != null) {
        runs.remove();
        run.close();
        end(new Outcome.Diverged(run.member().name(), run.history().step, why));
      }
    }
  }

  private void finishEnded() throws IOException {
    List<MemberRun> ended = active.stream().filter(MemberRun::ended).toList();
    ended.forEach(MemberRun::conclude);
    List<Double> generalLosses = losses(ended, run -> generalRows());
    List<Double> heldOut = losses(ended, Cohort::heldOutRows);
    count();
    for (int i = 0; i < ended.size(); i++) {
      MemberRun run = ended.get(i);
      Double generalAfter = known(generalLosses.get(i));
      Double heldOutAfter = known(heldOut.get(i));
      Path own = folder(run.member());
      PeftWriter writer =
          new PeftWriter(run.adapter(), run.member().settings().lora(), place.base());
      Outcome.Trained trained =
          results.store(
              run.member().name(),
              writer,
              digest -> Reports.of(run, place.base(), generalAfter, heldOutAfter, digest),
              own);
      checkpoints.delete(own);
      active.remove(run);
      run.close();
      end(trained);
    }
  }

  private void storeIfDue() throws IOException {
    sinceStored++;
    long now = now();
    if (sinceStored >= place.cadence().steps()
        || now - stored >= place.cadence().time().toNanos()) {
      store();
      stored = now();
      sinceStored = 0;
    }
  }

  private void store() throws IOException {
    for (MemberRun run : active) {
      checkpoints.save(run, folder(run.member()));
    }
  }

  private void leave() throws IOException {
    store();
    for (MemberRun run : active) {
      end(new Outcome.Cancelled(run.member().name(), run.history().step));
    }
  }

  private void end(Outcome outcome) {
    outcomes.put(outcome.member(), outcome);
    listener.ended(outcome);
  }

  private void tell(MemberRun run) {
    History history = run.history();
    listener.progress(
        new Progress(
            run.member().name(),
            history.step,
            run.member().steps(),
            history.step == 0 ? null : history.lastLoss,
            history.lastHeldOut(),
            history.tokens,
            Duration.ofNanos(history.nanos)));
  }

  /// Adds the time since the last count to all that run.
  private void count() {
    long now = now();
    active.forEach(run -> run.history().nanos += now - counted);
    counted = now;
  }

  private interface Rows {
    List<MicroBatch.Sequence> of(MemberRun run);
  }

  private static List<MicroBatch.Sequence> heldOutRows(MemberRun run) {
    return run.member().heldOut().stream().map(MicroBatch.Sequence::of).toList();
  }

  private List<MicroBatch.Sequence> generalRows() {
    return place.general().stream().map(tokens -> new MicroBatch.Sequence(tokens, 1)).toList();
  }

  /// The mean loss of a target under each member; NaN without rows.
  private List<Double> losses(List<MemberRun> runs, Rows rows) {
    List<List<MicroBatch>> batches = new ArrayList<>();
    for (MemberRun run : runs) {
      batches.add(MicroBatch.split(rows.of(run), run.adapter(), 0, place.capacity().microTokens()));
    }
    await(new Passes(place.gradients(), batches, place.capacity().passTokens(), false));
    List<Double> means = new ArrayList<>();
    for (List<MicroBatch> own : batches) {
      long targets =
          own.stream()
              .flatMap(batch -> batch.rows().stream())
              .mapToLong(row -> row.targets())
              .sum();
      means.add(MicroBatch.sum(own) / targets);
    }
    return means;
  }

  /// Null where there was nothing to measure.
  private static @Nullable Double known(double loss) {
    return Double.isNaN(loss) ? null : loss;
  }

  private long now() {
    return place.nanoTime().getAsLong();
  }

  private void await(BooleanSupplier pieces) {
    try {
      place.device().run(pieces).join();
    } catch (CompletionException e) {
      switch (e.getCause()) {
        case RuntimeException cause -> throw cause;
        case Error cause -> throw cause;
        case null, default -> throw e;
      }
    } catch (CancellationException e) {
      throw new IllegalStateException("the device went away", e);
    }
  }
}
