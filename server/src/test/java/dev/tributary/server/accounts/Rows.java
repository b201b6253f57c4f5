package dev.tributary.server.accounts;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// Every row of every table, as text, to compare two databases, which may be of two makes.
final class Rows {
  private Rows() {}

  static Map<String, List<String>> of(String url) throws SQLException {
    Map<String, List<String>> tables = new TreeMap<>();
    try (Connection connection = DriverManager.getConnection(url);
        Statement statement = connection.createStatement()) {
      for (String table : Schema.names()) {
        List<String> rows = new ArrayList<>();
        try (ResultSet row = statement.executeQuery("SELECT * FROM " + table)) {
          int columns = row.getMetaData().getColumnCount();
          while (row.next()) {
            StringBuilder text = new StringBuilder();
            for (int i = 1; i <= columns; i++) {
              text.append(row.getMetaData().getColumnName(i)).append('=');
              text.append(row.getObject(i)).append(' ');
            }
            rows.add(text.toString());
          }
        }
        tables.put(table, rows.stream().sorted().toList());
      }
    }
    return tables;
  }
}
