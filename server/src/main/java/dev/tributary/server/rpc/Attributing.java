package dev.tributary.server.rpc;

import dev.tributary.record.AdapterUse;
import dev.tributary.record.Shares;
import dev.tributary.server.engine.Sampling;
import dev.tributary.server.schedule.PathRun;
import dev.tributary.tlog.Hash;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/// Says whose data produced answers. Whoever asks writes it to the ledger.
///
/// How much of it a caller wants to hear is not told: it must not change who is credited.
public interface Attributing {
  /// Nobody can say anything of any answer.
  Attributing NONE =
      answer -> CompletableFuture.completedFuture(new Unattributed(Reason.NOT_BUILT, ""));

  /// Begins to attribute an answer whose Generation record is durable; must not block. Not asked of
  /// answers of the base alone, nor of empty ones.
  ///
  /// The weights in [Answered#uses] stay in memory until the future is done. Who has waited long
  /// enough completes or cancels it: then there is no use in going on. A future that fails leaves
  /// the answer unattributed.
  CompletableFuture<Outcome> attribute(Answered answer);

  /// What is said of an answer.
  sealed interface Outcome permits Attributed, Unattributed {}

  /// Why nothing can be said of an answer.
  enum Reason {
    /// Of no adapter of the answer it is known what it was trained on, or how to look it up.
    NOT_BUILT,
    /// Too many answers wait already.
    BACKLOG,
    /// An adapter's weights had left memory.
    FREED,
    /// It has no token.
    EMPTY,
    /// The server ended before.
    ENDED,
    /// It took longer than anybody waits.
    LATE,
    /// It went wrong.
    FAILED
  }

  /// Nothing can be said.
  ///
  /// @param detail for the log; may be empty
  record Unattributed(Reason reason, String detail) implements Outcome {}

  /// A contributor of an adapter version: the same name may be somebody else in another one.
  ///
  /// @param adapter digest of a version that the answer was made with
  record Contributor(Hash adapter, String name) {}

  /// A contributor's part.
  ///
  /// @param ppm at least 1
  record Share(Contributor contributor, int ppm) {
    public Share {
      require(ppm >= 1, contributor + " has a share of " + ppm);
    }
  }

  /// Text of the answer that stands verbatim in contributors' data, whether they have a share or
  /// not.
  ///
  /// @param start in UTF-8 bytes of [Answered#text]
  /// @param end in UTF-8 bytes, exclusive
  /// @param contributors at least one
  record Span(int start, int end, List<Contributor> contributors) {
    public Span {
      contributors = List.copyOf(contributors);
      require(start >= 0 && start < end, "a span from " + start + " to " + end);
      require(!contributors.isEmpty(), "a span of nobody");
    }
  }

  /// Whose data it was. All parts sum to a whole.
  ///
  /// @param method with its version; only the one that the versions' builds fixed earns anything
  /// @param shares of each contributor one; there may be none
  /// @param evidence what the shares were computed from, as the method has it
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Attributed(
      String method,
      List<Share> shares,
      int basePpm,
      int unattributedPpm,
      List<Span> spans,
      byte[] evidence)
      implements Outcome {
    public Attributed {
      shares = List.copyOf(shares);
      spans = List.copyOf(spans);
      long sum = (long) basePpm + unattributedPpm + shares.stream().mapToLong(Share::ppm).sum();
      require(basePpm >= 0 && unattributedPpm >= 0, "a part of base or unattributed is negative");
      require(sum == Shares.WHOLE, "shares sum to " + sum);
      require(
          shares.stream().map(Share::contributor).distinct().count() == shares.size(),
          "a contributor has two shares");
    }
  }

  /// An answer that has ended, however it did.
  ///
  /// @param id of its generation
  /// @param weight the tenant's share of the machine under load, in [1, 1000]
  /// @param leaf of its Generation record
  /// @param output every generated token, the one that stopped the answer too; at least one
  /// @param drawn with what probability each of them was drawn, without bias; NaN where bias may
  ///   have changed the choice
  /// @param text as its caller got it: without an echoed prompt, without the stop string that ended
  ///   it
  /// @param uses of the adapters, in the request's order
  /// @param adapters the same, as they are recorded
  /// @param paths that every computed token took: of the prompt and all of the output but the last
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Answered(
      String id,
      String tenant,
      int weight,
      long leaf,
      int[] prompt,
      int[] output,
      float[] drawn,
      String text,
      Sampling sampling,
      List<dev.tributary.server.model.AdapterUse> uses,
      List<AdapterUse> adapters,
      List<PathRun> paths) {
    public Answered {
      uses = List.copyOf(uses);
      adapters = List.copyOf(adapters);
      paths = List.copyOf(paths);
      require(output.length > 0 && drawn.length == output.length, "tokens without probabilities");
      require(uses.size() == adapters.size(), "adapters without weights");
    }
  }

  private static void require(boolean holds, String what) {
    if (!holds) {
      throw new IllegalArgumentException(what);
    }
  }
}
