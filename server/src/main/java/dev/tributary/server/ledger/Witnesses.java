package dev.tributary.server.ledger;

import dev.tributary.tlog.Checkpoint;
import dev.tributary.tlog.Note;
import dev.tributary.tlog.NoteSignature;
import dev.tributary.tlog.Policy;
import dev.tributary.tlog.Verdict;
import java.io.IOException;
import java.net.http.HttpClient;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Asks witnesses to cosign checkpoints, each on a thread of its own, so that none waits for
/// another.
///
/// In a round, all are asked for the same checkpoint, since a quorum is of one. When it is reached,
/// when all answered or after [WitnessClient#TIMEOUT], the next round is about the newest; whoever
/// was slow leaves out some.
final class Witnesses implements AutoCloseable {
  private static final long FIRST_WAIT = 1_000;
  private static final long LONGEST_WAIT = 60_000;
  private static final Duration CONNECT = Duration.ofSeconds(5);

  /// A restart may have to do with a cosigned checkpoint that is so much older.
  private static final Duration SAVE_EVERY = Duration.ofSeconds(10);

  /// @param note the log's own
  private record Round(long number, Note note) {}

  private final Policy policy;
  private final HttpClient http;
  private final List<Witness> witnesses;
  private final List<Thread> threads = new ArrayList<>();
  private final Anchor file;
  private final Health health;
  private Note newest;
  private Round round;
  private Note signed;
  private boolean reached;
  private long since = System.nanoTime();
  private final Set<String> answered = new HashSet<>();
  private volatile @Nullable Note cosigned;
  private boolean closed;
  private @Nullable Note saved;
  private long savedAt = System.nanoTime();

  private Witnesses(
      Policy policy,
      HttpClient http,
      List<Witness> witnesses,
      Note newest,
      Anchor file,
      Health health) {
    this.policy = policy;
    this.http = http;
    this.witnesses = witnesses;
    this.file = file;
    this.health = health;
    this.newest = newest;
    this.round = new Round(0, newest);
    this.signed = newest;
  }

  /// Asks all that have an address what they know. Who does not answer is asked again later.
  ///
  /// @param newest checkpoint, published
  /// @throws LedgerRefused if one knows more of this log, or something else
  static Witnesses open(Policy policy, Opening log, Note newest, Health health) throws IOException {
    HttpClient http =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(CONNECT)
            .build();
    try {
      List<Witness> all =
          policy.witnesses().stream()
              .filter(witness -> witness.url().isPresent())
              .map(witness -> new Witness(new WitnessClient(http, witness), log.store()))
              .toList();
      Witnesses witnesses = new Witnesses(policy, http, all, newest, log.cosigned(), health);
      witnesses.check();
      witnesses.restore(log);
      return witnesses;
    } catch (IOException | RuntimeException e) {
      http.shutdownNow();
      throw e;
    }
  }

  private void check() {
    Round first = round;
    try (ExecutorService each = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Optional<NoteSignature>>> checks =
          witnesses.stream()
              .map(witness -> each.submit(() -> witness.check(first.note())))
              .toList();
      for (int i = 0; i < checks.size(); i++) {
        answer(witnesses.get(i).name(), first, checks.get(i).get());
      }
    } catch (ExecutionException e) {
      throw e.getCause() instanceof RuntimeException cause ? cause : new IllegalStateException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new LedgerRefused("interrupted while witnesses were asked");
    }
  }

  /// Once, after [#open].
  void start() {
    for (Witness witness : witnesses) {
      threads.add(
          Thread.ofVirtual().name("ledger-witness-" + witness.name()).start(() -> serve(witness)));
    }
  }

  private void serve(Witness witness) {
    long last = witness.state().problem().isEmpty() ? 0 : -1;
    long wait = last < 0 ? FIRST_WAIT : 0;
    try {
      for (Round next = next(last, wait); next != null; next = next(last, wait)) {
        Optional<NoteSignature> signature = witness.ask(next.note());
        answer(witness.name(), next, signature);
        save(SAVE_EVERY);
        last = signature.isPresent() ? next.number() : -1;
        wait = signature.isPresent() ? 0 : Math.clamp(2 * wait, FIRST_WAIT, LONGEST_WAIT);
      }
    } catch (InterruptedException e) {
      // Closed.
    } catch (IOException e) {
      health.fail("a cosigned checkpoint cannot be kept", e);
    }
  }

  /// Keeps the newest for the next run.
  ///
  /// @param atLeast time since the last one was kept, or nothing is done
  private void save(Duration atLeast) throws IOException {
    synchronized (file) {
      Note note = cosigned;
      if (note != null && !note.equals(saved) && System.nanoTime() - savedAt >= atLeast.toNanos()) {
        file.write(note);
        saved = note;
        savedAt = System.nanoTime();
      }
    }
  }

  /// Waits so many milliseconds and for a round that is not the last; null when closed.
  private synchronized @Nullable Round next(long last, long millis) throws InterruptedException {
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
    long left = millis;
    while (!closed && (left > 0 || round.number() == last)) {
      wait(Math.max(0, left));
      left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
    }
    return closed ? null : round;
  }

  private synchronized void answer(String name, Round asked, Optional<NoteSignature> signature) {
    if (asked.number() != round.number()) {
      return;
    }
    answered.add(name);
    if (signature.isPresent()) {
      signed = signed.with(signature.get());
      Verdict verdict = policy.check(signed);
      if (verdict.quorum() && !verdict.cosigned().isEmpty()) {
        reached = true;
        cosigned = signed;
      }
    }
    advance();
  }

  /// A checkpoint was published. Returns at once.
  synchronized void offer(Note note) {
    newest = note;
    advance();
  }

  private void advance() {
    boolean late = System.nanoTime() - since > WitnessClient.TIMEOUT.toNanos();
    boolean done = reached || answered.size() == witnesses.size() || late;
    if (done && !newest.equals(round.note())) {
      round = new Round(round.number() + 1, newest);
      signed = newest;
      reached = false;
      since = System.nanoTime();
      answered.clear();
      notifyAll();
    }
  }

  /// The newest that reached the quorum.
  Optional<Note> cosigned() {
    return Optional.ofNullable(cosigned);
  }

  /// Takes the one of an earlier run, if it is still what the policy asks for.
  private void restore(Opening log) throws IOException {
    Note earlier = file.read().orElse(null);
    if (cosigned == null && earlier != null) {
      Verdict verdict = policy.check(earlier);
      Checkpoint checkpoint = verdict.checkpoint();
      boolean ours =
          checkpoint.origin().equals(log.signers().origin())
              && checkpoint.size() <= log.store().size()
              && checkpoint.root().equals(log.store().root(checkpoint.size()));
      if (ours && verdict.quorum() && !verdict.cosigned().isEmpty()) {
        cosigned = earlier;
        saved = earlier;
      }
    }
  }

  void listen(Consumer<WitnessState> heard) {
    witnesses.forEach(witness -> witness.listen(heard));
  }

  List<WitnessState> states() {
    return witnesses.stream().map(Witness::state).toList();
  }

  @Override
  public void close() throws IOException {
    synchronized (this) {
      closed = true;
      notifyAll();
    }
    http.shutdownNow();
    threads.forEach(Thread::interrupt);
    save(Duration.ZERO);
  }
}
