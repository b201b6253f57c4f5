package dev.tributary.server.ledger;

import dev.tributary.tlog.Checkpoint;
import dev.tributary.tlog.Hash;
import dev.tributary.tlog.Merkle;
import dev.tributary.tlog.Note;
import dev.tributary.tlog.SigningKey;
import dev.tributary.tlog.TilePath;
import dev.tributary.tlog.VerifierKey;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// An append-only log of leaves whose every state can be proved; see the package.
///
/// Readers get what is durable. A read that fails is an [UncheckedIOException]. Watchers and what
/// depends on a future run on one thread, one after the other: whoever takes long hands over.
public final class Log implements AutoCloseable {
  /// Most bytes of a leaf: entry bundles have its length in 16 bits.
  public static final int MAX_LEAF = 65_535;

  /// Most leaves of one [#appendAll].
  public static final int MOST_TOGETHER = 256;

  private static final long WAIT = TimeUnit.MILLISECONDS.toNanos(100);
  private static final int ANSWERS_SECONDS = 60;

  private final Signers signers;
  private final Store store;
  private final Checkpoints checkpoints;
  private final Health health = new Health();
  private final ExecutorService answers;
  private final Writer writer;
  private final Publisher publisher;
  private final @Nullable Witnesses witnesses;
  private final Thread writing;
  private final Thread publishing;
  private final long publishEvery;
  private CompletableFuture<Long> rotation = CompletableFuture.completedFuture(0L);
  private volatile boolean closing;
  private volatile boolean written;

  private Log(LogSettings settings, Opening opening, Layout layout, @Nullable SideWriter side)
      throws IOException {
    signers = opening.signers();
    store = opening.store();
    checkpoints = opening.checkpoints();
    publishEvery = settings.publishEvery().toNanos();
    answers =
        Executors.newSingleThreadExecutor(Thread.ofPlatform().name("ledger-answers").factory());
    writer = new Writer(store, signers, side, layout, health, answers, settings.queue());
    publisher = new Publisher(store, checkpoints, signers, opening.anchor(), health, answers);
    witnesses =
        settings.witnesses().isPresent()
            ? Witnesses.open(settings.witnesses().get(), opening, publisher.newest(), health)
            : null;
    publishing = Thread.ofPlatform().name("ledger-publisher").unstarted(this::publish);
    writing = Thread.ofPlatform().name("ledger-writer").unstarted(this::write);
  }

  /// Opens the log, or makes a new one.
  ///
  /// @throws LedgerRefused if the folder does not have what was promised
  public static Log open(LogSettings settings) throws IOException {
    return open(settings, null);
  }

  /// @param side gets the side data of leaves
  static Log open(LogSettings settings, @Nullable SideWriter side) throws IOException {
    return open(settings, new LocalDisk(), Layout.DEFAULT, side);
  }

  static Log open(LogSettings settings, Disk disk, Layout layout, @Nullable SideWriter side)
      throws IOException {
    Opening opening = Opening.of(settings, disk, layout);
    Log log;
    try {
      log = new Log(settings, opening, layout, side);
    } catch (IOException | RuntimeException e) {
      opening.close();
      throw e;
    }
    if (log.witnesses != null) {
      log.publisher.watch(log.witnesses::offer);
      log.witnesses.start();
    }
    log.publishing.start();
    log.writing.start();
    return log;
  }

  /// Appends a leaf of 1 to 65,535 bytes.
  ///
  /// @param side what belongs to the leaf and is not in it; durable before the leaf is
  /// @return its index, once it is durable; else [LedgerBusy] or [LedgerBroken], and after the
  ///   latter it is unknown whether a later start finds the leaf
  public CompletableFuture<Long> append(byte[] leaf, byte @Nullable [] side) {
    return appendAll(List.of(leaf), side);
  }

  /// Appends leaves with indices that follow each other. A crash may leave only the first ones.
  ///
  /// @param leaves 1 to 256
  /// @param side of the last leaf
  /// @return the index of the last leaf, once all are durable
  public CompletableFuture<Long> appendAll(List<byte[]> leaves, byte @Nullable [] side) {
    if (leaves.isEmpty() || leaves.size() > MOST_TOGETHER) {
      throw new IllegalArgumentException(leaves.size() + " leaves, 1 to " + MOST_TOGETHER);
    }
    for (byte[] leaf : leaves) {
      if (leaf.length == 0 || leaf.length > MAX_LEAF) {
        throw new IllegalArgumentException("a leaf of " + leaf.length + " bytes, 1 to " + MAX_LEAF);
      }
    }
    return writer.append(List.copyOf(leaves), side);
  }

  /// Has all further checkpoints signed by another key of the same name. A leaf says so, signed by
  /// both keys.
  ///
  /// @param next must have been stored where the next start finds it
  /// @return the leaf's index, which is the size at which the old key ends
  /// @throws IllegalArgumentException if it is the key in force or another log's
  /// @throws IllegalStateException in a log without leaves, or until the rotation before is done
  ///   and a checkpoint covers it
  public synchronized CompletableFuture<Long> rotate(SigningKey next) {
    if (!next.name().equals(origin()) || next.verifierKey().equals(verifierKey())) {
      throw new IllegalArgumentException("not another key of " + origin());
    }
    if (store.size() == 0 || !rotation.isDone() || publisher.size() <= signers.since()) {
      throw new IllegalStateException("too early for a rotation");
    }
    rotation = writer.rotate(next);
    return rotation.copy();
  }

  /// Goes on when the log is broken: then whatever waits is told so.
  private void write() {
    int leaves = 1;
    while (leaves > 0 || !closing) {
      try {
        leaves = writer.doWork(WAIT);
      } catch (InterruptedException | Error e) {
        health.fail("the ledger's writer failed", e);
      }
      LockSupport.unpark(publishing);
    }
    written = true;
    LockSupport.unpark(publishing);
  }

  private void publish() {
    try {
      long last = System.nanoTime() - publishEvery;
      while (!written) {
        long early = last + publishEvery - System.nanoTime();
        if (!publisher.due()) {
          LockSupport.park(this);
        } else if (early > 0 && !closing) {
          LockSupport.parkNanos(this, early);
        } else {
          last = System.nanoTime();
          publisher.doWork();
        }
      }
      publisher.doWork();
    } catch (RuntimeException | Error e) {
      health.fail("the ledger's publisher ended", e);
    }
  }

  /// The name that all its checkpoints have.
  public String origin() {
    return signers.origin();
  }

  /// Signs its checkpoints now.
  public VerifierKey verifierKey() {
    return signers.last().verifierKey();
  }

  /// Indices of the leaves by which one key followed another, in their order.
  public List<Long> rotations() {
    return signers.rotations();
  }

  /// Leaves that would survive a loss of power.
  public long durable() {
    return store.size();
  }

  /// Why the log takes nothing more; empty while it does.
  public Optional<LedgerBroken> broken() {
    return health.failure();
  }

  /// Completes when the log takes nothing more.
  public CompletableFuture<LedgerBroken> whenBroken() {
    return health.whenBroken();
  }

  /// The newest published.
  public Note checkpoint() {
    return publisher.newest();
  }

  /// The newest that reached the witnesses' quorum; empty before the first, and without witnesses.
  public Optional<Note> cosigned() {
    return witnesses == null ? Optional.empty() : witnesses.cosigned();
  }

  /// How it stands with those witnesses that have an address.
  public List<WitnessState> witnesses() {
    return witnesses == null ? List.of() : witnesses.states();
  }

  /// From now on `heard` is told when a witness has a problem, another one, or none any more. By
  /// the witness's thread; must not block.
  public void watchWitnesses(Consumer<WitnessState> heard) {
    if (witnesses != null) {
      witnesses.listen(heard);
    }
  }

  /// The first published checkpoint that covers a durable leaf.
  public CompletableFuture<Note> covering(long leaf) {
    checkLeaf(leaf);
    return reading(() -> publisher.covering(leaf));
  }

  /// The published checkpoint of exactly this size.
  public Optional<Note> checkpointOf(long size) {
    return reading(() -> checkpoints.from(size))
        .filter(note -> size <= publisher.size() && Checkpoint.parse(note.text()).size() == size);
  }

  /// Tells of every checkpoint from now on.
  public void watch(Consumer<Note> watcher) {
    publisher.watch(watcher);
  }

  /// A durable leaf as it was appended.
  public byte[] leaf(long index) {
    checkLeaf(index);
    return reading(() -> store.leaf(index));
  }

  /// Durable leaves that follow one another, at once where they are published.
  ///
  /// @param count that don't go beyond the 256 of the first one's bundle
  public List<byte[]> leaves(long first, int count) {
    int skipped = (int) (first % Tree.TILE);
    Optional<byte[]> bundle = bundle(first / Tree.TILE, skipped + count);
    List<byte[]> leaves = new ArrayList<>(count);
    if (bundle.isEmpty()) {
      for (int i = 0; i < count; i++) {
        leaves.add(leaf(first + i));
      }
      return leaves;
    }
    ByteBuffer bytes = ByteBuffer.wrap(bundle.get());
    while (bytes.hasRemaining()) {
      byte[] leaf = new byte[Short.toUnsignedInt(bytes.getShort())];
      bytes.get(leaf);
      leaves.add(leaf);
    }
    return leaves.subList(skipped, leaves.size());
  }

  /// Of the first `size` leaves.
  public Hash root(long size) {
    checkSize(size);
    return store.root(size);
  }

  /// The hashes that lead from a leaf to the root of the first `size`.
  public List<Hash> inclusion(long index, long size) {
    checkSize(size);
    return Merkle.inclusionProof(index, size, store.nodes());
  }

  /// The hashes that lead from the root of the first `from` leaves to that of the first `to`.
  public List<Hash> consistency(long from, long to) {
    checkSize(to);
    return Merkle.consistencyProof(from, to, store.nodes());
  }

  /// The first `width` hashes, 32 bytes each, of a tile of C2SP's tlog-tiles; empty if the newest
  /// checkpoint does not have them.
  ///
  /// @param level 0 to 63, of tiles
  /// @param tile its number in the level
  /// @param width 1 to 256
  public Optional<byte[]> tile(int level, long tile, int width) {
    return has(level, tile, width)
        ? Optional.of(reading(() -> store.tile(level, tile, width)))
        : Optional.empty();
  }

  /// The first `width` entries of an entry bundle of C2SP's tlog-tiles, each with its length before
  /// it; empty if the newest checkpoint does not have them.
  public Optional<byte[]> bundle(long tile, int width) {
    return has(0, tile, width)
        ? Optional.of(reading(() -> store.bundle(tile * Tree.TILE, width)))
        : Optional.empty();
  }

  /// The tile or entry bundle at a path of C2SP's tlog-tiles; empty if the newest checkpoint does
  /// not have it.
  public Optional<byte[]> resource(TilePath path) {
    return path.level() == TilePath.ENTRIES
        ? bundle(path.index(), path.width())
        : tile(path.level(), path.index(), path.width());
  }

  private boolean has(int level, long tile, int width) {
    if (level < 0 || level >= Long.SIZE / Byte.SIZE || width < 1 || width > Tree.TILE) {
      return false;
    }
    long hashes = publisher.size() >> (level * Byte.SIZE);
    return tile >= 0 && tile <= hashes / Tree.TILE && tile * Tree.TILE + width <= hashes;
  }

  private void checkLeaf(long index) {
    if (index < 0 || index >= store.size()) {
      throw new IndexOutOfBoundsException("leaf " + index + " of " + store.size());
    }
  }

  private void checkSize(long size) {
    if (size < 0 || size > store.size()) {
      throw new IndexOutOfBoundsException("the first " + size + " leaves of " + store.size());
    }
  }

  private interface Reading<T> {
    T read() throws IOException;
  }

  private static <T> T reading(Reading<T> reading) {
    try {
      return reading.read();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Takes nothing more, writes what waits and publishes it.
  @Override
  public void close() throws IOException {
    writer.close();
    closing = true;
    try {
      writing.join();
      publishing.join();
      answers.shutdown();
      if (!answers.awaitTermination(ANSWERS_SECONDS, TimeUnit.SECONDS)) {
        throw new IOException("a watcher of the ledger does not return");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while the ledger was closed", e);
    }
    if (witnesses != null) {
      witnesses.close();
    }
    try (store;
        checkpoints) {
      if (health.failure().isEmpty()) {
        store.mark();
      }
    }
  }
}
