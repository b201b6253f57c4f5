package dev.tributary.server.adapter;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// A folder of this machine's disk on which one chosen step fails, or is the last before the power
/// goes. Knows which bytes and names were synced; what was not may be lost.
final class FaultyDisk implements Disk {
  /// How the chosen step goes wrong.
  enum Fault {
    /// An error, and nothing done.
    IO_ERROR,
    /// No space after half of a write; other steps fail whole.
    FULL,
    /// The process ends before the step; a write is half done.
    POWER_CUT
  }

  /// Ends whatever runs; not to be caught by what is tested.
  static final class PowerCut extends Error {
    private static final long serialVersionUID = 1L;
  }

  /// A file or folder as it is now, and as it would be after a loss of power.
  private static final class Node {
    final boolean folder;
    byte[] bytes = {};
    byte[] synced = {};
    Map<String, Node> names = new HashMap<>();
    Map<String, Node> syncedNames = new HashMap<>();

    Node(boolean folder) {
      this.folder = folder;
    }
  }

  private final Path root;
  private final int failing;
  private final Fault fault;
  private final Node top = new Node(true);
  private final LocalDisk disk = new LocalDisk();
  private int steps;
  private boolean dead;

  /// @param root all paths are below it; what it has already is synced
  /// @param failing index of the step that goes wrong; -1 for none
  FaultyDisk(Path root, int failing, Fault fault) {
    this.root = root;
    this.failing = failing;
    this.fault = fault;
    if (Files.isDirectory(root)) {
      read(root, top);
    }
  }

  private static void read(Path folder, Node node) {
    try {
      for (Path path : Trash.entries(folder)) {
        Node child = new Node(Files.isDirectory(path));
        if (child.folder) {
          read(path, child);
        } else {
          child.bytes = Files.readAllBytes(path);
          child.synced = child.bytes;
        }
        node.names.put(path.getFileName().toString(), child);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    node.syncedNames = new HashMap<>(node.names);
  }

  /// Steps so far.
  int steps() {
    return steps;
  }

  /// Replaces the folder by what a loss of power leaves: of every name and every file's bytes that
  /// were not synced, chance decides.
  void loseUnsynced(Random random) throws IOException {
    dead = true;
    clear(root);
    write(top, root, random);
  }

  private void write(Node node, Path path, Random random) throws IOException {
    if (!node.folder) {
      byte[] bytes = random.nextBoolean() ? node.bytes : node.synced;
      // Sizes are often kept where data is not.
      boolean torn = bytes.length > node.synced.length && random.nextInt(4) == 0;
      Files.write(path, torn ? Arrays.copyOf(node.synced, bytes.length) : bytes);
      return;
    }
    Files.createDirectories(path);
    Set<String> names = new HashSet<>(node.names.keySet());
    names.addAll(node.syncedNames.keySet());
    for (String name : names) {
      Node now = node.names.get(name);
      Node synced = node.syncedNames.get(name);
      Node left = now == synced || random.nextBoolean() ? now : synced;
      if (left != null) {
        write(left, path.resolve(name), random);
      }
    }
  }

  private static void clear(Path root) throws IOException {
    Files.walkFileTree(
        root,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path folder, @Nullable IOException failure)
              throws IOException {
            if (!folder.equals(root)) {
              Files.delete(folder);
            }
            return FileVisitResult.CONTINUE;
          }
        });
  }

  /// Whether the step is to be done; throws if it goes wrong.
  private void step(@Nullable Runnable half) throws IOException {
    if (dead) {
      throw new PowerCut();
    }
    if (steps++ != failing) {
      return;
    }
    if (half != null && fault != Fault.IO_ERROR) {
      half.run();
    }
    if (fault == Fault.POWER_CUT) {
      dead = true;
      throw new PowerCut();
    }
    throw new IOException(fault == Fault.FULL ? "No space left on device" : "Input/output error");
  }

  private @Nullable Node find(Path path) {
    Node node = top;
    for (Path name : root.relativize(path)) {
      if (!name.toString().isEmpty()) {
        node = node.names.get(name.toString());
        if (node == null) {
          return null;
        }
      }
    }
    return node;
  }

  private Node parent(Path path) {
    Node parent = find(path.resolveSibling(""));
    if (parent == null) {
      throw new IllegalStateException("no folder of " + path);
    }
    return parent;
  }

  @Override
  public void makeFolder(Path folder) throws IOException {
    step(null);
    disk.makeFolder(folder);
    Node node = top;
    for (Path name : root.relativize(folder)) {
      node = node.names.computeIfAbsent(name.toString(), key -> new Node(true));
    }
  }

  @Override
  public void write(Path file, long offset, ByteBuffer data) throws IOException {
    step(
        () -> {
          try {
            put(file, offset, data.slice(data.position(), data.remaining() / 2));
          } catch (IOException e) {
            throw new AssertionError(e);
          }
        });
    put(file, offset, data);
  }

  private void put(Path file, long offset, ByteBuffer data) throws IOException {
    Node node =
        parent(file).names.computeIfAbsent(file.getFileName().toString(), name -> new Node(false));
    byte[] bytes = new byte[data.remaining()];
    data.get(data.position(), bytes);
    disk.write(file, offset, data);
    int end = Math.toIntExact(offset) + bytes.length;
    byte[] all = Arrays.copyOf(node.bytes, Math.max(node.bytes.length, end));
    System.arraycopy(bytes, 0, all, (int) offset, bytes.length);
    node.bytes = all;
  }

  @Override
  public ReadableByteChannel read(Path file) throws IOException {
    step(null);
    return disk.read(file);
  }

  @Override
  public void sync(Path path) throws IOException {
    // What is synced is known here; the machine's own disk would only make the tests slow.
    step(null);
    Node node = find(path);
    if (node == null) {
      throw new IllegalStateException("unknown: " + path);
    }
    node.synced = node.bytes;
    node.syncedNames = new HashMap<>(node.names);
  }

  @Override
  public void rename(Path from, Path to) throws IOException {
    step(null);
    disk.rename(from, to);
    Node node = parent(from).names.remove(from.getFileName().toString());
    parent(to).names.put(to.getFileName().toString(), node);
  }

  @Override
  public void delete(Path path) throws IOException {
    step(null);
    disk.delete(path);
    parent(path).names.remove(path.getFileName().toString());
  }
}
