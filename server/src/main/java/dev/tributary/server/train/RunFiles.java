package dev.tributary.server.train;

import dev.tributary.server.state.AdapterName;
import dev.tributary.server.state.RunRecord;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// What runs need on disk, by tenant. Only the owner of the server's process can look into it.
///
///     TENANT/data/HEX.jsonl      the examples of a manifest, a line each, in its order; those of
///                                contributions that were withdrawn are empty
///     TENANT/runs/ID/            of a run that waits or runs: its held-out examples, its members
///     TENANT/audit-sets/HEX/NxM  of an adapter: members of N subsets with M seeds
///
/// The ledger only commits to examples, so what was trained on is kept here, until it is withdrawn
/// or its tenant goes: to go on with a run, to train again without what was withdrawn, and to say
/// which of it an answer comes from. Files get their names when they are whole.
public final class RunFiles {
  private static final Logger log = LoggerFactory.getLogger(RunFiles.class);

  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,99}");
  private static final String HELD_OUT = "held-out.jsonl";
  private static final String DATA = "data";
  private static final String RUNS = "runs";
  private static final String PREFIX = "sha256:";

  private final Path root;
  private final Disk disk;

  /// Makes the folder if it is missing.
  public RunFiles(Path root) throws IOException {
    this(root, new LocalDisk());
  }

  RunFiles(Path root, Disk disk) throws IOException {
    this.root = root;
    this.disk = disk;
    disk.makeFolder(root);
    if (Files.getFileStore(root).supportsFileAttributeView("posix")) {
      Files.setPosixFilePermissions(root, PosixFilePermissions.fromString("rwx------"));
    }
  }

  /// Keeps a manifest's examples; nothing if they are kept. Durable on return.
  void keep(String tenant, String manifest, byte[] lines) throws IOException {
    Path file = data(tenant, manifest);
    if (!disk.exists(file)) {
      write(file, lines);
    }
  }

  /// Takes the place of a manifest's examples, some of which are forgotten. Durable on return.
  void replace(String tenant, String manifest, byte[] lines) throws IOException {
    write(data(tenant, manifest), lines);
  }

  /// A manifest's examples; empty if they are not kept.
  Optional<byte[]> kept(String tenant, String manifest) throws IOException {
    return read(data(tenant, manifest));
  }

  /// Keeps the held-out examples of a run. Durable on return.
  void keepHeldOut(AdapterName adapter, String run, byte[] lines) throws IOException {
    write(folder(adapter.tenant(), RUNS).resolve(checked(run)).resolve(HELD_OUT), lines);
  }

  /// The held-out examples that came with a run; empty if none did.
  Optional<byte[]> heldOut(RunRecord run) throws IOException {
    return read(members(run).resolve(HELD_OUT));
  }

  /// The folder of a run's members, whether or not it is there.
  Path members(RunRecord run) {
    String tenant = run.adapter().tenant();
    return switch (run.kind()) {
      case VERSION -> folder(tenant, RUNS).resolve(checked(run.id()));
      case AUDIT_SET ->
          folder(tenant, "audit-sets")
              .resolve(hex(run.digest()))
              .resolve(run.subsets() + "x" + run.seeds());
    };
  }

  /// Deletes what a run that has ended needed; audit sets stay. What cannot be deleted now is swept
  /// at the next start.
  void drop(RunRecord run) {
    drop(folder(run.adapter().tenant(), RUNS).resolve(checked(run.id())));
  }

  /// Deletes what an end of the process left behind.
  ///
  /// @param tenants that there are
  /// @param runs that wait or run, by id
  void sweep(Predicate<String> tenants, Predicate<String> runs) throws IOException {
    for (Path tenant : disk.entries(root)) {
      if (!tenants.test(tenant.getFileName().toString())) {
        drop(tenant);
        continue;
      }
      Path folder = tenant.resolve(RUNS);
      for (Path run : disk.exists(folder) ? disk.entries(folder) : List.<Path>of()) {
        if (!runs.test(run.getFileName().toString())) {
          drop(run);
        }
      }
    }
  }

  private void drop(Path folder) {
    try {
      delete(folder);
    } catch (IOException e) {
      log.warn("{} could not be deleted", folder, e);
    }
  }

  private void delete(Path path) throws IOException {
    if (Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
      for (Path entry : disk.entries(path)) {
        delete(entry);
      }
    }
    disk.delete(path);
  }

  private void write(Path file, byte[] bytes) throws IOException {
    Path folder = file.resolveSibling("");
    Path unfinished = file.resolveSibling(file.getFileName() + ".tmp");
    disk.makeFolder(folder);
    try (OutputStream out = disk.create(unfinished)) {
      out.write(bytes);
    }
    disk.sync(unfinished);
    disk.rename(unfinished, file);
    // The folders above may be new, too.
    for (Path made = folder; made.startsWith(root); made = made.resolveSibling("")) {
      disk.sync(made);
      if (made.equals(root)) {
        break;
      }
    }
  }

  private Optional<byte[]> read(Path file) throws IOException {
    if (!disk.exists(file)) {
      return Optional.empty();
    }
    try (InputStream in = disk.open(file)) {
      return Optional.of(in.readAllBytes());
    }
  }

  private Path data(String tenant, String manifest) {
    return folder(tenant, DATA).resolve(hex(manifest) + ".jsonl");
  }

  private Path folder(String tenant, String kind) {
    return root.resolve(checked(tenant)).resolve(kind);
  }

  private static String hex(String digest) {
    if (!digest.startsWith(PREFIX)) {
      throw new IllegalArgumentException("no digest: " + digest);
    }
    return checked(digest.substring(PREFIX.length()));
  }

  private static String checked(String name) {
    if (!NAME.matcher(name).matches()) {
      throw new IllegalArgumentException("no name of a file: " + name);
    }
    return name;
  }
}
