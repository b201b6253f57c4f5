package dev.tributary.server.train;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tributary.server.state.AdapterName;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunFilesTest {
  private static final String MANIFEST = "sha256:" + "ab".repeat(32);
  private static final byte[] LINES = "one\ntwo\n".getBytes(UTF_8);

  @TempDir Path folder;

  private Path root() {
    return folder.resolve("training");
  }

  private List<String> files() throws IOException {
    try (Stream<Path> all = Files.walk(root())) {
      return all.filter(Files::isRegularFile)
          .map(file -> root().relativize(file).toString())
          .sorted()
          .toList();
    }
  }

  @Test
  void keep_isByTenant_andOnlyForTheOwner() throws IOException {
    RunFiles files = new RunFiles(root());
    files.keep("acme", MANIFEST, LINES);
    assertThat(files.kept("acme", MANIFEST)).hasValue(LINES);
    assertThat(files.kept("other", MANIFEST)).isEmpty();
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(root())))
        .isEqualTo("rwx------");
    // What a manifest's examples are never changes.
    files.keep("acme", MANIFEST, "other".getBytes(UTF_8));
    assertThat(files.kept("acme", MANIFEST)).hasValue(LINES);
  }

  @Test
  void names_thatLeadElsewhere_areRefused() throws IOException {
    RunFiles files = new RunFiles(root());
    assertThatThrownBy(() -> files.keep("../x", MANIFEST, LINES))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> files.kept("acme", "sha256:../../state"))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> files.keepHeldOut(new AdapterName("acme", "town"), "..", LINES))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void sweep_dropsRunsThatEndedAndTenantsThatWent_andKeepsTheRest() throws IOException {
    RunFiles files = new RunFiles(root());
    for (String tenant : List.of("acme", "gone")) {
      files.keep(tenant, MANIFEST, LINES);
      for (String run : List.of("running", "ended")) {
        files.keepHeldOut(new AdapterName(tenant, "town"), run, LINES);
      }
    }
    files.sweep(Set.of("acme")::contains, Set.of("running")::contains);
    assertThat(files())
        .containsExactly(
            "acme/data/" + "ab".repeat(32) + ".jsonl", "acme/runs/running/held-out.jsonl");
  }

  /// Whichever step fails, a file under its name is whole and was synced before it got it.
  @Test
  void keep_thatFailsAnywhere_leavesNothingUnderTheName() throws IOException {
    int failing = 0;
    boolean kept = false;
    while (!kept) {
      Steps disk = new Steps(failing++);
      RunFiles files = new RunFiles(root(), disk);
      disk.counting = true;
      try {
        files.keep("acme", MANIFEST, LINES);
        kept = true;
      } catch (IOException e) {
        int renamed = disk.done.indexOf("rename");
        assertThat(renamed < 0 || disk.done.indexOf("sync") < renamed).isTrue();
        if (renamed < 0) {
          assertThat(files.kept("acme", MANIFEST)).isEmpty();
        }
      }
      assertThat(files.kept("acme", MANIFEST).orElse(LINES)).isEqualTo(LINES);
      Files.deleteIfExists(root().resolve("acme/data").resolve(MANIFEST.substring(7) + ".jsonl"));
    }
    // Folder, file, its bytes, its name, and the three folders that lead to it.
    assertThat(failing).isEqualTo(8);
  }

  /// The disk of this machine, one of whose steps fails.
  private static final class Steps implements Disk {
    private final LocalDisk disk = new LocalDisk();
    private final int failing;
    private final List<String> done = new ArrayList<>();
    private boolean counting;

    Steps(int failing) {
      this.failing = failing;
    }

    private void step(String what) throws IOException {
      if (counting) {
        if (done.size() == failing) {
          counting = false;
          throw new IOException("step " + failing);
        }
        done.add(what);
      }
    }

    @Override
    public void makeFolder(Path path) throws IOException {
      step("folder");
      disk.makeFolder(path);
    }

    @Override
    public OutputStream create(Path file) throws IOException {
      step("create");
      return disk.create(file);
    }

    @Override
    public java.io.InputStream open(Path file) throws IOException {
      return disk.open(file);
    }

    @Override
    public boolean exists(Path path) {
      return disk.exists(path);
    }

    @Override
    public List<Path> entries(Path path) throws IOException {
      return disk.entries(path);
    }

    @Override
    public void sync(Path path) throws IOException {
      step("sync");
      disk.sync(path);
    }

    @Override
    public void rename(Path from, Path to) throws IOException {
      step("rename");
      disk.rename(from, to);
    }

    @Override
    public void delete(Path path) throws IOException {
      disk.delete(path);
    }
  }
}
