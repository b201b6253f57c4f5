package dev.tributary.server.rpc;

import com.google.protobuf.ByteString;
import dev.tributary.server.ledger.Log;
import dev.tributary.tlog.Checkpoint;
import dev.tributary.tlog.Cosignature;
import dev.tributary.tlog.Hash;
import dev.tributary.tlog.Note;
import dev.tributary.tlog.TilePath;
import dev.tributary.v1.ConsistencyProof;
import dev.tributary.v1.GetCheckpointRequest;
import dev.tributary.v1.GetConsistencyProofRequest;
import dev.tributary.v1.GetEntriesRequest;
import dev.tributary.v1.GetEntriesResponse;
import dev.tributary.v1.GetInclusionProofRequest;
import dev.tributary.v1.InclusionProof;
import java.time.Instant;
import java.util.List;

/// What the log itself shows: checkpoints, proofs against published ones, and leaves as they are
/// hashed. None of it says more than its reader could compute from tiles and entry bundles.
final class LogAnswers {
  /// Bytes of leaves in one page; most clients take messages of 4 MiB.
  private static final int MAX_PAGE_BYTES = 3 << 20;

  private static final String ENTRIES = "entries";

  private final Log log;

  LogAnswers(Log log) {
    this.log = log;
  }

  dev.tributary.v1.Checkpoint checkpoint(GetCheckpointRequest request) {
    if (request.hasSize()) {
      if (request.getCosigned()) {
        throw Statuses.invalid("cosigned", "asks for the newest; it can't be set beside size");
      }
      return checkpoint(published(request.getSize(), "size"));
    }
    return checkpoint(request.getCosigned() ? cosigned() : log.checkpoint());
  }

  /// The newest that as many witnesses cosigned as the server's policy asks for.
  Note cosigned() {
    return log.cosigned()
        .orElseThrow(
            () ->
                Statuses.precondition(
                    "NO_WITNESSES",
                    log.origin(),
                    "no checkpoint of this server was cosigned by witnesses"));
  }

  /// As the contract tells of it. Its time is that of the newest cosignature: without one there is
  /// no word on it but the server's own.
  dev.tributary.v1.Checkpoint checkpoint(Note note) {
    Checkpoint tree = Checkpoint.parse(note.text());
    dev.tributary.v1.Checkpoint.Builder told =
        dev.tributary.v1.Checkpoint.newBuilder()
            .setNote(note.toString())
            .setOrigin(tree.origin())
            .setSize(tree.size())
            .setRootDigest(tree.root().text())
            .setVerifierKey(log.verifierKey().toString());
    note.signatures().stream()
        .flatMap(signature -> Cosignature.of(signature).stream())
        .mapToLong(Cosignature::time)
        .max()
        .ifPresent(time -> told.setTime(Times.timestamp(Instant.ofEpochSecond(time))));
    return told.build();
  }

  InclusionProof inclusion(GetInclusionProofRequest request) {
    var unused = published(request.getTreeSize(), "tree_size");
    long leaf = request.getLeafIndex();
    if (leaf < 0 || leaf >= request.getTreeSize()) {
      throw Statuses.invalid(
          "leaf_index", "is " + leaf + ", must be at least 0 and below tree_size");
    }
    return inclusion(leaf, request.getTreeSize());
  }

  InclusionProof inclusion(long leaf, long size) {
    return InclusionProof.newBuilder()
        .setLeafIndex(leaf)
        .setTreeSize(size)
        .addAllHashes(bytes(log.inclusion(leaf, size)))
        .build();
  }

  ConsistencyProof consistency(GetConsistencyProofRequest request) {
    long from = request.getOldSize();
    long to = request.getNewSize();
    var older = published(from, "old_size");
    var newer = published(to, "new_size");
    if (from > to) {
      throw Statuses.invalid("old_size", "is " + from + ", must be at most new_size");
    }
    return ConsistencyProof.newBuilder()
        .setOldSize(from)
        .setNewSize(to)
        .addAllHashes(bytes(log.consistency(from, to)))
        .build();
  }

  /// Leaves under the newest checkpoint.
  GetEntriesResponse entries(GetEntriesRequest request) {
    if (request.getStart() < 0) {
      throw Statuses.invalid("start", "is " + request.getStart() + ", must be at least 0");
    }
    int most = AdapterRequests.pageSize(request.getPageSize());
    long start =
        request.getPageToken().isEmpty()
            ? request.getStart()
            : PageToken.read(request.getPageToken(), ENTRIES).leaf();
    long size = CheckpointFeed.size(log.checkpoint());
    GetEntriesResponse.Builder response = GetEntriesResponse.newBuilder();
    int bytes = 0;
    long next = start;
    while (next < size && response.getEntriesCount() < most && bytes < MAX_PAGE_BYTES) {
      long wanted = Math.min(size - next, most - response.getEntriesCount());
      int bundled = (int) Math.min(wanted, TilePath.WIDTH - next % TilePath.WIDTH);
      for (byte[] leaf : log.leaves(next, bundled)) {
        if (bytes < MAX_PAGE_BYTES) {
          response.addEntries(
              GetEntriesResponse.Entry.newBuilder()
                  .setLeafIndex(next++)
                  .setData(ByteString.copyFrom(leaf)));
          bytes += leaf.length;
        }
      }
    }
    if (next < size) {
      response.setNextPageToken(new PageToken(ENTRIES, Long.toString(next)).text());
    }
    return response.build();
  }

  /// The published checkpoint of this size.
  private Note published(long size, String field) {
    if (size < 0) {
      throw Statuses.invalid(field, "is " + size + ", must be at least 0");
    }
    return log.checkpointOf(size)
        .orElseThrow(
            () ->
                Statuses.invalid(
                    field, "is " + size + ", no checkpoint of that size is published"));
  }

  private static List<ByteString> bytes(List<Hash> hashes) {
    return hashes.stream().map(hash -> ByteString.copyFrom(hash.bytes())).toList();
  }
}
