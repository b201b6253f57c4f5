package dev.tributary.server.rpc;

import dev.tributary.server.state.VersionRecord;

/// What versions' answers are attributed by, and how far the building of it is.
public interface Indexing {
  /// No version can have an index.
  Indexing NONE =
      new Indexing() {
        @Override
        public Standing of(VersionRecord version) {
          return new Impossible(Reason.SERVER);
        }

        @Override
        public Watch watch(VersionRecord version, Progress progress) {
          return () -> {};
        }
      };

  /// How a version stands.
  ///
  /// @throws java.io.UncheckedIOException if its index can't be read
  Standing of(VersionRecord version);

  /// Tells of each step of building a version's index, also of one that is under way, until the
  /// watch is closed.
  ///
  /// @param progress told by a loader's thread; must not block
  Watch watch(VersionRecord version, Progress progress);

  /// What a version has.
  sealed interface Standing permits Indexed, Due, Impossible {}

  /// An index.
  ///
  /// @param method with its version
  /// @param digest of the index, `sha256:<hex>`
  /// @param thresholds the method's parameters
  /// @param clusters groups of examples that say the same
  record Indexed(String method, String digest, String thresholds, int clusters)
      implements Standing {}

  /// None yet; whoever loads its weights first has it built.
  record Due() implements Standing {}

  /// None, and it can't have one.
  record Impossible(Reason reason) implements Standing {}

  /// Why a version can't have an index.
  enum Reason {
    /// Its AdapterBuild record says that it has none.
    RECORDED(
        "is in the ledger as a version without an index, and what answers are credited by is fixed"
            + " from then on; other weights, published as a new version, can have one"),
    /// Nobody knows what it was trained on.
    EXAMPLES(
        "can't be indexed, since its training examples are not known here; train it here, or offer"
            + " its folder by --adapters with a contributions.jsonl beside the weights"),
    /// It has parts that the method does not know.
    PARTS("can't be indexed: it has parts besides low-rank pairs, whose gradients are not known"),
    /// The device or the base has no gradients, or there is no ledger.
    SERVER("can't be indexed: this server computes no gradients, or keeps no ledger");

    private final String text;

    Reason(String text) {
      this.text = text;
    }

    /// Follows the name of a version.
    String text() {
      return text;
    }
  }

  /// Told how far it is.
  interface Progress {
    void tell(int done, int all);
  }

  /// Ends when it is closed.
  interface Watch extends AutoCloseable {
    @Override
    void close();
  }
}
