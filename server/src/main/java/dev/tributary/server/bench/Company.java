package dev.tributary.server.bench;

/// Which adapters the rows of a step carry.
enum Company {
  NONE("none"),
  ONE("one LoRA"),
  DIFFERENT("a LoRA each");

  private final String text;

  Company(String text) {
    this.text = text;
  }

  /// As the tables say it.
  String text() {
    return text;
  }

  /// Distinct adapters among so many rows.
  int distinct(int rows) {
    return switch (this) {
      case NONE -> 0;
      case ONE -> 1;
      case DIFFERENT -> rows;
    };
  }
}
