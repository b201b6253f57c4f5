package dev.tributary.server.train;

/// A setting of a run is out of its range, or does not fit the base.
public final class InvalidSettingException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  private final String field;

  /// @param field as the API names it, such as `learning_rate`
  InvalidSettingException(String field, String reason) {
    super(field + " " + reason);
    this.field = field;
  }

  /// As the API names it.
  public String field() {
    return field;
  }

  static void require(boolean holds, String field, Object value, String range) {
    if (!holds) {
      throw new InvalidSettingException(field, "is " + value + ", must be " + range);
    }
  }
}
