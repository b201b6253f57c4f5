package dev.tributary.server.adapter;

import dev.tributary.server.state.VersionFacts;
import dev.tributary.server.state.VersionRecord;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// The adapters of a folder of PEFT folders, by their folders' names, as versions of tenant
/// `public` whose files stay where they are ([LinkedVersions]).
///
/// A folder is read when it is first seen, and again when its files' stamps have changed and
/// somebody lists the adapters or asks for one that is refused or unknown. So new folders appear
/// without a restart, and an adapter that is served costs no file access to resolve. A folder whose
/// digest changed offers a new version under the next number; the version before is no longer
/// offered. Why a folder is refused is known here alone, and found anew after a restart.
final class OfferedFolders {
  /// Names of folders that can be offered. Lower case, so that a name means one folder on every
  /// file system.
  static final Pattern NAME = Pattern.compile("[a-z0-9][a-z0-9._-]{0,62}");

  /// Most folders offered; more are an error that says so.
  static final int MAX_FOLDERS = 100_000;

  private final @Nullable Path root;
  private final AdapterReader reader;
  private final LinkedVersions versions;
  private final ConcurrentSkipListMap<String, Offer> offers = new ConcurrentSkipListMap<>();

  /// Held while folders are read, so that no two callers read the same one.
  private final Object scanning = new Object();

  /// @param root null: no folder is offered
  OfferedFolders(@Nullable Path root, AdapterReader reader, LinkedVersions versions) {
    this.root = root;
    this.reader = reader;
    this.versions = versions;
  }

  /// The adapter as last seen; looks at its folder if it is unknown or was refused.
  @Nullable Offer find(String name) {
    Offer offer = offers.get(name);
    if (offer != null && offer.refusal() == null) {
      return offer;
    }
    if (root == null || !NAME.matcher(name).matches()) {
      return offer;
    }
    synchronized (scanning) {
      refresh(Map.of(name, new PeftFolder(root.resolve(name).toAbsolutePath())));
      return offers.get(name);
    }
  }

  /// The adapter as last seen, without looking at files.
  @Nullable Offer known(String name) {
    return offers.get(name);
  }

  /// Marks a version as refused, if it is still the one that is offered.
  void refuse(AdapterVersion version, AdapterRefusal refusal) {
    offers.computeIfPresent(
        version.name(),
        (name, offer) -> version.equals(offer.version()) ? offer.refuse(refusal) : offer);
  }

  /// Looks at every folder whose stamps have changed; versions whose folders are gone go.
  void look() {
    synchronized (scanning) {
      Map<String, PeftFolder> folders = folders();
      offers.keySet().retainAll(folders.keySet());
      versions.retain(folders.keySet());
      refresh(folders);
    }
  }

  /// The folders that are refused, by name, as last seen.
  ///
  /// @param after a name; empty for all
  NavigableMap<String, Offer> refused(String after) {
    NavigableMap<String, Offer> refused = new TreeMap<>(offers.tailMap(after, false));
    refused.values().removeIf(offer -> offer.refusal() == null);
    return refused;
  }

  private Map<String, PeftFolder> folders() {
    Map<String, PeftFolder> folders = new HashMap<>();
    if (root == null) {
      return folders;
    }
    try (DirectoryStream<Path> paths = Files.newDirectoryStream(root)) {
      for (Path path : paths) {
        String name = path.getFileName().toString();
        if (!name.startsWith(".") && Files.isDirectory(path)) {
          folders.put(name, new PeftFolder(path.toAbsolutePath()));
        }
        if (folders.size() > MAX_FOLDERS) {
          throw unreadable(root, "more than " + MAX_FOLDERS + " folders", null);
        }
      }
    } catch (IOException | DirectoryIteratorException e) {
      throw unreadable(root, e.toString(), e);
    }
    return folders;
  }

  /// Reads the folders that may have changed, side by side, and then registers what they hold.
  private void refresh(Map<String, PeftFolder> folders) {
    List<Look> looks =
        folders.entrySet().parallelStream()
            .map(folder -> look(folder.getKey(), folder.getValue()))
            .filter(Objects::nonNull)
            .toList();
    Map<String, VersionFacts> readable = new HashMap<>();
    for (Look look : looks) {
      if (look.facts != null) {
        readable.put(look.name, look.facts);
      }
    }
    Map<String, VersionRecord> registered = versions.register(readable);
    for (Look look : looks) {
      VersionRecord version = registered.get(look.name);
      if (version == null && look.refusal == null) {
        offers.remove(look.name);
        versions.drop(look.name);
      } else {
        offers.put(
            look.name,
            new Offer(
                look.folder,
                look.stamp,
                version == null ? null : AdapterVersion.of(version),
                look.refusal));
      }
    }
  }

  /// What a folder turned out to be; neither facts nor refusal if it is gone.
  private record Look(
      String name,
      PeftFolder folder,
      PeftFolder.Stamp stamp,
      @Nullable VersionFacts facts,
      @Nullable AdapterRefusal refusal) {}

  /// Null if the folder is as it was.
  private @Nullable Look look(String name, PeftFolder folder) {
    PeftFolder.Stamp stamp = folder.stamp();
    if (!Files.isDirectory(folder.path())) {
      return new Look(name, folder, stamp, null, null);
    }
    Offer offer = offers.get(name);
    if (offer != null && offer.isSettled(stamp)) {
      return null;
    }
    if (!NAME.matcher(name).matches()) {
      AdapterRefusal refusal =
          new AdapterRefusal.Malformed(name, "is not a name: " + NAME.pattern());
      return new Look(name, folder, stamp, null, refusal);
    }
    try {
      return new Look(name, folder, stamp, reader.describe(folder, false, folder.path()), null);
    } catch (AdapterException e) {
      return new Look(name, folder, stamp, null, e.refusal());
    }
  }

  private static AdapterException unreadable(Path root, String reason, @Nullable Throwable cause) {
    return new AdapterException(new AdapterRefusal.Unreadable(root.toString(), reason), cause);
  }
}
