package dev.tributary.server.ledger;

import dev.tributary.tlog.Hash;
import dev.tributary.tlog.Merkle;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/// The leaves and what is derived from them. One thread appends; any reads what is below [#size].
final class Store implements AutoCloseable {
  static final String MARK = "mark";
  static final String OFFSETS = "offsets";
  static final String SEGMENTS = "segments";

  /// Leaves whose derived data are written at once during a replay.
  private static final int REPLAYED = 1_024;

  /// One read gets most leaves whole.
  private static final int LEAF_WINDOW = 4_096;

  private final Disk disk;
  private final Path mark;
  private final Layout layout;
  private final Segments segments;
  private final Offsets offsets;
  private final Tree tree;
  private final int[] replayed = new int[REPLAYED];
  private volatile long size;
  private long marked;

  private Store(Disk disk, Path folder, Layout layout, long from) throws IOException {
    this.disk = disk;
    this.layout = layout;
    mark = folder.resolve(MARK);
    segments = new Segments(disk, folder.resolve(SEGMENTS), layout);
    offsets = new Offsets(disk, folder.resolve(OFFSETS));
    tree = new Tree(disk, folder, from);
    marked = from;
  }

  /// Reads what is there and changes no leaf; [#settle] comes after.
  ///
  /// @param trust whether to take derived files as good up to the mark
  /// @throws LedgerRefused if leaves are missing that were durable once
  static Store open(Disk disk, Path folder, Layout layout, boolean trust) throws IOException {
    disk.makeFolder(folder.resolve(SEGMENTS));
    long marked = Mark.read(disk, folder.resolve(MARK));
    boolean whole =
        trust
            && Tree.has(disk, folder, marked)
            && Offsets.has(disk, folder.resolve(OFFSETS), marked);
    Store store = new Store(disk, folder, layout, whole ? marked : 0);
    try {
      store.replay();
      if (store.size < marked) {
        throw new LedgerRefused(
            "%d leaves were durable once, and only %d can be read".formatted(marked, store.size));
      }
      return store;
    } catch (IOException | RuntimeException e) {
      store.close();
      throw e;
    }
  }

  private void replay() throws IOException {
    long at = 0;
    // A segment that begins with the first leaf to replay has it at its head.
    if (marked > 0 && !segments.begins(marked)) {
      FrameReader last = segments.from(marked - 1, offsets.of(marked - 1), LEAF_WINDOW);
      if (last.next() == null) {
        throw new LedgerRefused("leaf " + (marked - 1) + " cannot be read");
      }
      at = last.offset();
    }
    segments.scan(marked, at, this::found);
    flush((int) ((segments.size() - marked) % REPLAYED), segments.size());
    size = segments.size();
  }

  private void found(Frame frame, long offset) throws IOException {
    int at = (int) ((frame.index() - marked) % REPLAYED);
    replayed[at] = Math.toIntExact(offset);
    tree.add(Merkle.leaf(frame.leaf()));
    if (at + 1 == REPLAYED) {
      flush(REPLAYED, frame.index() + 1);
    }
  }

  private void flush(int count, long end) throws IOException {
    offsets.write(end - count, Arrays.copyOf(replayed, count));
    tree.write();
  }

  /// Drops a torn tail for good; from here on what was read is durable.
  ///
  /// @param durable leaves that are so already
  /// @throws LedgerRefused if what would be dropped was acknowledged
  void settle(long durable) throws IOException {
    segments.settle(durable, durable < size ? offsets.of(durable) : 0);
  }

  /// Durable leaves.
  long size() {
    return size;
  }

  /// Returns when these leaves are durable, the first at index [#size].
  void append(List<byte[]> leaves) throws IOException {
    long first = size;
    int[] at = segments.append(leaves);
    offsets.write(first, at);
    for (byte[] leaf : leaves) {
      tree.add(Merkle.leaf(leaf));
    }
    tree.write();
    size = first + leaves.size();
  }

  /// Whether a start would have many leaves to replay.
  boolean markDue() {
    return size - marked >= layout.markEvery();
  }

  /// Forces what is derived, so that a start need not replay it. For one thread, which need not be
  /// the one that appends: forcing files that grow takes long.
  void mark() throws IOException {
    long leaves = size;
    offsets.force();
    tree.force();
    Mark.write(disk, mark, leaves);
    marked = leaves;
  }

  Merkle.Nodes nodes() {
    return tree.nodes();
  }

  Hash root(long leaves) {
    return Merkle.root(leaves, tree.nodes());
  }

  byte[] leaf(long index) throws IOException {
    return whole(segments.from(index, offsets.of(index), LEAF_WINDOW), index).leaf();
  }

  byte[] tile(int height, long tile, int width) throws IOException {
    return tree.slice(height, tile * Tree.TILE, width);
  }

  /// Leaves one after the other, each with its length before it (u16): C2SP's entry bundle.
  byte[] bundle(long first, int width) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    FrameReader frames = segments.from(first, offsets.of(first), Log.MAX_LEAF);
    for (long index = first; index < first + width; index++) {
      if (index > first && segments.begins(index)) {
        frames = segments.from(index, 0, Log.MAX_LEAF);
      }
      byte[] leaf = whole(frames, index).leaf();
      out.write(leaf.length >> Byte.SIZE);
      out.write(leaf.length);
      out.writeBytes(leaf);
    }
    return out.toByteArray();
  }

  private static Frame whole(FrameReader frames, long index) throws IOException {
    Frame frame = frames.next();
    if (frame == null) {
      throw new IOException("leaf " + index + " cannot be read; see ledger fsck");
    }
    return frame;
  }

  @Override
  public void close() throws IOException {
    try (segments;
        offsets;
        tree) {
      // Each is closed though another may fail.
    }
  }
}
