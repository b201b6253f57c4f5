package dev.tributary.server.adapter;

import static java.nio.file.StandardOpenOption.READ;

import dev.tributary.server.state.AdapterName;
import dev.tributary.server.state.Contributions;
import dev.tributary.server.state.Origin;
import dev.tributary.server.state.StateException;
import dev.tributary.server.state.UploadRecord;
import dev.tributary.server.state.Uploads;
import dev.tributary.server.state.VersionFacts;
import dev.tributary.server.state.VersionRecord;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.function.BiPredicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The ways by which files become versions.
///
/// Files gather where nobody is served from ([Staging]), are compared with what was announced, are
/// read as an adapter of this base, and have to prove their effect; only then they get their place
/// in the store and, last, their version in `state.db`. Whatever ends this before leaves no trace
/// but an upload that can be gone on with. Thread safe.
public final class Intake {
  private static final Logger log = LoggerFactory.getLogger(Intake.class);

  /// Of one version's files together.
  static final long MAX_BYTES = 8L << 30;

  /// Expired uploads that one new upload cleans up.
  private static final int SWEEP = 16;

  private final Catalogue catalogue;
  private final Uploads uploads;
  private final Contributions contributions;
  private final AdapterReader reader;
  private final Staging staging;
  private final VersionFiles files;
  private final @Nullable ImportRoot root;
  private final RemoteAdapters remote;
  private final BiPredicate<String, String> stored;

  /// Uploads that were begun or gone on with since the start: what they announced is as good as
  /// stored, else a tenant could fill the disk with what it never finishes.
  private final Map<String, Announced> begun = new ConcurrentHashMap<>();

  /// One at a time: a proof has the whole adapter in memory and takes steps from answers.
  private final Semaphore proofs = new Semaphore(1, true);

  /// What a caller announces.
  ///
  /// @param digest adapter digest that the files must have; null: any
  /// @param allowBaseMismatch bind it to this base even if it does not state its identity
  /// @param manifest digest of the contributions that it was made of, as its owner says; empty for
  ///   none
  public record Announced(
      AdapterName adapter,
      List<UploadFile> files,
      @Nullable String digest,
      boolean allowBaseMismatch,
      String manifest) {
    public Announced {
      files = List.copyOf(files);
    }

    private long bytes() {
      return files.stream().mapToLong(UploadFile::size).sum();
    }
  }

  /// @param stored whether `state.db` has a version (tenant, digest) in the store
  Intake(
      Catalogue catalogue,
      Uploads uploads,
      Contributions contributions,
      AdapterReader reader,
      Staging staging,
      VersionFiles files,
      @Nullable ImportRoot root,
      RemoteAdapters remote,
      BiPredicate<String, String> stored) {
    this.catalogue = catalogue;
    this.uploads = uploads;
    this.contributions = contributions;
    this.reader = reader;
    this.staging = staging;
    this.files = files;
    this.root = root;
    this.remote = remote;
    this.stored = stored;
  }

  /// A stream's part in an upload.
  public final class Stream implements AutoCloseable {
    private final String id;
    private final Announced announced;
    private final Upload upload;

    private Stream(String id, Announced announced, Upload upload) {
      this.id = id;
      this.announced = announced;
      this.upload = upload;
    }

    public String id() {
      return id;
    }

    /// Bytes of each file that are on disk.
    public long[] offsets() {
      return upload.offsets();
    }

    /// Appends to a file.
    ///
    /// @param offset of the first byte; must be how many the file has
    /// @throws InvalidUploadException if the bytes belong nowhere
    public void write(int file, long offset, ByteBuffer data) {
      try {
        upload.write(file, offset, data);
      } catch (IOException e) {
        throw unstorable(e);
      }
    }

    public boolean isWhole() {
      return upload.isWhole();
    }

    /// Checks the files and makes them a version. Waits for the proof of effect. What is found
    /// wrong with the files ends the upload.
    ///
    /// @throws AdapterException if they cannot be served
    /// @throws InvalidUploadException if they are not what was announced
    public VersionRecord finish() {
      try (Staging.Claim claim = staging.claim(id, upload)) {
        VersionRecord version;
        try {
          upload.check();
          version = publish(announced, Origin.CLAIMED, id, "header.digest", upload.folder());
        } catch (IOException e) {
          throw unstorable(e);
        } catch (AdapterException e) {
          if (!isPassing(e.refusal())) {
            giveUp(claim);
          }
          throw e;
        } catch (InvalidUploadException | StateException e) {
          giveUp(claim);
          throw e;
        }
        drop(claim);
        return version;
      }
    }

    private void giveUp(Staging.Claim claim) {
      uploads.delete(announced.adapter.tenant(), id);
      drop(claim);
    }

    private void drop(Staging.Claim claim) {
      begun.remove(id);
      claim.drop();
    }

    /// Leaves the upload to be gone on with.
    @Override
    public void close() {
      staging.close(id, upload);
    }
  }

  /// Begins an upload.
  ///
  /// @param header the caller's own form of `announced`, to be given again by who goes on with it
  public Stream begin(Announced announced, ByteBuffer header) {
    check("", announced);
    sweep();
    UploadRecord upload = uploads.create(announced.adapter, header);
    return open(upload.id(), announced);
  }

  /// Goes on with an upload.
  ///
  /// @throws AdapterException NoSuchUpload
  public Stream resume(String id, Announced announced, ByteBuffer header) {
    check(id, announced);
    UploadRecord upload =
        uploads
            .get(announced.adapter.tenant(), id)
            .orElseThrow(() -> new AdapterException(new AdapterRefusal.NoSuchUpload(id)));
    if (!upload.header().equals(header)) {
      throw new InvalidUploadException("header", "is not the one that the upload began with");
    }
    return open(id, announced);
  }

  private Stream open(String id, Announced announced) {
    try {
      Stream stream = new Stream(id, announced, staging.open(id, announced.files));
      begun.put(id, announced);
      return stream;
    } catch (IOException e) {
      throw unstorable(e);
    }
  }

  private void check(String id, Announced announced) {
    UploadFile.check(announced.files, "header.files", MAX_BYTES);
    for (UploadFile file : announced.files) {
      if (file.isWeights()) {
        reader.requireFits(file.size());
      }
    }
    requireManifest(announced);
    String tenant = announced.adapter.tenant();
    long others =
        begun.entrySet().stream()
            .filter(upload -> !upload.getKey().equals(id))
            .filter(upload -> upload.getValue().adapter.tenant().equals(tenant))
            .mapToLong(upload -> upload.getValue().bytes())
            .sum();
    catalogue.requireRoom(announced.adapter, announced.bytes() + others);
  }

  private void requireManifest(Announced announced) {
    String tenant = announced.adapter.tenant();
    String manifest = announced.manifest;
    if (manifest.isEmpty()) {
      return;
    }
    int withdrawn = contributions.withdrawnOf(tenant, manifest);
    if (withdrawn > 0 || !contributions.hasManifest(tenant, manifest)) {
      throw new AdapterException(new AdapterRefusal.Manifest(manifest, withdrawn));
    }
  }

  /// Forgets uploads that nobody went on with.
  private void sweep() {
    for (UploadRecord expired : uploads.expired(SWEEP)) {
      begun.remove(expired.id());
      drop(expired.id());
      uploads.delete(expired.adapter().tenant(), expired.id());
    }
  }

  /// Makes a version of what lies below the import root. The caller is an administrator.
  ///
  /// @param path of a PEFT folder
  public VersionRecord importPath(String path, Announced announced) {
    if (root == null) {
      throw new AdapterException(
          new AdapterRefusal.NoSource(path, "this server has no --import-root"));
    }
    return importFiles(
        announced, Origin.CLAIMED, (into, most) -> root.copy(path, staging, into, most));
  }

  /// Makes a version of an adapter of the hub.
  ///
  /// @param source `hf:owner/repo[@rev]`
  public VersionRecord importRemote(String source, Announced announced) {
    return importFiles(
        announced,
        Origin.CLAIMED,
        (into, most) -> {
          long[] left = {most};
          try {
            remote.fetch(
                source,
                (name, bytes) -> left[0] -= staging.copy(bytes, into.resolve(name), left[0]));
          } catch (IllegalArgumentException e) {
            throw new AdapterException(
                new AdapterRefusal.NoSource(source, String.valueOf(e.getMessage())), e);
          } catch (RemoteAdapters.UnreachableException e) {
            throw new AdapterException(
                new AdapterRefusal.Unreadable(source, String.valueOf(e.getMessage())), e);
          }
        });
  }

  /// Makes a version of what was trained here, with the same checks and proof. A version of the
  /// adapter that has its digest and manifest already is given again: it is the same one.
  ///
  /// @param folder as PEFT saves one, of plain files
  /// @param manifest digest of what it was trained on
  public VersionRecord publishTrained(AdapterName adapter, Path folder, String manifest) {
    String digest = reader.describe(new PeftFolder(folder), false, null).digest();
    Announced announced = new Announced(adapter, List.of(), digest, false, manifest);
    return catalogue
        .version(adapter, digest)
        .filter(version -> version.facts().origin() == Origin.TRAINED_HERE)
        .filter(version -> version.facts().manifestDigest().equals(manifest))
        .orElseGet(
            () ->
                importFiles(
                    announced, Origin.TRAINED_HERE, (into, most) -> copy(folder, into, most)));
  }

  private void copy(Path folder, Path into, long most) throws IOException {
    long left = most;
    for (Path file : Trash.entries(folder)) {
      try (FileChannel bytes = FileChannel.open(file, READ, LinkOption.NOFOLLOW_LINKS)) {
        left -= staging.copy(bytes, into.resolve(file.getFileName()), left);
      }
    }
  }

  private interface Source {
    void copy(Path into, long mostBytes) throws IOException;
  }

  private VersionRecord importFiles(Announced announced, Origin origin, Source source) {
    catalogue.requireRoom(announced.adapter, 0);
    requireManifest(announced);
    String id = UUID.randomUUID().toString();
    try {
      Path into = staging.fresh(id);
      source.copy(into, catalogue.room(announced.adapter.tenant(), MAX_BYTES));
      return publish(announced, origin, null, "digest", into);
    } catch (IOException e) {
      throw unstorable(e);
    } finally {
      drop(id);
    }
  }

  private void drop(String id) {
    try {
      staging.drop(id);
    } catch (IOException e) {
      // It is swept at the next start.
      log.warn("staged files of {} could not be dropped", id, e);
    }
  }

  /// @param upload that the version comes of; null: an import
  /// @param digestField path of the announced digest in the request
  private VersionRecord publish(
      Announced announced, Origin origin, @Nullable String upload, String digestField, Path staged)
      throws IOException {
    PeftFolder folder = new PeftFolder(staged);
    VersionFacts facts = reader.describe(folder, announced.allowBaseMismatch, null);
    if (announced.digest != null && !announced.digest.equals(facts.digest())) {
      throw new InvalidUploadException(
          digestField, "is " + announced.digest + ", but the files have " + facts.digest());
    }
    prove(announced, facts, folder);
    // Something may have been withdrawn meanwhile.
    requireManifest(announced);
    String tenant = announced.adapter.tenant();
    VersionFiles.Hold hold = files.publish(tenant, facts.digest(), staged);
    boolean published = false;
    try {
      VersionRecord version =
          catalogue.publish(
              announced.adapter,
              origin == Origin.TRAINED_HERE
                  ? facts.trainedHereOn(announced.manifest)
                  : facts.ofManifest(announced.manifest),
              upload);
      published = true;
      return version;
    } finally {
      hold.close();
      if (!published) {
        files.discard(tenant, facts.digest(), stored);
      }
    }
  }

  private void prove(Announced announced, VersionFacts facts, PeftFolder folder) {
    AdapterVersion candidate = AdapterVersion.of(announced.adapter, 1, facts, Instant.EPOCH);
    proofs.acquireUninterruptibly();
    try {
      reader.load(folder, candidate, announced.allowBaseMismatch).release();
    } finally {
      proofs.release();
    }
  }

  /// Whether the same files may do another time.
  private static boolean isPassing(AdapterRefusal refusal) {
    return refusal instanceof AdapterRefusal.Unreadable
        || refusal instanceof AdapterRefusal.Unstorable
        || refusal instanceof AdapterRefusal.Busy;
  }

  private static AdapterException unstorable(IOException cause) {
    log.error("files of an adapter cannot be stored", cause);
    return new AdapterException(new AdapterRefusal.Unstorable(), cause);
  }
}
