package dev.tributary.server.ledger;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/// A file system in memory on which chosen steps go wrong. It knows which bytes and names were
/// forced. A loss of power leaves those, and of everything else a random, reordered and torn
/// subset.
final class FaultyDisk implements Disk {
  /// How a step goes wrong.
  enum Fault {
    /// An error, and nothing done. What a force should have kept may never be kept, though it can
    /// be read until the power goes: a kernel takes failed pages for clean.
    IO_ERROR,
    /// No space after half of a write; other steps fail whole.
    FULL,
    /// The process ends before the step; a write is half done.
    END
  }

  /// Ends whatever runs; not to be caught by what is tested.
  static final class Ended extends Error {
    private static final long serialVersionUID = 1L;
  }

  private static final int SECTOR = 512;

  /// Bytes of a piece that is torn off within a sector, at most.
  private static final int SMALL = 40;

  private record Write(int offset, byte[] bytes) {}

  private sealed interface Node {}

  private static final class Content implements Node {
    byte[] now = {};
    byte[] forced = {};
    final List<Write> unforced = new ArrayList<>();
  }

  private static final class Folder implements Node {
    Map<String, Node> now = new TreeMap<>();
    Map<String, Node> forced = new TreeMap<>();
  }

  private final Folder top = new Folder();
  private final RandomGenerator random;
  private Fault fault = Fault.END;
  private int left = -1;
  private boolean ended;
  private int failingReads;

  FaultyDisk(RandomGenerator random) {
    this.random = random;
  }

  /// Lets a step go wrong.
  ///
  /// @param steps that go well before
  synchronized void failAfter(int steps, Fault how) {
    left = steps;
    fault = how;
  }

  /// The next reads fail, so many.
  synchronized void failReads(int count) {
    failingReads = count;
  }

  synchronized int failingReads() {
    return failingReads;
  }

  /// The process is started again and finds everything as it left it.
  synchronized void restart() {
    ended = false;
    left = -1;
  }

  /// The power went and is back.
  synchronized void losePower() {
    restart();
    lose(top, new IdentityHashMap<>());
  }

  private void lose(Folder folder, Map<Node, Boolean> done) {
    Set<String> names = new TreeSet<>(folder.now.keySet());
    names.addAll(folder.forced.keySet());
    Map<String, Node> kept = new TreeMap<>();
    for (String name : names) {
      Node node = (random.nextBoolean() ? folder.now : folder.forced).get(name);
      if (node != null) {
        kept.put(name, node);
      }
    }
    folder.now = kept;
    folder.forced = new TreeMap<>(kept);
    for (Node node : kept.values()) {
      if (done.put(node, true) == null) {
        switch (node) {
          case Folder inner -> lose(inner, done);
          case Content content -> lose(content);
        }
      }
    }
  }

  private void lose(Content content) {
    byte[] bytes = content.forced;
    List<Write> writes = new ArrayList<>(content.unforced);
    boolean all = random.nextInt(4) == 0;
    boolean none = !all && random.nextInt(3) == 0;
    while (!writes.isEmpty() && !none) {
      Write write = writes.remove(all ? 0 : random.nextInt(writes.size()));
      bytes = all ? put(bytes, write, 0, write.bytes().length) : tear(bytes, write);
    }
    if (random.nextInt(4) == 0 && content.now.length > bytes.length) {
      // A length is often kept where data are not.
      bytes = Arrays.copyOf(bytes, content.now.length);
    }
    content.unforced.clear();
    content.now = bytes;
    content.forced = bytes;
  }

  private byte[] tear(byte[] bytes, Write write) {
    byte[] torn = bytes;
    int at = 0;
    while (at < write.bytes().length) {
      int border =
          random.nextInt(3) == 0
              ? random.nextInt(1, SMALL)
              : SECTOR - (write.offset() + at) % SECTOR;
      int end = Math.min(write.bytes().length, at + border);
      if (random.nextBoolean()) {
        torn = put(torn, write, at, end);
      }
      at = end;
    }
    return torn;
  }

  private static byte[] put(byte[] bytes, Write write, int from, int to) {
    int end = write.offset() + to;
    byte[] all = Arrays.copyOf(bytes, Math.max(bytes.length, end));
    System.arraycopy(write.bytes(), from, all, write.offset() + from, to - from);
    return all;
  }

  /// Whether the step goes well; throws or does half if not.
  private void step(@Nullable Runnable half) throws IOException {
    if (ended) {
      throw new Ended();
    }
    if (left < 0 || left-- > 0) {
      return;
    }
    if (half != null && fault != Fault.IO_ERROR) {
      half.run();
    }
    if (fault == Fault.END) {
      ended = true;
      throw new Ended();
    }
    throw new IOException(fault == Fault.FULL ? "No space left on device" : "Input/output error");
  }

  private @Nullable Node find(Path path) {
    Node node = top;
    for (Path name : path.normalize()) {
      node = node instanceof Folder folder ? folder.now.get(name.toString()) : null;
    }
    return node;
  }

  private Folder folder(Path path) {
    if (find(path) instanceof Folder folder) {
      return folder;
    }
    throw new IllegalStateException("no folder " + path);
  }

  private Content content(Path path) throws IOException {
    if (find(path) instanceof Content content) {
      return content;
    }
    throw new NoSuchFileException(path.toString());
  }

  private static String name(Path path) {
    return path.getFileName().toString();
  }

  @Override
  public synchronized void makeFolder(Path path) throws IOException {
    if (find(path) != null) {
      return;
    }
    step(null);
    Folder at = top;
    for (Path name : path) {
      at = (Folder) at.now.computeIfAbsent(name.toString(), _ -> new Folder());
    }
  }

  @Override
  public synchronized Handle open(Path file) throws IOException {
    if (find(file) == null) {
      step(null);
      folder(file.resolveSibling("")).now.put(name(file), new Content());
    }
    return new Opened(file, content(file));
  }

  private final class Opened implements Handle {
    private final Path file;
    private final Content content;

    Opened(Path file, Content content) {
      this.file = file;
      this.content = content;
    }

    @Override
    public void write(long offset, ByteBuffer data) throws IOException {
      synchronized (FaultyDisk.this) {
        byte[] bytes = new byte[data.remaining()];
        data.get(bytes);
        int at = Math.toIntExact(offset);
        step(() -> put(new Write(at, Arrays.copyOf(bytes, bytes.length / 2))));
        put(new Write(at, bytes));
      }
    }

    private void put(Write write) {
      content.now = FaultyDisk.put(content.now, write, 0, write.bytes().length);
      content.unforced.add(write);
    }

    @Override
    public void force() throws IOException {
      synchronized (FaultyDisk.this) {
        try {
          step(null);
        } catch (IOException e) {
          content.unforced.removeIf(_ -> random.nextBoolean());
          throw e;
        }
        for (Write write : content.unforced) {
          content.forced = FaultyDisk.put(content.forced, write, 0, write.bytes().length);
        }
        content.unforced.clear();
      }
    }

    @Override
    public void close() {
      // What was not forced stays so.
    }

    @Override
    public String toString() {
      return name(file);
    }
  }

  @Override
  public synchronized byte[] read(Path file, long offset, int most) throws IOException {
    if (ended) {
      throw new Ended();
    }
    if (failingReads > 0) {
      failingReads--;
      throw new IOException("too many open files");
    }
    byte[] bytes = content(file).now;
    int from = (int) Math.min(offset, bytes.length);
    return Arrays.copyOfRange(bytes, from, (int) Math.min((long) from + most, bytes.length));
  }

  @Override
  public synchronized long size(Path file) throws IOException {
    return find(file) instanceof Content content ? content.now.length : -1;
  }

  @Override
  public synchronized List<String> list(Path folder) {
    return List.copyOf(folder(folder).now.keySet());
  }

  @Override
  public synchronized void forceFolder(Path path) throws IOException {
    step(null);
    Folder folder = folder(path);
    folder.forced = new TreeMap<>(folder.now);
  }

  @Override
  public synchronized void rename(Path from, Path to) throws IOException {
    Content content = content(from);
    step(null);
    folder(from.resolveSibling("")).now.remove(name(from));
    folder(to.resolveSibling("")).now.put(name(to), content);
  }

  @Override
  public synchronized void delete(Path file) throws IOException {
    if (find(file) != null) {
      step(null);
      folder(file.resolveSibling("")).now.remove(name(file));
    }
  }
}
