package dev.tributary.server.attribution;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.tributary.tlog.Hash;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/// What answers of one adapter version are looked up in: a folder with a description and two files,
/// known by the SHA-256 of all three. Thread safe.
public final class VersionIndex {
  /// With its version, as records name it.
  public static final String METHOD = "ridge-v1";

  /// Its presence says that the index is whole.
  static final String ABOUT = "index.json";

  static final String SPANS = "spans.bin";
  static final String TABLE = "ridge.bin";

  private static final List<String> FILES = List.of(ABOUT, SPANS, TABLE);
  private static final int CHUNK = 1 << 20;

  private static final JsonMapper JSON =
      JsonMapper.builder()
          .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES)
          .enable(SerializationFeature.INDENT_OUTPUT)
          .build();

  private final About about;
  private final SpanIndex spans;
  private final RidgeTable table;
  private final Hash digest;

  /// @param adapter digest of the version, `sha256:<hex>`
  /// @param base digest of the base
  /// @param manifest digest of what it was trained on
  /// @param lambda of the regression
  /// @param threshold of scores, in 2^-20
  /// @param clusters in the order of the table
  public record About(
      String method,
      String adapter,
      String base,
      String manifest,
      SketchForm sketch,
      double lambda,
      int threshold,
      int decoys,
      List<Cluster> clusters) {
    public About {
      clusters = List.copyOf(clusters);
    }

    /// What an AdapterBuild record says of the method's parameters.
    public String thresholds() {
      return "score %d/2^20, lambda %s, layers from %d, %d values a pair, %d decoys"
          .formatted(threshold, lambda, sketch.lowestLayer(), sketch.values(), decoys);
    }
  }

  private VersionIndex(About about, SpanIndex spans, RidgeTable table, Hash digest) {
    this.about = about;
    this.spans = spans;
    this.table = table;
    this.digest = digest;
  }

  /// Writes what [#open] reads; the folder exists, and nobody reads it yet.
  static void write(Path folder, About about, SpanIndexBuilder spans, RidgeTable table)
      throws IOException {
    spans.write(folder.resolve(SPANS));
    table.write(folder.resolve(TABLE));
    Files.write(folder.resolve(ABOUT), JSON.writeValueAsBytes(about));
  }

  /// Whether a folder has an index.
  public static boolean isIn(Path folder) {
    return Files.exists(folder.resolve(ABOUT));
  }

  /// @throws IOException if the folder has no index, or a damaged one
  public static VersionIndex open(Path folder) throws IOException {
    About about = JSON.readValue(folder.resolve(ABOUT).toFile(), About.class);
    if (!about.method.equals(METHOD)) {
      throw new IOException(folder + " is an index of " + about.method + ", not of " + METHOD);
    }
    SpanIndex spans = SpanIndex.open(folder.resolve(SPANS));
    RidgeTable table = RidgeTable.open(folder.resolve(TABLE));
    if (table.clusters() != about.clusters.size()) {
      throw new IOException(
          "%s describes %d clusters and has %d"
              .formatted(folder, about.clusters.size(), table.clusters()));
    }
    return new VersionIndex(about, spans, table, digest(folder));
  }

  private static Hash digest(Path folder) throws IOException {
    StringBuilder lines = new StringBuilder();
    for (String name : FILES) {
      MessageDigest file = sha256();
      try (var in = Files.newInputStream(folder.resolve(name))) {
        byte[] chunk = new byte[CHUNK];
        for (int read = in.read(chunk); read >= 0; read = in.read(chunk)) {
          file.update(chunk, 0, read);
        }
      }
      lines.append(HexFormat.of().formatHex(file.digest())).append("  ");
      lines.append(name).append('\n');
    }
    return Hash.sha256(lines.toString().getBytes(UTF_8));
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java platform has SHA-256", e);
    }
  }

  public About about() {
    return about;
  }

  /// Over the SHA-256 of each file, as AdapterBuild records bind it.
  public Hash digest() {
    return digest;
  }

  /// Bytes in memory, without what is mapped.
  public long bytes() {
    return table.bytes();
  }

  SpanIndex spans() {
    return spans;
  }

  RidgeTable table() {
    return table;
  }
}
