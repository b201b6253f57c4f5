package dev.tributary.server.accounts;

import dev.tributary.record.AdapterUse;
import dev.tributary.record.EndReason;
import dev.tributary.record.GenerationRecord.Usage;
import dev.tributary.server.accounts.Generation.Attribution;
import dev.tributary.server.accounts.Generation.Share;
import dev.tributary.tlog.Hash;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/// Finds generations.
final class Generations {
  /// A row without what stands in other tables.
  private record Row(Generation generation, @Nullable Long attribution) {}

  private Generations() {}

  static Optional<Generation> byId(Session session, String tenant, String id) throws SQLException {
    return whole(
        session,
        session.one(
            "SELECT * FROM generations WHERE tenant = ? AND id = ? ORDER BY leaf LIMIT 1",
            Generations::row,
            tenant,
            id));
  }

  static Optional<Generation> byId(Session session, String id) throws SQLException {
    return whole(
        session,
        session.one(
            "SELECT * FROM generations WHERE id = ? ORDER BY leaf LIMIT 1", Generations::row, id));
  }

  /// Empty for an erased one.
  static Optional<Generation> byLeaf(Session session, long leaf) throws SQLException {
    return whole(
        session,
        session.one(
            "SELECT * FROM generations WHERE leaf = ? AND tenant IS NOT NULL",
            Generations::row,
            leaf));
  }

  static List<Generation> page(Session session, GenerationQuery query) throws SQLException {
    StringBuilder sql =
        new StringBuilder(
            "SELECT * FROM generations g"
                + " WHERE tenant = ? AND end_micros >= ? AND end_micros < ?");
    List<Object> arguments =
        new ArrayList<>(List.of(query.tenant(), query.fromMicros(), query.toMicros()));
    if (query.adapter().isPresent()) {
      sql.append(
          " AND EXISTS (SELECT 1 FROM adapters a WHERE a.name = ? AND a.generation = g.leaf)");
      arguments.add(query.adapter().get());
    }
    if (query.contributor().isPresent()) {
      sql.append(
          " AND EXISTS (SELECT 1 FROM shares s WHERE s.contributor = ? AND s.generation = g.leaf"
              + " AND s.attribution = g.attribution)"
              // Who has a share in another tenant's adapter is not this tenant's to know.
              + " AND NOT EXISTS (SELECT 1 FROM adapters a WHERE a.generation = g.leaf"
              + " AND a.tenant <> g.tenant)");
      arguments.add(query.contributor().get());
    }
    if (query.after().isPresent()) {
      sql.append(" AND (end_micros < ? OR (end_micros = ? AND leaf < ?))");
      long micros = query.after().get().endMicros();
      arguments.addAll(List.of(micros, micros, query.after().get().leaf()));
    }
    sql.append(" ORDER BY end_micros DESC, leaf DESC LIMIT ?");
    arguments.add(query.limit());
    List<Generation> page = new ArrayList<>();
    for (Row row : session.all(sql.toString(), Generations::row, arguments.toArray())) {
      page.add(whole(session, row));
    }
    return page;
  }

  static List<OpenGeneration> open(Session session) throws SQLException {
    return session.all(
        "SELECT * FROM started ORDER BY leaf",
        row ->
            new OpenGeneration(
                row.getLong("leaf"),
                row.getString("id"),
                row.getString("tenant"),
                row.getLong("micros")));
  }

  private static Row row(ResultSet row) throws SQLException {
    Long settlement = Session.optionalLong(row, "settlement");
    return new Row(
        new Generation(
            row.getLong("leaf"),
            row.getString("id"),
            row.getString("tenant"),
            Optional.ofNullable(row.getString("base")).map(Hash::ofText),
            List.of(),
            EndReason.valueOf(row.getString("ended")),
            new Usage(row.getInt("prompt"), row.getInt("cached"), row.getInt("completion")),
            row.getLong("started_leaf"),
            row.getLong("start_micros"),
            row.getLong("end_micros"),
            Optional.empty(),
            settlement == null ? OptionalLong.empty() : OptionalLong.of(settlement)),
        Session.optionalLong(row, "attribution"));
  }

  private static Optional<Generation> whole(Session session, Optional<Row> row)
      throws SQLException {
    return row.isPresent() ? Optional.of(whole(session, row.get())) : Optional.empty();
  }

  private static Generation whole(Session session, Row row) throws SQLException {
    Generation found = row.generation;
    List<AdapterUse> adapters =
        session.all(
            "SELECT * FROM adapters WHERE generation = ? ORDER BY position",
            each ->
                new AdapterUse(
                    each.getString("name"),
                    each.getInt("number"),
                    Hash.ofText(each.getString("digest")),
                    Float.intBitsToFloat(each.getInt("scale_bits"))),
            found.leaf());
    return new Generation(
        found.leaf(),
        found.id(),
        found.tenant(),
        found.base(),
        adapters,
        found.end(),
        found.usage(),
        found.startedLeaf(),
        found.startMicros(),
        found.endMicros(),
        row.attribution == null ? Optional.empty() : attribution(session, row.attribution),
        found.settlement());
  }

  private static Optional<Attribution> attribution(Session session, long leaf) throws SQLException {
    List<Share> shares =
        session.all(
            "SELECT * FROM shares WHERE attribution = ? ORDER BY position",
            row ->
                new Share(
                    row.getString("contributor"), row.getInt("ppm"), row.getLong("paid") != 0),
            leaf);
    return session.one(
        "SELECT * FROM attributions WHERE leaf = ?",
        row ->
            new Attribution(
                leaf,
                row.getString("method"),
                shares,
                row.getInt("base_ppm"),
                row.getInt("unattributed_ppm")),
        leaf);
  }
}
