package dev.tributary.server.adapter;

import dev.tributary.server.model.LlamaConfig;
import dev.tributary.server.state.AdapterName;
import dev.tributary.server.state.Tenants;
import dev.tributary.server.state.VersionFacts;
import dev.tributary.server.tensor.BackgroundThreads;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Reads an adapter of random numbers over and over, at the start: the first adapters that callers
/// load then find the code compiled, and no row waits while the compiler has a processor.
final class Rehearsal implements AutoCloseable {
  /// As most adapters are.
  private static final int RANK = 16;

  /// The compiler has seen enough by then.
  private static final int TIMES = 60;

  /// For large adapters, which need fewer.
  private static final Duration BOUND = Duration.ofSeconds(5);

  private static final Logger log = LoggerFactory.getLogger(Rehearsal.class);

  private final AdapterReader reader;
  private final AdapterFolders folders;
  private final Path root;
  private final Trash trash;
  private final Thread thread;
  private volatile boolean closed;

  /// @param root is made and thrown away, with the adapter in it
  Rehearsal(AdapterReader reader, LlamaConfig base, BaseIdentity identity, Path root, Trash trash)
      throws IOException {
    this.reader = reader;
    this.root = root;
    this.trash = trash;
    folders = new AdapterFolders(base, identity.digest(), RANK);
    thread = BackgroundThreads.factory("adapter-rehearsal-").newThread(this::run);
  }

  void start() {
    thread.start();
  }

  /// Returns how often the adapter was read.
  int run() {
    try {
      try {
        folders.write(root, 0, 0);
        return readAll(new PeftFolder(root.resolve(AdapterFolders.name(0))));
      } finally {
        trash.throwAway(root);
      }
    } catch (IOException | RuntimeException e) {
      log.warn("the reading of adapters could not be rehearsed", e);
      return 0;
    }
  }

  private int readAll(PeftFolder folder) {
    long end = System.nanoTime() + BOUND.toNanos();
    VersionFacts facts = reader.describe(folder, false, null);
    AdapterName name = new AdapterName(Tenants.PUBLIC, "rehearsal");
    AdapterVersion version = AdapterVersion.of(name, 1, facts, Instant.EPOCH);
    int times = 0;
    while (times < TIMES && System.nanoTime() < end && !closed) {
      reader.read(folder, version, false).release();
      times++;
    }
    return times;
  }

  /// Ends it with the reading under way, and waits until its files are gone.
  @Override
  public void close() {
    // No interrupt: it would keep the files from being deleted.
    closed = true;
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
