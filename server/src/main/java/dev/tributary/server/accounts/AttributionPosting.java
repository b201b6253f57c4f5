package dev.tributary.server.accounts;

import dev.tributary.record.AdapterBuildRecord.Provenance;
import dev.tributary.record.AttributionRecord;
import dev.tributary.record.CorrectionRecord;
import dev.tributary.record.Pseudonym;
import dev.tributary.record.Shares;
import dev.tributary.record.Shares.Share;
import java.sql.SQLException;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Posts whose data generations are credited to.
final class AttributionPosting {
  /// What is known of a generation when something is said of it.
  ///
  /// @param erased there is nothing to be known of it but its leaf
  private record Subject(@Nullable Long attribution, boolean settled, boolean erased) {}

  /// A version that answered, as it was built before.
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Built(
      String tenant, String digest, Provenance provenance, String method, byte[] pseudonymKey) {
    boolean calls(String contributor, Pseudonym pseudonym) {
      return Pseudonym.of(pseudonymKey, contributor).equals(pseudonym);
    }

    /// A version that is only claimed pays nobody, and the method is the one that it was built for:
    /// neither who pays nor the operator chooses it for an answer.
    boolean pays(String by) {
      return provenance != Provenance.CLAIMED && (by.equals(method) || by.equals(CORRECTION));
    }
  }

  /// Stands in the place of a method.
  private static final String CORRECTION = "correction";

  private final Session session;

  AttributionPosting(Session session) {
    this.session = session;
  }

  /// Counts if it is the first.
  ///
  /// @param names of the contributors, in the order of the shares; empty if they are erased
  void attribution(long leaf, AttributionRecord.Open open, Optional<List<String>> names)
      throws SQLException {
    long generation = open.generationLeaf();
    remark(generation, leaf);
    Optional<Subject> subject = subject(generation);
    if (subject.isPresent() && subject.get().attribution == null) {
      // A record that pretends to be a correction is by no method.
      String method = open.method().equals(CORRECTION) ? "" : open.method();
      count(leaf, generation, method, open.shares(), names, subject.get());
    }
  }

  /// Counts if it replaces what counts, before the generation is settled.
  void correction(long leaf, CorrectionRecord.Open open, Optional<List<String>> names)
      throws SQLException {
    long generation = open.generationLeaf();
    remark(generation, leaf);
    Optional<Subject> subject = subject(generation);
    if (subject.isPresent()
        && !subject.get().settled
        && Objects.equals(subject.get().attribution, open.attributionLeaf())) {
      count(leaf, generation, CORRECTION, open.shares(), names, subject.get());
    }
  }

  /// Remembers that a leaf is about a generation, so that it can be erased with it, or after it.
  void remark(long generation, long leaf) throws SQLException {
    Long erasure =
        session
            .one(
                "SELECT erasure FROM generations WHERE leaf = ?",
                row -> Optional.ofNullable(Session.optionalLong(row, "erasure")),
                generation)
            .flatMap(found -> found)
            .orElse(null);
    session.run(
        "INSERT INTO remarks (leaf, generation, erasure) VALUES (?, ?, ?)",
        leaf,
        generation,
        erasure);
  }

  private Optional<Subject> subject(long generation) throws SQLException {
    return session.one(
        "SELECT attribution, settlement, tenant FROM generations WHERE leaf = ?",
        row ->
            new Subject(
                Session.optionalLong(row, "attribution"),
                Session.optionalLong(row, "settlement") != null,
                row.getString("tenant") == null),
        generation);
  }

  private void count(
      long leaf,
      long generation,
      String method,
      Shares said,
      Optional<List<String>> names,
      Subject subject)
      throws SQLException {
    Shares shares = said.sum() == Shares.WHOLE ? said : Shares.unattributed();
    session.run(
        """
        INSERT INTO attributions (leaf, generation, method, base_ppm, unattributed_ppm)
        VALUES (?, ?, ?, ?, ?)""",
        leaf,
        generation,
        method,
        shares.basePpm(),
        shares.unattributedPpm());
    session.run("UPDATE generations SET attribution = ? WHERE leaf = ?", leaf, generation);
    if (names.isPresent() && !subject.erased) {
      share(leaf, generation, method, shares.shares(), names.get());
    }
  }

  private void share(
      long leaf, long generation, String method, List<Share> shares, List<String> names)
      throws SQLException {
    List<Built> builds = shares.isEmpty() ? List.of() : builds(generation);
    for (int i = 0; i < shares.size(); i++) {
      String name = names.get(i);
      Pseudonym pseudonym = shares.get(i).contributor();
      Built built =
          builds.stream().filter(each -> each.calls(name, pseudonym)).findFirst().orElse(null);
      session.run(
          """
          INSERT INTO shares (attribution, position, generation, tenant, contributor, ppm, digest,
            paid) VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
          leaf,
          i,
          generation,
          built == null ? null : built.tenant,
          name,
          shares.get(i).ppm(),
          built == null ? null : built.digest,
          built != null && built.pays(method));
    }
  }

  /// Of the adapters that made the answer: those which were recorded before it.
  private List<Built> builds(long generation) throws SQLException {
    return session.all(
        """
        SELECT b.tenant, b.digest, b.provenance, b.method, b.pseudonym_key
        FROM adapters a JOIN builds b ON b.tenant = a.tenant AND b.digest = a.digest
        WHERE a.generation = ? AND b.leaf < a.generation
        ORDER BY a.position, b.leaf""",
        row ->
            new Built(
                row.getString("tenant"),
                row.getString("digest"),
                Provenance.valueOf(row.getString("provenance")),
                row.getString("method"),
                HexFormat.of().parseHex(row.getString("pseudonym_key"))),
        generation);
  }
}
