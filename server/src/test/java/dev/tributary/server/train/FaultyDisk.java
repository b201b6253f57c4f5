package dev.tributary.server.train;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/// A disk on which one chosen step fails, or is the last before the power goes. Of what was not
/// synced then, files lose any part of their end, and folders the last of their changes.
final class FaultyDisk implements Disk {
  /// Ends whatever runs; not to be caught by what is tested.
  static final class PowerCut extends Error {
    private static final long serialVersionUID = 1L;
  }

  /// A change of a folder that may be lost.
  private record Change(Path folder, Undo undo) {}

  private interface Undo {
    void run() throws IOException;
  }

  private final LocalDisk disk = new LocalDisk();
  private final int failing;
  private final boolean power;
  private final List<Change> changes = new ArrayList<>();
  private final Map<Path, Long> synced = new HashMap<>();
  private int steps;
  private boolean dead;

  /// @param failing index of the step that goes wrong; -1: none
  /// @param power whether it is the last, not an error
  FaultyDisk(int failing, boolean power) {
    this.failing = failing;
    this.power = power;
  }

  int steps() {
    return steps;
  }

  /// Takes away what a loss of power may take.
  void loseUnsynced(Random random) throws IOException {
    dead = true;
    for (Map.Entry<Path, Long> file : synced.entrySet()) {
      if (Files.isRegularFile(file.getKey())) {
        long size = Files.size(file.getKey());
        long kept = file.getValue() + random.nextLong(size - file.getValue() + 1);
        try (FileChannel channel = FileChannel.open(file.getKey(), StandardOpenOption.WRITE)) {
          channel.truncate(kept);
        }
      }
    }
    int lost = random.nextInt(changes.size() + 1);
    for (Change change : changes.subList(changes.size() - lost, changes.size()).reversed()) {
      change.undo().run();
    }
  }

  private void step() throws IOException {
    if (dead) {
      throw new PowerCut();
    }
    if (steps++ == failing) {
      if (power) {
        dead = true;
        throw new PowerCut();
      }
      throw new IOException("Input/output error");
    }
  }

  @Override
  public void makeFolder(Path folder) throws IOException {
    step();
    if (!disk.exists(folder)) {
      Path parent = parent(folder);
      if (!disk.exists(parent)) {
        makeFolder(parent);
      }
      disk.makeFolder(folder);
      changes.add(new Change(parent, () -> clear(folder)));
    }
  }

  /// A folder that is lost loses what is in it.
  private static void clear(Path path) throws IOException {
    if (Files.isDirectory(path)) {
      for (Path entry : new LocalDisk().entries(path)) {
        clear(entry);
      }
    }
    Files.deleteIfExists(path);
  }

  @Override
  public OutputStream create(Path file) throws IOException {
    step();
    if (!disk.exists(file)) {
      changes.add(new Change(parent(file), () -> Files.deleteIfExists(file)));
    }
    synced.put(file, 0L);
    return new FilterOutputStream(disk.create(file)) {
      @Override
      public void write(byte[] bytes, int offset, int length) throws IOException {
        if (dead) {
          throw new PowerCut();
        }
        out.write(bytes, offset, length / 2);
        step();
        out.write(bytes, offset + length / 2, length - length / 2);
      }
    };
  }

  @Override
  public InputStream open(Path file) throws IOException {
    step();
    return disk.open(file);
  }

  @Override
  public boolean exists(Path path) {
    return disk.exists(path);
  }

  @Override
  public List<Path> entries(Path folder) throws IOException {
    return disk.entries(folder);
  }

  @Override
  public void sync(Path path) throws IOException {
    step();
    synced.remove(path);
    changes.removeIf(change -> change.folder().equals(path));
  }

  @Override
  public void rename(Path from, Path to) throws IOException {
    step();
    byte @Nullable [] before = Files.isRegularFile(to) ? Files.readAllBytes(to) : null;
    disk.rename(from, to);
    Map<Path, Long> moved = new HashMap<>();
    synced.forEach(
        (path, size) -> moved.put(path.startsWith(from) ? moved(from, to, path) : path, size));
    synced.clear();
    synced.putAll(moved);
    changes.add(
        new Change(
            parent(to),
            () -> {
              disk.rename(to, from);
              if (before != null) {
                Files.write(to, before);
              }
            }));
  }

  /// Tests' paths have one.
  private static Path parent(Path path) {
    return Objects.requireNonNull(path.getParent());
  }

  private static Path moved(Path from, Path to, Path path) {
    return path.equals(from) ? to : to.resolve(from.relativize(path));
  }

  @Override
  public void delete(Path path) throws IOException {
    step();
    byte @Nullable [] before = Files.isRegularFile(path) ? Files.readAllBytes(path) : null;
    boolean folder = Files.isDirectory(path);
    disk.delete(path);
    if (before != null) {
      changes.add(new Change(parent(path), () -> Files.write(path, before)));
    } else if (folder) {
      changes.add(new Change(parent(path), () -> Files.createDirectory(path)));
    }
  }
}
