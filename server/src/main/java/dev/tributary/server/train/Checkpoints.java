package dev.tributary.server.train;

import static java.nio.charset.StandardCharsets.US_ASCII;

import com.fasterxml.jackson.core.JacksonException;
import dev.tributary.server.tensor.Bytes;
import dev.tributary.server.tensor.Region;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// What a member's run needs to go on as if it had never stopped, in one file of its folder: magic,
/// length and JSON of identity and history, then values, both means and, where they are kept, the
/// best values (little-endian float32), and last the SHA-256 of all before.
///
/// The file is written beside its place, synced, and renamed to it: at any moment there is the old
/// one or the new one, whole. Where a run is in its data follows from its step.
final class Checkpoints {
  static final String FILE = "checkpoint";
  private static final String UNFINISHED = "checkpoint.tmp";
  private static final byte[] MAGIC = "tributary-training-run-1\n".getBytes(US_ASCII);

  /// Most bytes of the JSON.
  private static final int MOST_HEAD = 1 << 24;

  private static final int CHUNK = 1 << 16;
  private static final int SHA256_BYTES = 32;

  private final Disk disk;

  Checkpoints(Disk disk) {
    this.disk = disk;
  }

  /// The part of a checkpoint that is JSON.
  record Head(RunIdentity identity, History history, long floats, boolean best) {}

  /// Stores where `run` is.
  ///
  /// @param folder of the member; exists
  void save(MemberRun run, Path folder) throws IOException {
    Path unfinished = folder.resolve(UNFINISHED);
    try (OutputStream file = disk.create(unfinished)) {
      MessageDigest digest = RunIdentity.sha256();
      DataOutputStream out =
          new DataOutputStream(
              new DigestOutputStream(new BufferedOutputStream(file, CHUNK), digest));
      byte[] head =
          Json.bytes(
              new Head(run.identity(), run.history(), run.adapter().floats(), run.best() != null));
      out.write(MAGIC);
      out.writeInt(head.length);
      out.write(head);
      for (Bytes part : parts(run)) {
        write(part, out);
      }
      byte[] sum = digest.digest();
      out.write(sum);
      out.flush();
    }
    disk.sync(unfinished);
    disk.rename(unfinished, folder.resolve(FILE));
    disk.sync(folder);
  }

  /// Sets `run` to where its checkpoint is.
  ///
  /// @return false if there is none
  /// @throws RunException if it is damaged, or another run's
  boolean restore(MemberRun run, Path folder) throws IOException {
    Path path = folder.resolve(FILE);
    if (!disk.exists(path)) {
      return false;
    }
    try (InputStream file = disk.open(path)) {
      MessageDigest digest = RunIdentity.sha256();
      DataInputStream in =
          new DataInputStream(new DigestInputStream(new BufferedInputStream(file, CHUNK), digest));
      if (!Arrays.equals(in.readNBytes(MAGIC.length), MAGIC)) {
        throw corrupt(run, "it does not begin as one");
      }
      int length = in.readInt();
      if (length < 0 || length > MOST_HEAD) {
        throw corrupt(run, "its head has " + length + " bytes");
      }
      Head head = Json.read(in.readNBytes(length), Head.class);
      requireSame(run.member().name(), head.identity(), run.identity());
      if (head.floats() != run.adapter().floats() || head.best() != (run.best() != null)) {
        throw corrupt(run, "it has " + head.floats() + " values");
      }
      for (Bytes part : parts(run)) {
        read(in, part);
      }
      byte[] sum = digest.digest();
      if (!Arrays.equals(in.readNBytes(SHA256_BYTES), sum) || in.read() >= 0) {
        throw corrupt(run, "its digest differs");
      }
      run.history(head.history());
      return true;
    } catch (EOFException | JacksonException e) {
      throw corrupt(run, String.valueOf(e));
    }
  }

  /// Removes what [#save] wrote.
  void delete(Path folder) throws IOException {
    disk.delete(folder.resolve(UNFINISHED));
    disk.delete(folder.resolve(FILE));
  }

  /// @throws RunException naming what differs
  static void requireSame(String member, RunIdentity stored, RunIdentity asked) {
    requireSame(member, "settings", stored.settings(), asked.settings());
    requireSame(member, "data", stored.data(), asked.data());
    requireSame(member, "base", stored.base(), asked.base());
    requireSame(member, "numerics", stored.numerics(), asked.numerics());
  }

  private static void requireSame(String member, String what, String stored, String asked) {
    if (!stored.equals(asked)) {
      throw new RunException(new RunRefusal.OtherRun(member, what, stored, asked));
    }
  }

  private static RunException corrupt(MemberRun run, String detail) {
    return new RunException(new RunRefusal.Corrupt(run.member().name() + "/" + FILE, detail));
  }

  private static List<Bytes> parts(MemberRun run) {
    List<Bytes> parts =
        new ArrayList<>(List.of(run.adapter().values(), run.first().bytes(), run.second().bytes()));
    Region best = run.best();
    if (best != null) {
      parts.add(best.bytes());
    }
    return parts;
  }

  private static void write(Bytes part, OutputStream out) throws IOException {
    byte[] chunk = new byte[CHUNK];
    for (long at = 0; at < part.size(); at += chunk.length) {
      int length = (int) Math.min(chunk.length, part.size() - at);
      part.get(at, chunk, 0, length);
      out.write(chunk, 0, length);
    }
  }

  private static void read(DataInputStream in, Bytes part) throws IOException {
    byte[] chunk = new byte[CHUNK];
    try (Region staging = Region.allocate(CHUNK)) {
      for (long at = 0; at < part.size(); at += chunk.length) {
        int length = (int) Math.min(chunk.length, part.size() - at);
        in.readFully(chunk, 0, length);
        staging.buffer().put(chunk, 0, length);
        part.copyFrom(staging.bytes(), 0, at, length);
      }
    }
  }
}
