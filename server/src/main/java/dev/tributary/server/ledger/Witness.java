package dev.tributary.server.ledger;

import dev.tributary.tlog.Checkpoint;
import dev.tributary.tlog.Hash;
import dev.tributary.tlog.Merkle;
import dev.tributary.tlog.Note;
import dev.tributary.tlog.NoteSignature;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;

/// A witness and what is known of what it knows. Not for more than one thread, but for [#state].
final class Witness {
  /// Sizes may change between a question and the next.
  private static final int ROUNDS = 3;

  private final WitnessClient client;
  private final Store store;
  private volatile WitnessState state;
  private volatile Consumer<WitnessState> listener = state -> {};

  Witness(WitnessClient client, Store store) {
    this.client = client;
    this.store = store;
    state = new WitnessState(client.name(), 0, Optional.empty());
  }

  String name() {
    return client.name();
  }

  WitnessState state() {
    return state;
  }

  /// Hears when there is a problem, another one, or none any more.
  void listen(Consumer<WitnessState> heard) {
    listener = heard;
  }

  private void become(WitnessState next) {
    boolean news = !next.problem().equals(state.problem());
    state = next;
    if (news) {
      listener.accept(next);
    }
  }

  /// Asks for a cosignature; empty if there is none, for which the state has the reason.
  ///
  /// @param checkpoint of this log, published
  Optional<NoteSignature> ask(Note checkpoint) throws InterruptedException {
    return ask(checkpoint, state.size(), false);
  }

  /// Asks what the witness knows when the log is opened.
  ///
  /// @param newest checkpoint, published
  /// @throws LedgerRefused if it knows more leaves of this log, or others
  Optional<NoteSignature> check(Note newest) throws InterruptedException {
    return ask(newest, Checkpoint.parse(newest.text()).size(), true);
  }

  private Optional<NoteSignature> ask(Note note, long known, boolean refuse)
      throws InterruptedException {
    long size = Checkpoint.parse(note.text()).size();
    long old = Math.min(known, size);
    for (int round = 0; round < ROUNDS; round++) {
      List<Hash> proof;
      try {
        proof = Merkle.consistencyProof(old, size, store.nodes());
      } catch (UncheckedIOException e) {
        return problem("was not asked: the log could not be read: " + e.getMessage());
      }
      long asked = old;
      switch (client.send(asked, proof, note)) {
        case WitnessAnswer.Cosigned cosigned -> {
          become(new WitnessState(name(), size, Optional.empty()));
          return Optional.of(cosigned.signature());
        }
        case WitnessAnswer.Conflict conflict
            when conflict.size() < size && conflict.size() != asked ->
            old = conflict.size();
        case WitnessAnswer.Conflict conflict -> {
          return contradicts(conflict.size(), size, refuse);
        }
        case WitnessAnswer.Contradicted _ -> {
          return contradicts(asked, size, refuse);
        }
        case WitnessAnswer.Failed failed -> {
          return problem(failed.why());
        }
      }
    }
    return problem("changes its mind about what it knows");
  }

  private Optional<NoteSignature> contradicts(long theirs, long ours, boolean refuse) {
    String why =
        theirs > ours
            ? "knows a checkpoint of %d leaves, and the newest here is of %d: it was rolled back"
            : "knows another root of the first %d leaves, and has seen ours of %d: it was changed";
    String sentence = String.format(Locale.ROOT, why, theirs, ours);
    if (refuse) {
      throw new LedgerRefused("witness " + name() + " " + sentence);
    }
    return problem(sentence);
  }

  private Optional<NoteSignature> problem(String why) {
    become(new WitnessState(name(), state.size(), Optional.of(why)));
    return Optional.empty();
  }
}
