package dev.tributary.server.train;

import dev.tributary.server.state.Contribution;
import dev.tributary.server.state.Contributions;
import dev.tributary.tlog.Hash;
import dev.tributary.tlog.Merkle;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Finds the examples of runs: in what a caller sends, or in what is kept of it.
final class RunExamples {
  /// Of one run: a manifest has no more.
  private static final int MOST = Contributions.MAX_MANIFEST;

  private final RunFiles files;
  private final Contributions contributions;
  private final ExampleTokens encoder;

  /// Contributions in the order of a manifest, with the lines that are kept of them.
  private static final class Chosen {
    private final List<String> ids = new ArrayList<>();
    private final ByteArrayOutputStream lines = new ByteArrayOutputStream();
    private long withdrawn;

    void add(String id, byte[] line) {
      ids.add(id);
      lines.writeBytes(line);
      lines.write('\n');
    }
  }

  RunExamples(RunFiles files, Contributions contributions, ExampleTokens encoder) {
    this.files = files;
    this.contributions = contributions;
    this.encoder = encoder;
  }

  /// @throws DataException if they cannot be trained on
  Dataset read(byte[] lines, RunSettings settings, ContributionReader.Exclusion exclusion) {
    DataLimits all = DataLimits.of(settings.maxExampleTokens());
    DataLimits limits =
        new DataLimits(all.lineBytes(), MOST, all.tokens(), settings.maxExampleTokens());
    try {
      return ContributionReader.read(new ByteArrayInputStream(lines), encoder, limits, exclusion);
    } catch (IOException e) {
      throw unreadable(e);
    }
  }

  /// What a caller sends.
  ///
  /// @throws DataException if it cannot be trained on
  RunSource sent(byte[] data, RunSettings settings, ContributionReader.Exclusion exclusion) {
    Dataset dataset = read(data, settings, exclusion);
    Set<Long> examples = new HashSet<>();
    dataset.examples().forEach(example -> examples.add(example.line()));
    ByteArrayOutputStream lines = new ByteArrayOutputStream();
    List<byte[]> all = lines(data);
    for (int i = 0; i < all.size(); i++) {
      if (examples.contains(i + 1L)) {
        lines.writeBytes(all.get(i));
        lines.write('\n');
      }
    }
    return new RunSource("", List.of(), lines.toByteArray(), dataset);
  }

  boolean isKept(String tenant, String manifest) throws IOException {
    return files.kept(tenant, manifest).isPresent();
  }

  /// A manifest, without what was withdrawn: then it is another one.
  ///
  /// @throws TrainingException if its examples are not kept
  /// @throws DataException if nothing is left, or cannot be trained on under these settings
  RunSource ofManifest(String tenant, String manifest, RunSettings settings) throws IOException {
    List<Contribution> all = contributions.manifest(tenant, manifest);
    if (all.isEmpty()) {
      throw new TrainingException(new TrainingRefusal.NoManifest(manifest));
    }
    List<byte[]> lines = kept(tenant, manifest, all.size());
    Chosen chosen = new Chosen();
    for (int i = 0; i < all.size(); i++) {
      if (all.get(i).withdrawn() == null) {
        chosen.add(all.get(i).id(), lines.get(i));
      } else {
        chosen.withdrawn++;
      }
    }
    return source(chosen, settings);
  }

  /// Contributions by their ids, without those that were withdrawn.
  ///
  /// @param ids of this tenant's, each once
  /// @throws dev.tributary.server.state.StateException NotFound, of the first that is not there
  /// @throws TrainingException if the example of one is not kept
  /// @throws DataException if nothing is left, or cannot be trained on under these settings
  RunSource ofContributions(String tenant, List<String> ids, RunSettings settings)
      throws IOException {
    Map<String, byte[]> known = new HashMap<>();
    Set<String> looked = new HashSet<>();
    Chosen chosen = new Chosen();
    for (String id : ids) {
      if (contributions.require(tenant, id).withdrawn() != null) {
        chosen.withdrawn++;
        continue;
      }
      if (!known.containsKey(id)) {
        for (String manifest : contributions.manifestsOf(tenant, id)) {
          if (looked.add(manifest)) {
            collect(tenant, manifest, known);
          }
        }
      }
      byte[] line = known.get(id);
      if (line == null) {
        throw new TrainingException(new TrainingRefusal.NotKept("contribution " + id));
      }
      chosen.add(id, line);
    }
    return source(chosen, settings);
  }

  /// Adds the lines of a manifest, by contribution, if they are kept.
  private void collect(String tenant, String manifest, Map<String, byte[]> known)
      throws IOException {
    if (files.kept(tenant, manifest).isEmpty()) {
      return;
    }
    List<Contribution> all = contributions.manifest(tenant, manifest);
    List<byte[]> lines = kept(tenant, manifest, all.size());
    for (int i = 0; i < all.size(); i++) {
      known.put(all.get(i).id(), lines.get(i));
    }
  }

  /// Empties the lines that are kept of a manifest's withdrawn contributions. Durable on return;
  /// changes nothing where nothing of them is kept.
  void forgetWithdrawn(String tenant, String manifest) throws IOException {
    if (contributions.withdrawnOf(tenant, manifest) == 0
        || files.kept(tenant, manifest).isEmpty()) {
      return;
    }
    List<Contribution> all = contributions.manifest(tenant, manifest);
    List<byte[]> lines = kept(tenant, manifest, all.size());
    ByteArrayOutputStream left = new ByteArrayOutputStream();
    boolean changed = false;
    for (int i = 0; i < all.size(); i++) {
      if (all.get(i).withdrawn() == null) {
        left.writeBytes(lines.get(i));
      } else {
        changed |= lines.get(i).length > 0;
      }
      left.write('\n');
    }
    if (changed) {
      files.replace(tenant, manifest, left.toByteArray());
    }
  }

  private List<byte[]> kept(String tenant, String manifest, int count) throws IOException {
    byte[] bytes =
        files
            .kept(tenant, manifest)
            .orElseThrow(
                () -> new TrainingException(new TrainingRefusal.NotKept("manifest " + manifest)));
    List<byte[]> lines = lines(bytes);
    if (lines.size() != count) {
      throw new IOException(
          "manifest %s has %d contributions, %d lines are kept"
              .formatted(manifest, count, lines.size()));
    }
    return lines;
  }

  private RunSource source(Chosen chosen, RunSettings settings) {
    if (chosen.ids.isEmpty()) {
      throw new DataException(new DataRefusal.NoExamples(chosen.withdrawn));
    }
    byte[] lines = chosen.lines.toByteArray();
    Dataset read = read(lines, settings, ContributionReader.Exclusion.NONE);
    String manifest = Merkle.root(chosen.ids.stream().map(Hash::ofText).toList()).text();
    return new RunSource(
        manifest,
        chosen.ids,
        lines,
        new Dataset(read.examples(), read.report().plus(chosen.withdrawn)));
  }

  private static List<byte[]> lines(byte[] bytes) {
    List<byte[]> all = new ArrayList<>();
    Lines lines = new Lines(new ByteArrayInputStream(bytes), Integer.MAX_VALUE);
    try {
      for (byte[] line = lines.next(); line != null; line = lines.next()) {
        all.add(line);
      }
    } catch (IOException e) {
      throw unreadable(e);
    }
    return all;
  }

  private static UncheckedIOException unreadable(IOException e) {
    return new UncheckedIOException("bytes in memory cannot be read", e);
  }
}
