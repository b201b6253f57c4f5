package dev.tributary.server.train;

/// Why what is stored of a run cannot be gone on with.
public sealed interface RunRefusal {
  /// For the operator.
  String message();

  /// It is another run's.
  ///
  /// @param member its name
  /// @param what differs: `settings`, `data`, `base` or `numerics`
  record OtherRun(String member, String what, String stored, String asked) implements RunRefusal {
    @Override
    public String message() {
      return "%s was begun with other %s: %s, not %s".formatted(member, what, stored, asked);
    }
  }

  /// Its bytes are not those that were written.
  ///
  /// @param file relative to the run's folder
  record Corrupt(String file, String detail) implements RunRefusal {
    @Override
    public String message() {
      return file + " is damaged: " + detail + "; delete it to begin anew";
    }
  }
}
