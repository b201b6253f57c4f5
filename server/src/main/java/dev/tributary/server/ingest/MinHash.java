package dev.tributary.server.ingest;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.datasketches.theta.HashIterator;
import org.apache.datasketches.theta.UpdatableThetaSketch;

/// Says which examples may be alike: of two that are, nearly always.
///
/// A sketch keeps the smallest hashes of an example's runs of five tokens. They are dealt out into
/// [#BANDS] by their remainder, and a band's key is its [#ROWS] smallest (Li, Owen and Zhang, "One
/// permutation hashing", 2012: one hash per run and not one per run and band). Two sets share a
/// band's key if the smallest of their union in it are all in both: at a Jaccard similarity of 0.9
/// with probability 0.59 in large sets, so in fewer than [#SHARED] bands with 3 * 10^-7; at one of
/// 0.6 in that many with 0.2. Of sets of up to 100 runs that are so alike, at most 11 runs are in
/// one alone, which leaves 13 bands.
final class MinHash {
  static final int BANDS = 24;
  static final int ROWS = 5;

  /// Keys that two must share to be compared, or all that one has.
  static final int SHARED = 3;

  /// About 21 for each band.
  private static final int KEPT = 512;

  private final UpdatableThetaSketch sketch =
      UpdatableThetaSketch.builder().setNominalEntries(KEPT).build();

  /// One band's key.
  ///
  /// @param hashes ascending
  record Key(int band, List<Long> hashes) {}

  /// What is kept of one example.
  static final class Kept {
    /// Ascending.
    private final long[] hashes;

    /// All hashes below it are kept.
    private final long below;

    private Kept(long[] hashes, long below) {
      this.hashes = hashes;
      this.below = below;
    }

    /// One or more; those of bands without hashes are left out.
    List<Key> keys() {
      List<List<Long>> bands = new ArrayList<>();
      for (int band = 0; band < BANDS; band++) {
        bands.add(new ArrayList<>(ROWS));
      }
      for (long hash : hashes) {
        List<Long> band = bands.get((int) (hash % BANDS));
        if (band.size() < ROWS) {
          band.add(hash);
        }
      }
      List<Key> keys = new ArrayList<>();
      for (int band = 0; band < BANDS; band++) {
        if (!bands.get(band).isEmpty() || hashes.length == 0) {
          keys.add(new Key(band, bands.get(band)));
        }
      }
      return keys;
    }

    /// Whether the Jaccard similarity of what both keep is at least 0.8: where all is kept, it is
    /// that of the examples; else at 0.9 it is this low in less than one of 10^12, being within
    /// 0.013 by standard deviation.
    boolean near(Kept other) {
      long limit = Math.min(below, other.below);
      int size = below(limit);
      int otherSize = other.below(limit);
      // s >= 0.8 (sizes - s)
      int least = (4 * (size + otherSize) + 8) / 9;
      int shared = 0;
      for (int i = 0, j = 0; i < size && j < otherSize; ) {
        if (shared + Math.min(size - i, otherSize - j) < least) {
          return false;
        }
        int order = Long.compare(hashes[i], other.hashes[j]);
        shared += order == 0 ? 1 : 0;
        i += order <= 0 ? 1 : 0;
        j += order >= 0 ? 1 : 0;
      }
      return shared >= least;
    }

    private int below(long limit) {
      int found = Arrays.binarySearch(hashes, limit);
      return found < 0 ? -1 - found : found;
    }
  }

  Kept keep(int[] tokens) {
    sketch.reset();
    int length = Math.min(Shingles.LENGTH, tokens.length);
    for (int start = 0; start + length <= tokens.length && length > 0; start++) {
      sketch.update(Arrays.copyOfRange(tokens, start, start + length));
    }
    long[] hashes = new long[sketch.getRetainedEntries()];
    int count = 0;
    for (HashIterator kept = sketch.iterator(); kept.next(); ) {
      hashes[count++] = kept.get();
    }
    Arrays.sort(hashes);
    return new Kept(hashes, sketch.getThetaLong());
  }
}
