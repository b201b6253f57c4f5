package dev.tributary.server.state;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Rows of aliases and their targets.
final class AliasTable {
  static final String KIND = "alias";

  /// One row per target, by alias and number.
  private static final String SELECT =
      """
      SELECT a.alias, a.shadow_number, a.shadow_ppm, a.etag, t.number, t.weight
      FROM aliases a JOIN alias_targets t USING (tenant, name, alias)
      WHERE a.tenant = ? AND a.name = ?\s""";

  private static final String ORDER = "ORDER BY a.alias, t.number";

  private record Line(
      String alias, AliasRecord.@Nullable Shadow shadow, String etag, AliasRecord.Target target) {}

  private AliasTable() {}

  static String label(AdapterName adapter, String alias) {
    return alias + " of " + adapter;
  }

  static List<AliasRecord> all(Session session, AdapterName adapter) throws SQLException {
    return join(session.all(SELECT + ORDER, AliasTable::line, adapter.tenant(), adapter.name()));
  }

  static Optional<AliasRecord> find(Session session, AdapterName adapter, String alias)
      throws SQLException {
    return join(
            session.all(
                SELECT + "AND a.alias = ? " + ORDER,
                AliasTable::line,
                adapter.tenant(),
                adapter.name(),
                alias))
        .stream()
        .findFirst();
  }

  static int count(Session session, AdapterName adapter) throws SQLException {
    return (int)
        session.number(
            "SELECT count(*) FROM aliases WHERE tenant = ? AND name = ?",
            adapter.tenant(),
            adapter.name());
  }

  /// Stores an alias in the place of one of its name.
  static void store(Session session, AdapterName adapter, AliasRecord alias) throws SQLException {
    delete(session, adapter, alias.name());
    AliasRecord.@Nullable Shadow shadow = alias.shadow();
    session.run(
        """
        INSERT INTO aliases (tenant, name, alias, shadow_number, shadow_ppm, etag)
        VALUES (?, ?, ?, ?, ?, ?)""",
        adapter.tenant(),
        adapter.name(),
        alias.name(),
        shadow == null ? null : shadow.number(),
        shadow == null ? null : shadow.sharePpm(),
        alias.etag());
    for (AliasRecord.Target target : alias.targets()) {
      session.run(
          """
          INSERT INTO alias_targets (tenant, name, alias, number, weight)
          VALUES (?, ?, ?, ?, ?)""",
          adapter.tenant(),
          adapter.name(),
          alias.name(),
          target.number(),
          target.weight());
    }
  }

  static void delete(Session session, AdapterName adapter, String alias) throws SQLException {
    session.run(
        "DELETE FROM aliases WHERE tenant = ? AND name = ? AND alias = ?",
        adapter.tenant(),
        adapter.name(),
        alias);
  }

  /// An alias that leads to a version, or shadows with it.
  static Optional<String> to(Session session, AdapterName adapter, int number) throws SQLException {
    return all(session, adapter).stream()
        .filter(
            alias ->
                (alias.shadow() != null && alias.shadow().number() == number)
                    || alias.targets().stream().anyMatch(target -> target.number() == number))
        .map(AliasRecord::name)
        .findFirst();
  }

  private static Line line(ResultSet row) throws SQLException {
    Integer shadow = Session.optionalInt(row, "shadow_number");
    return new Line(
        row.getString("alias"),
        shadow == null ? null : new AliasRecord.Shadow(shadow, row.getInt("shadow_ppm")),
        row.getString("etag"),
        new AliasRecord.Target(row.getInt("number"), row.getInt("weight")));
  }

  /// @param lines those of an alias together
  private static List<AliasRecord> join(List<Line> lines) {
    Map<String, List<Line>> aliases = new LinkedHashMap<>();
    for (Line line : lines) {
      aliases.computeIfAbsent(line.alias(), name -> new ArrayList<>()).add(line);
    }
    return aliases.values().stream()
        .map(
            of -> {
              Line first = of.getFirst();
              return new AliasRecord(
                  first.alias(),
                  of.stream().map(Line::target).toList(),
                  first.shadow(),
                  first.etag());
            })
        .toList();
  }
}
