package dev.tributary.server.ledger;

import dev.tributary.tlog.Checkpoint;
import dev.tributary.tlog.Hash;
import dev.tributary.tlog.Merkle;
import dev.tributary.tlog.Note;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Reads all of a log's folder, the records beside the log too, computes everything anew and
/// compares. Changes nothing.
///
/// It may run beside the server: then it looks at what was there when it began, and may find that
/// the end is being written.
public final class Fsck {
  private static final int MOST_PROBLEMS = 100;
  private static final int WINDOW = 1 << 20;

  private final Segments segments;
  private final Checkpoints checkpoints;
  private final RotationCheck rotations;
  private final DerivedCheck derived;
  private final SideCheck side;
  private final Optional<Checkpoint> anchored;
  private final LogKeys keys;
  private final long promised;
  private final List<String> problems = new ArrayList<>();
  private final List<String> notes = new ArrayList<>();
  private final Frontier tree = new Frontier();
  private long found;
  private long compared;

  private Fsck(Disk disk, Path folder, Optional<Path> anchor) throws IOException {
    keys =
        LogKeys.read(disk, folder)
            .orElseThrow(() -> new LedgerRefused("there is no log in " + folder));
    checkpoints = new Checkpoints(disk, folder.resolve(Checkpoints.FILE), keys.origin());
    long newest = checkpoints.last().map(note -> Checkpoint.parse(note.text()).size()).orElse(0L);
    long mark = Mark.read(disk, folder.resolve(Store.MARK));
    promised = Math.max(mark, newest);
    segments = new Segments(disk, folder.resolve(Store.SEGMENTS), Layout.DEFAULT);
    rotations = new RotationCheck(keys);
    derived = new DerivedCheck(disk, folder, mark);
    side = new SideCheck(disk, folder.resolve(Ledger.SIDE));
    anchored =
        anchor.isPresent()
            ? new Anchor(disk, anchor.get()).read().map(note -> Checkpoint.parse(note.text()))
            : Optional.empty();
  }

  /// Compares all that is in a log's folder.
  ///
  /// @param anchor the file that has the newest checkpoint
  /// @throws LedgerRefused if keys, checkpoints or the anchor cannot be read at all
  public static FsckReport run(Path folder, Optional<Path> anchor) throws IOException {
    return run(folder, anchor, new LocalDisk());
  }

  static FsckReport run(Path folder, Optional<Path> anchor, Disk disk) throws IOException {
    Fsck fsck = new Fsck(disk, folder.toAbsolutePath(), anchor);
    fsck.checkAll();
    return new FsckReport(fsck.tree.size(), fsck.compared, fsck.problems, fsck.found, fsck.notes);
  }

  private void problem(String sentence) {
    found++;
    if (problems.size() < MOST_PROBLEMS) {
      problems.add(sentence);
    }
  }

  private void checkAll() throws IOException {
    compareCheckpoints();
    FrameReader frames = segments.begins(0) ? segments.from(0, 0, WINDOW) : null;
    long end = 0;
    while (frames != null) {
      long index = tree.size();
      long offset = frames.offset();
      Frame frame = frames.next();
      if (frame == null && offset > 0 && segments.begins(index)) {
        frames = segments.from(index, 0, WINDOW);
        continue;
      }
      if (frame == null) {
        end = offset;
        frames = index < promised ? behind(index, offset) : null;
        continue;
      }
      end = frames.offset();
      derived.checkOffset(index, offset, this::problem);
      rotations.check(index, frame.leaf(), this::problem);
      side.check(index, frame.leaf(), this::problem);
      add(Merkle.leaf(frame.leaf()));
    }
    checkEnd(end);
  }

  private void add(Hash leaf) throws IOException {
    derived.checkHash(tree.size(), leaf, this::problem);
    tree.add(leaf);
    compareCheckpoints();
    if (anchored.isPresent() && anchored.get().size() == tree.size()) {
      compare("the anchor", anchored.get());
    }
  }

  /// Goes on behind a leaf that cannot be read, with its hash as the tree has it.
  private @Nullable FrameReader behind(long index, long offset) throws IOException {
    problem(
        "leaf %d cannot be read at byte %d of %s".formatted(index, offset, segments.fileOf(index)));
    Optional<Hash> hash = derived.leaf(index);
    Optional<Integer> next =
        segments.begins(index + 1) ? Optional.of(0) : derived.offset(index + 1);
    if (hash.isEmpty() || next.isEmpty()) {
      return null;
    }
    add(hash.get());
    return segments.from(index + 1, next.get(), WINDOW);
  }

  private void compareCheckpoints() throws IOException {
    while (compared < checkpoints.count()) {
      Optional<Note> note = checkpoints.read(compared);
      if (note.isPresent()) {
        Checkpoint checkpoint = Checkpoint.parse(note.get().text());
        if (checkpoint.size() > tree.size()) {
          return;
        }
        if (checkpoint.size() < tree.size()) {
          problem(
              "checkpoint %d is of %d leaves, out of order".formatted(compared, checkpoint.size()));
        } else {
          compare("checkpoint " + compared, checkpoint);
        }
        if (!note.get().signedBy(keys.of(checkpoint.size()))) {
          problem("checkpoint %d is not signed by the key of its size".formatted(compared));
        }
      } else {
        problem("checkpoint %d cannot be read".formatted(compared));
      }
      compared++;
    }
  }

  private void compare(String who, Checkpoint checkpoint) {
    if (!checkpoint.root().equals(tree.root())) {
      problem(
          "%s has the root %s of %d leaves, which have %s"
              .formatted(who, checkpoint.root().base64(), checkpoint.size(), tree.root().base64()));
    }
  }

  private void checkEnd(long end) throws IOException {
    long size = tree.size();
    if (compared < checkpoints.count()) {
      problem(
          "%d checkpoints are of more leaves than the %d that can be read"
              .formatted(checkpoints.count() - compared, size));
    }
    if (size < promised) {
      problem("%d leaves were durable once, and only %d can be read".formatted(promised, size));
    }
    if (anchored.isPresent() && anchored.get().size() > size) {
      problem(
          "the anchor is of %d leaves, and the log has %d".formatted(anchored.get().size(), size));
    }
    if (checkpoints.torn()) {
      notes.add("the checkpoint behind the last was not written whole: a start drops it");
    }
    rotations.checkEnd(size, this::problem);
    try {
      long torn = segments.checkEnd(size, end);
      if (torn > 0) {
        notes.add(torn + " bytes behind the last leaf were never acknowledged: a start cuts them");
      }
    } catch (LedgerRefused e) {
      problem(e.getMessage() == null ? e.toString() : e.getMessage());
    }
  }
}
