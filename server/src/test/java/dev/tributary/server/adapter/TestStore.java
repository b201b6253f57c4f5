package dev.tributary.server.adapter;

import dev.tributary.server.model.BaseWeights;
import dev.tributary.server.state.AdapterName;
import dev.tributary.server.state.State;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// A store with its state.
public final class TestStore implements AutoCloseable {
  /// Fetches nothing.
  public static final RemoteAdapters NOWHERE =
      (source, sink) -> {
        throw new IllegalArgumentException(source + " is nowhere");
      };

  private final Path data;
  private final boolean temporary;
  private final State state;
  private final AdapterStore store;

  private TestStore(
      Path data,
      boolean temporary,
      AdapterSettings settings,
      BaseWeights base,
      BaseIdentity identity,
      Probe probe,
      RemoteAdapters remote,
      Builds builds,
      Disk disk) {
    this.data = data;
    this.temporary = temporary;
    try {
      Files.createDirectories(data);
      state = State.open(data.resolve("state.db"), InstantSource.system());
      try {
        store = new AdapterStore(settings, state, base, identity, probe, remote, builds, disk);
      } catch (IOException | RuntimeException | Error e) {
        state.close();
        throw e;
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Offers the adapters of a folder, and forgets everything when it is closed.
  public static TestStore offering(
      Path folder, BaseWeights base, BaseIdentity identity, Probe probe, long hostBytes) {
    try {
      Path data = Files.createTempDirectory("tributary-test");
      AdapterSettings settings = new AdapterSettings(data, folder, null, hostBytes);
      return new TestStore(
          data, true, settings, base, identity, probe, NOWHERE, Builds.UNRECORDED, new LocalDisk());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Opens what is, or will be, in `settings.data()`.
  public static TestStore open(
      AdapterSettings settings,
      BaseWeights base,
      BaseIdentity identity,
      Probe probe,
      RemoteAdapters remote) {
    return open(settings, base, identity, probe, remote, Builds.UNRECORDED);
  }

  /// The same, whose versions are told to `builds`.
  public static TestStore open(
      AdapterSettings settings,
      BaseWeights base,
      BaseIdentity identity,
      Probe probe,
      RemoteAdapters remote,
      Builds builds) {
    return new TestStore(
        settings.data(), false, settings, base, identity, probe, remote, builds, new LocalDisk());
  }

  /// The same, on a disk one of whose steps fails.
  ///
  /// @param failing index of the step below the folder of data; -1 for none
  /// @param full whether there is no space left, else an error of the disk
  public static TestStore failing(
      AdapterSettings settings,
      BaseWeights base,
      BaseIdentity identity,
      Probe probe,
      int failing,
      boolean full) {
    FaultyDisk disk =
        new FaultyDisk(
            settings.data(), failing, full ? FaultyDisk.Fault.FULL : FaultyDisk.Fault.IO_ERROR);
    return new TestStore(
        settings.data(), false, settings, base, identity, probe, NOWHERE, Builds.UNRECORDED, disk);
  }

  public AdapterStore store() {
    return store;
  }

  public Path data() {
    return data;
  }

  public State state() {
    return state;
  }

  public AdapterVersion resolve(String tenant, AdapterRef ref) {
    return store.resolve(tenant, ref, "");
  }

  public CompletableFuture<Lease> lease(AdapterVersion version) {
    return store.lease(version);
  }

  public Tier tier(AdapterVersion version) {
    return store.tier(version);
  }

  public int leases(AdapterVersion version) {
    return store.leases(version);
  }

  /// Leases of the version that `prod` of an adapter in `public` leads to.
  public int leases(String name) {
    return Objects.requireNonNull(get(AdapterStore.TENANT, name).prod()).leases();
  }

  public AdapterInfo get(String tenant, String name) {
    return store.catalogue().get(tenant, name);
  }

  /// Adapters of `public`.
  ///
  /// @param after name of the last one of the page before; empty for the first page
  public List<AdapterInfo> list(String after, int limit) {
    AdapterName last = after.isEmpty() ? null : new AdapterName(AdapterStore.TENANT, after);
    return store.catalogue().list(Set.of(AdapterStore.TENANT), last, limit);
  }

  /// The version that `prod` leads to.
  public static AdapterVersion latest(AdapterInfo info) {
    VersionInfo prod = Objects.requireNonNull(info.prod(), info.name());
    return AdapterVersion.of(Objects.requireNonNull(prod.version(), info.name()));
  }

  /// Version 1 of an adapter of `public` with the files in a folder.
  static AdapterVersion describe(AdapterReader reader, PeftFolder folder, String name) {
    return AdapterVersion.of(
        new AdapterName(AdapterStore.TENANT, name),
        1,
        reader.describe(folder, false, null),
        Instant.EPOCH);
  }

  /// Whether any file of a version, or of an upload, is left.
  public static boolean isEmpty(@Nullable Path data) {
    return data == null
        || (countFiles(data.resolve("adapters")) + countFiles(data.resolve("uploads")) == 0);
  }

  private static long countFiles(Path folder) {
    try (Stream<Path> files = Files.walk(folder)) {
      return files.filter(Files::isRegularFile).count();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    store.close();
    state.close();
    if (temporary) {
      try (Stream<Path> files = Files.walk(data)) {
        for (Path path : files.sorted((a, b) -> b.compareTo(a)).toList()) {
          Files.delete(path);
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
