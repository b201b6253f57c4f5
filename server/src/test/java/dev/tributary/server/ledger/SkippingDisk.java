package dev.tributary.server.ledger;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/// A disk that does not force where one method asks for it, and says it did.
final class SkippingDisk implements Disk {
  /// These only hand on.
  private static final Set<String> BETWEEN =
      Set.of(
          "SkippingDisk", "Forcing", "Ahead", "SideSlots", "SideKeys", "SideSegments", "WholeFile");

  private final Disk disk;
  private final String skipped;
  private final Set<String> sites = new TreeSet<>();

  /// @param skipped one of [#sites]; another text for none
  SkippingDisk(Disk disk, String skipped) {
    this.disk = disk;
    this.skipped = skipped;
  }

  /// Where something was forced: class, method and what.
  Set<String> sites() {
    return sites;
  }

  private boolean skips(String what) {
    String caller =
        StackWalker.getInstance(StackWalker.Option.RETAIN_CLASS_REFERENCE)
            .walk(
                frames ->
                    frames
                        .filter(f -> !BETWEEN.contains(f.getDeclaringClass().getSimpleName()))
                        .findFirst()
                        .map(f -> f.getDeclaringClass().getSimpleName() + "." + f.getMethodName())
                        .orElseThrow());
    String site = caller + " " + what.replaceAll("[0-9]+", "N");
    sites.add(site);
    return site.equals(skipped);
  }

  private final class Forcing implements Handle {
    private final Handle handle;
    private final String name;

    Forcing(Handle handle, String name) {
      this.handle = handle;
      this.name = name;
    }

    @Override
    public void write(long offset, ByteBuffer data) throws IOException {
      handle.write(offset, data);
    }

    @Override
    public void force() throws IOException {
      if (!skips(name)) {
        handle.force();
      }
    }

    @Override
    public void close() throws IOException {
      handle.close();
    }
  }

  @Override
  public Handle open(Path file) throws IOException {
    return new Forcing(disk.open(file), file.getFileName().toString());
  }

  @Override
  public void forceFolder(Path folder) throws IOException {
    if (!skips("folder " + folder.getFileName())) {
      disk.forceFolder(folder);
    }
  }

  @Override
  public void makeFolder(Path folder) throws IOException {
    disk.makeFolder(folder);
  }

  @Override
  public byte[] read(Path file, long offset, int most) throws IOException {
    return disk.read(file, offset, most);
  }

  @Override
  public long size(Path file) throws IOException {
    return disk.size(file);
  }

  @Override
  public List<String> list(Path folder) throws IOException {
    return disk.list(folder);
  }

  @Override
  public void rename(Path from, Path to) throws IOException {
    disk.rename(from, to);
  }

  @Override
  public void delete(Path file) throws IOException {
    disk.delete(file);
  }
}
