package dev.tributary.server.adapter;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// The adapters of a folder of PEFT folders, by their folders' names.
///
/// A folder is read when it is first seen, and again when its files' stamps have changed and
/// somebody lists the adapters or asks for one that is refused or unknown. So new folders appear
/// without a restart, and an adapter that is served costs no file access to resolve. A folder whose
/// digest changed offers a new version under the next number, counted since the start; the version
/// before is no longer offered.
final class OfferedFolders {
  /// Names of folders that can be offered. Lower case, so that a name means one folder on every
  /// file system.
  static final Pattern NAME = Pattern.compile("[a-z0-9][a-z0-9._-]{0,62}");

  /// Most folders offered; more are an error that says so.
  static final int MAX_FOLDERS = 100_000;

  private record Latest(String digest, int number) {}

  private final Path root;
  private final AdapterReader reader;
  private final ConcurrentSkipListMap<String, Offer> offers = new ConcurrentSkipListMap<>();

  /// Outlives offers, so that a number never means two digests.
  private final Map<String, Latest> latest = new ConcurrentHashMap<>();

  /// Held while folders are read, so that no two callers read the same one.
  private final Object scanning = new Object();

  OfferedFolders(Path root, AdapterReader reader) {
    this.root = root;
    this.reader = reader;
  }

  /// The adapter as last seen; looks at its folder if it is unknown or was refused.
  @Nullable Offer find(String name) {
    Offer offer = offers.get(name);
    if (offer != null && offer.refusal() == null) {
      return offer;
    }
    if (!NAME.matcher(name).matches()) {
      return offer;
    }
    synchronized (scanning) {
      return refresh(name, new PeftFolder(root.resolve(name)));
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

  /// All adapters by name, after a look at every folder whose stamps have changed.
  NavigableMap<String, Offer> all() {
    synchronized (scanning) {
      Map<String, PeftFolder> folders = folders();
      offers.keySet().retainAll(folders.keySet());
      folders.entrySet().parallelStream().forEach(e -> refresh(e.getKey(), e.getValue()));
      return new TreeMap<>(offers);
    }
  }

  private Map<String, PeftFolder> folders() {
    Map<String, PeftFolder> folders = new HashMap<>();
    try (DirectoryStream<Path> paths = Files.newDirectoryStream(root)) {
      for (Path path : paths) {
        String name = path.getFileName().toString();
        if (!name.startsWith(".") && Files.isDirectory(path)) {
          folders.put(name, new PeftFolder(path));
        }
        if (folders.size() > MAX_FOLDERS) {
          throw unreadable("more than " + MAX_FOLDERS + " folders", null);
        }
      }
    } catch (IOException | DirectoryIteratorException e) {
      throw unreadable(e.toString(), e);
    }
    return folders;
  }

  private @Nullable Offer refresh(String name, PeftFolder folder) {
    if (!Files.isDirectory(folder.path())) {
      offers.remove(name);
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
      AdapterVersion version = reader.describe(folder, name, digest -> number(name, digest));
      return new Offer(folder, stamp, version, null);
    } catch (AdapterException e) {
      return new Offer(folder, stamp, null, e.refusal());
    }
  }

  private int number(String name, String digest) {
    return latest.compute(
            name,
            (key, last) -> {
              if (last == null) {
                return new Latest(digest, 1);
              }
              return last.digest.equals(digest) ? last : new Latest(digest, last.number + 1);
            })
        .number;
  }

  private AdapterException unreadable(String reason, @Nullable Throwable cause) {
    return new AdapterException(new AdapterRefusal.Unreadable(root.toString(), reason), cause);
  }
}
