package dev.tributary.server.adapter;

import dev.tributary.server.state.VersionFacts;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.NavigableMap;
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
      return refresh(name, new PeftFolder(root.resolve(name).toAbsolutePath()));
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
      folders.entrySet().parallelStream().forEach(e -> refresh(e.getKey(), e.getValue()));
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

  private @Nullable Offer refresh(String name, PeftFolder folder) {
    if (!Files.isDirectory(folder.path())) {
      offers.remove(name);
      versions.drop(name);
      return null;
    }
    PeftFolder.Stamp stamp = folder.stamp();
    Offer offer = offers.get(name);
    if (offer != null && offer.isSettled(stamp)) {
      return offer;
    }
    Offer fresh = look(name, folder, stamp);
    offers.put(name, fresh);
    return fresh;
  }

  private Offer look(String name, PeftFolder folder, PeftFolder.Stamp stamp) {
    if (!NAME.matcher(name).matches()) {
      return new Offer(
          folder,
          stamp,
          null,
          new AdapterRefusal.Malformed(name, "is not a name: " + NAME.pattern()));
    }
    try {
      VersionFacts facts = reader.describe(folder, false, folder.path());
      return new Offer(
          folder, stamp, AdapterVersion.of(versions.register(name, facts)), null);
    } catch (AdapterException e) {
      return new Offer(folder, stamp, null, e.refusal());
    }
  }

  private static AdapterException unreadable(
      Path root, String reason, @Nullable Throwable cause) {
    return new AdapterException(new AdapterRefusal.Unreadable(root.toString(), reason), cause);
  }
}
