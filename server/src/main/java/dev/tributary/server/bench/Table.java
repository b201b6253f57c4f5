package dev.tributary.server.bench;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/// Figures in columns for people: the first column to the left, the others to the right.
final class Table {
  private static final String GAP = "  ";

  private final List<List<String>> lines = new ArrayList<>();
  private final int columns;

  Table(String... header) {
    columns = header.length;
    lines.add(List.of(header));
  }

  /// One cell for each column of the header.
  Table add(String... cells) {
    if (cells.length != columns) {
      throw new IllegalArgumentException(cells.length + " cells in " + columns + " columns");
    }
    lines.add(List.of(cells));
    return this;
  }

  String text() {
    List<Integer> widths = new ArrayList<>(Collections.nCopies(columns, 0));
    for (List<String> line : lines) {
      for (int i = 0; i < columns; i++) {
        widths.set(i, Math.max(widths.get(i), line.get(i).length()));
      }
    }
    StringBuilder text = new StringBuilder();
    for (List<String> line : lines) {
      StringBuilder row = new StringBuilder();
      for (int i = 0; i < columns; i++) {
        String pad = " ".repeat(widths.get(i) - line.get(i).length());
        row.append(i == 0 ? line.get(i) + pad : GAP + pad + line.get(i));
      }
      text.append(row.toString().stripTrailing()).append(System.lineSeparator());
    }
    return text.toString();
  }
}
