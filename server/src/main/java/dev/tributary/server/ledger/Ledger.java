package dev.tributary.server.ledger;

import dev.tributary.record.Kind;
import dev.tributary.record.Leaf;
import dev.tributary.record.Record;
import dev.tributary.record.Sealed;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/// Records in the log: their leaves, and beside it, encrypted, what the leaves commit to.
///
/// Any thread may use it.
public final class Ledger implements AutoCloseable {
  /// The side store's folder in the log's.
  static final String SIDE = "side";

  /// Entries of a bundle, as C2SP's tlog-tiles has them.
  private static final int BUNDLE = 256;

  /// What money follows from, and what says that something was erased.
  private static final Set<Kind> KEPT =
      Set.of(Kind.ADAPTER_BUILD, Kind.PRICE_RULE, Kind.SETTLEMENT, Kind.ERASURE);

  private final Log log;
  private final SideStore side;
  private final Erasures erasures;
  private final SecureRandom random = new SecureRandom();
  private final List<Runnable> followers = new CopyOnWriteArrayList<>();

  private Ledger(Log log, SideStore side, Erasures erasures) {
    this.log = log;
    this.side = side;
    this.erasures = erasures;
  }

  /// Opens the log and the side store, which is in the log's folder, or makes them. Erasures that
  /// were under way are finished.
  ///
  /// @throws LedgerRefused if the folder does not have what was promised
  public static Ledger open(LogSettings settings, InstantSource time) throws IOException {
    return open(settings, new LocalDisk(), Layout.DEFAULT, SideLimits.DEFAULT, time);
  }

  static Ledger open(
      LogSettings settings, Disk disk, Layout layout, SideLimits limits, InstantSource time)
      throws IOException {
    LateSide late = new LateSide();
    Log log = Log.open(settings, disk, layout, late);
    try {
      Path folder = settings.folder().resolve(SIDE);
      SideStore side = SideStore.open(disk, folder, limits, log.durable());
      late.store = side;
      Erasures erasures = new Erasures(disk, folder.resolve("erasing"), side, time);
      Ledger ledger = new Ledger(log, side, erasures);
      erasures.finish(ledger::append);
      return ledger;
    } catch (IOException | RuntimeException e) {
      close(log, late.store, e);
      throw e;
    }
  }

  private static void close(Log log, @Nullable SideStore side, Exception cause) {
    try (side) {
      log.close();
    } catch (IOException e) {
      cause.addSuppressed(e);
    }
  }

  /// The log finds out how many leaves it has before the side store can be opened.
  private static final class LateSide implements SideWriter {
    volatile @Nullable SideStore store;

    private SideStore store() {
      SideStore opened = store;
      if (opened == null) {
        throw new IllegalStateException("the side store is not open yet");
      }
      return opened;
    }

    @Override
    public void write(long index, byte[] bytes) throws IOException {
      store().write(index, bytes);
    }

    @Override
    public void force() throws IOException {
      store().force();
    }
  }

  /// Appends a record.
  ///
  /// @return the index of its leaf, once leaf and private part are durable; else [LedgerBusy] or
  ///   [LedgerBroken], and after the latter it is unknown whether a later start finds it
  public CompletableFuture<Long> append(Record record) {
    Sealed sealed = record.seal(random);
    List<byte[]> leaves = sealed.leaves().stream().map(Leaf::encode).toList();
    byte @Nullable [] hidden =
        hasSide(sealed.leaf()) ? SideStore.seal(sealed.encode(), leaves.getLast()) : null;
    return log.appendAll(leaves, hidden)
        .whenComplete((index, failure) -> followers.forEach(Runnable::run));
  }

  private static boolean hasSide(Leaf leaf) {
    return leaf.kind() != Kind.CONTINUATION && !leaf.kind().tags().isEmpty();
  }

  /// The log itself: checkpoints, proofs, tiles.
  public Log log() {
    return log;
  }

  /// Runs after every append, on a thread that must not be held up.
  public void whenAppended(Runnable follower) {
    followers.add(follower);
  }

  /// A durable leaf's private part.
  ///
  /// @return empty once it is erased, and for kinds without salted fields
  public Optional<Sealed> record(long index) {
    return entry(index).sealed();
  }

  /// A leaf with what is kept of its private part.
  ///
  /// @throws IndexOutOfBoundsException unless it is durable
  public Entry entry(long index) {
    return entries(index, List.of(log.leaf(index))).getFirst();
  }

  /// Whether a leaf's private part was erased.
  public boolean erased(long index) {
    try {
      return side.erased(index);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Durable leaves from `first` on, with their private parts.
  ///
  /// @param most 1 and up; at most 256 are given
  /// @return empty if none is durable
  public List<Entry> entries(long first, int most) {
    long count = Math.min(log.durable() - first, Math.min(most, BUNDLE - first % BUNDLE));
    return count <= 0 ? List.of() : entries(first, log.leaves(first, (int) count));
  }

  private List<Entry> entries(long first, List<byte[]> leaves) {
    try {
      List<Optional<byte[]>> hidden = side.read(first, leaves);
      List<Entry> entries = new ArrayList<>(leaves.size());
      for (int i = 0; i < leaves.size(); i++) {
        entries.add(entry(first + i, Leaf.decode(leaves.get(i)), hidden.get(i)));
      }
      return entries;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Entry entry(long index, Leaf leaf, Optional<byte[]> hidden) {
    if (hasSide(leaf) && hidden.isPresent()) {
      Sealed sealed = Sealed.decode(hidden.get());
      return new Entry(index, sealed.leaves(), Optional.of(sealed));
    }
    List<Leaf> all = new ArrayList<>();
    for (long before = index - leaf.continuations(); before < index; before++) {
      all.add(Leaf.decode(log.leaf(before)));
    }
    all.add(leaf);
    return new Entry(index, all, Optional.empty());
  }

  /// Destroys the private parts of leaves, for ever, and appends a record of each. Returns when
  /// none can be read any more and the records are durable; what a failure or the end of the
  /// process interrupts, the next start finishes.
  ///
  /// @param tenant whose records they are
  /// @param leaves that are durable; with a generation's its Started record must go, which else is
  ///   taken for one that never ended
  /// @param cause such as `request`, or `retention`
  public void erase(Collection<Long> leaves, String tenant, String cause) {
    for (long leaf : leaves) {
      Kind kind = Leaf.decode(log.leaf(leaf)).kind();
      if (KEPT.contains(kind)) {
        throw new IllegalArgumentException("leaf " + leaf + " is of a kind that is kept: " + kind);
      }
    }
    try {
      erasures.erase(leaves, tenant, cause, this::append);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() throws IOException {
    try (side) {
      log.close();
    }
  }
}
