package dev.tributary.client;

import static dev.tributary.client.Connection.calling;
import static dev.tributary.client.Connection.quick;

import com.google.protobuf.ByteString;
import dev.tributary.tlog.Hash;
import dev.tributary.tlog.Merkle;
import dev.tributary.tlog.Policy;
import dev.tributary.v1.ConsistencyProof;
import dev.tributary.v1.GetCheckpointRequest;
import dev.tributary.v1.GetConsistencyProofRequest;
import dev.tributary.v1.GetEntriesRequest;
import dev.tributary.v1.GetEntriesResponse;
import dev.tributary.v1.GetInclusionProofRequest;
import dev.tributary.v1.ProvenanceGrpc;
import dev.tributary.v1.WatchCheckpointsRequest;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.function.BiConsumer;

/// A server's log as it is read from outside. What it sends is checked here, so that a caller who
/// trusts a checkpoint trusts all that is read under it.
public final class Ledger {
  /// Entries of one call; the contract's bound.
  private static final int PAGE = 1_000;

  private final ProvenanceGrpc.ProvenanceBlockingStub stub;
  private final Backoff.Sleeper sleeper;

  Ledger(ProvenanceGrpc.ProvenanceBlockingStub stub, Backoff.Sleeper sleeper) {
    this.stub = stub;
    this.sleeper = sleeper;
  }

  Backoff.Sleeper sleeper() {
    return sleeper;
  }

  /// Takes entries in their order.
  public interface Reader {
    void entry(long index, byte[] leaf) throws IOException;
  }

  /// The newest published checkpoint, not yet believed.
  ///
  /// @throws TributaryException if the call failed
  /// @throws UnmetException if what came is no checkpoint
  public Head newest() {
    return Head.of(
        calling(() -> quick(stub).getCheckpoint(GetCheckpointRequest.getDefaultInstance())));
  }

  /// The newest checkpoint that one of the policy could believe: where it asks for witnesses, that
  /// which they cosigned.
  ///
  /// @throws TributaryException if the call failed
  /// @throws UnmetException if what came is no checkpoint
  public Head newest(Policy policy) {
    GetCheckpointRequest request =
        GetCheckpointRequest.newBuilder().setCosigned(policy.asksForWitnesses()).build();
    return Head.of(calling(() -> quick(stub).getCheckpoint(request)));
  }

  /// Checks that a leaf is in the log.
  ///
  /// @param leaf its hash
  /// @param head believed
  /// @throws TributaryException if the call failed
  /// @throws UnmetException if it is not
  public void requireIncluded(Hash leaf, long index, Head head) {
    GetInclusionProofRequest request =
        GetInclusionProofRequest.newBuilder().setLeafIndex(index).setTreeSize(head.size()).build();
    List<Hash> proof =
        index >= head.size()
            ? List.of()
            : hashes(
                calling(() -> quick(stub).getInclusionProof(request)).getHashesList(),
                Merkle.MAX_INCLUSION);
    if (!Merkle.included(leaf, index, head.size(), proof, head.checkpoint().root())) {
      throw new UnmetException("leaf " + index + " is not what is said to be in the log there");
    }
  }

  /// Checks that the log only grew.
  ///
  /// @param old believed
  /// @param head at least as large; believed to be signed
  /// @throws TributaryException if the call failed
  /// @throws UnmetException if one is not the other's beginning
  public void requireGrown(Head old, Head head) {
    if (!old.origin().equals(head.origin())) {
      throw new UnmetException(
          "the log is %s now, and was %s".formatted(head.origin(), old.origin()));
    }
    if (head.size() < old.size()) {
      throw new UnmetException(
          "the log has %d entries now, and had %d: it was rolled back, or this is another"
              .formatted(head.size(), old.size()));
    }
    List<Hash> proof =
        old.size() == 0 || old.size() == head.size() ? List.of() : proof(old.size(), head.size());
    if (!Merkle.consistent(
        old.size(), old.checkpoint().root(), head.size(), head.checkpoint().root(), proof)) {
      throw new UnmetException(
          ("the tree of %d entries does not begin with that of %d entries that was shown before:"
                  + " the log was rewritten or forked; keep both checkpoints")
              .formatted(head.size(), old.size()));
    }
  }

  private List<Hash> proof(long oldSize, long newSize) {
    ConsistencyProof proof =
        calling(
            () ->
                quick(stub)
                    .getConsistencyProof(
                        GetConsistencyProofRequest.newBuilder()
                            .setOldSize(oldSize)
                            .setNewSize(newSize)
                            .build()));
    return hashes(proof.getHashesList(), Merkle.MAX_CONSISTENCY);
  }

  static List<Hash> hashes(List<ByteString> bytes, int most) {
    if (bytes.size() > most || bytes.stream().anyMatch(hash -> hash.size() != Hash.BYTES)) {
      throw new UnmetException("the server's proof is not one: more than hashes, or too many");
    }
    return bytes.stream().map(hash -> Hash.of(hash.toByteArray())).toList();
  }

  /// Reads entries `[from, to)`, which wants the role auditor. Nothing says yet that they are the
  /// log's: that is for the reader to hash.
  ///
  /// @throws TributaryException if a call failed
  /// @throws UnmetException if other entries came than were asked for
  public void read(long from, long to, Reader reader) throws IOException {
    long next = from;
    while (next < to) {
      long start = next;
      GetEntriesRequest request =
          GetEntriesRequest.newBuilder()
              .setStart(start)
              .setPageSize((int) Math.min(PAGE, to - start))
              .build();
      GetEntriesResponse page = calling(() -> quick(stub).getEntries(request));
      if (page.getEntriesCount() == 0 || page.getEntriesCount() > to - start) {
        throw new UnmetException(
            "the server sent %d entries from %d on, of %d"
                .formatted(page.getEntriesCount(), start, to - start));
      }
      for (GetEntriesResponse.Entry entry : page.getEntriesList()) {
        if (entry.getLeafIndex() != next) {
          throw new UnmetException(
              "the server sent entry %d for %d".formatted(entry.getLeafIndex(), next));
        }
        reader.entry(next, entry.getData().toByteArray());
        next++;
      }
    }
  }

  /// The newest checkpoint, then each new one, across broken connections, not yet believed. Close
  /// it to end it.
  ///
  /// @param cosigned only those that the server's witnesses cosigned
  /// @param interrupted hears of each broken connection, and after which time it is made again
  public CheckpointWatch watch(
      boolean cosigned, BiConsumer<TributaryException, Duration> interrupted) {
    WatchCheckpointsRequest request =
        WatchCheckpointsRequest.newBuilder().setCosigned(cosigned).build();
    return new CheckpointWatch(
        () -> stub.watchCheckpoints(request), interrupted, new Backoff(sleeper));
  }
}
