package dev.tributary.server.train;

import com.fasterxml.jackson.core.JacksonException;
import dev.tributary.identity.AdapterDigest;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// Finished adapters: the folder `result` of a member, which is there whole or not at all.
final class Results {
  static final String FOLDER = "result";
  private static final String UNFINISHED = "result.tmp";

  private static final int MOST_REPORT = 1 << 26;

  private final Disk disk;

  Results(Disk disk) {
    this.disk = disk;
  }

  /// What was stored of a member; null if it has not finished.
  ///
  /// @throws RunException if it is another run's, or damaged
  Outcome.@Nullable Trained find(Member member, RunIdentity identity, Path folder)
      throws IOException {
    Path result = folder.resolve(FOLDER);
    if (!disk.exists(result)) {
      return null;
    }
    try (InputStream in = disk.open(result.resolve(TrainingReport.FILE))) {
      TrainingReport report = Json.read(in.readNBytes(MOST_REPORT), TrainingReport.class);
      Checkpoints.requireSame(member.name(), report.identity(), identity);
      String digest = AdapterDigest.of(result);
      if (!digest.equals(report.adapterDigest())) {
        throw corrupt(member, "the adapter's digest is " + digest);
      }
      return new Outcome.Trained(member.name(), result, report);
    } catch (JacksonException e) {
      throw corrupt(member, e.getOriginalMessage());
    }
  }

  private static RunException corrupt(Member member, String detail) {
    return new RunException(new RunRefusal.Corrupt(member.name() + "/" + FOLDER, detail));
  }

  /// Stores an adapter and its report.
  ///
  /// @param report made of the adapter's digest
  Outcome.Trained store(
      String member, PeftWriter adapter, Function<String, TrainingReport> report, Path folder)
      throws IOException {
    Path unfinished = folder.resolve(UNFINISHED);
    clear(unfinished);
    disk.makeFolder(unfinished);
    write(unfinished.resolve(AdapterDigest.CONFIG_FILE), out -> out.write(adapter.config()));
    write(unfinished.resolve(AdapterDigest.WEIGHTS_FILE), adapter::weights);
    TrainingReport made = report.apply(AdapterDigest.of(unfinished));
    write(unfinished.resolve(TrainingReport.FILE), out -> out.write(Json.lines(made)));
    disk.sync(unfinished);
    Path result = folder.resolve(FOLDER);
    disk.rename(unfinished, result);
    disk.sync(folder);
    return new Outcome.Trained(member, result, made);
  }

  private interface Content {
    void write(OutputStream out) throws IOException;
  }

  private void write(Path file, Content content) throws IOException {
    try (OutputStream out = disk.create(file)) {
      content.write(out);
    }
    disk.sync(file);
  }

  private void clear(Path folder) throws IOException {
    if (disk.exists(folder)) {
      for (Path file : disk.entries(folder)) {
        disk.delete(file);
      }
      disk.delete(folder);
    }
  }
}
