package dev.tributary.server.train;

/// A setting of a run is out of its range, or does not fit the base.
public final class InvalidSettingException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  private final String field;
  private final String reason;

  /// @param field as the API names it, such as `learning_rate`
  InvalidSettingException(String field, String reason) {
    super(field + " " + reason);
    this.field = field;
    this.reason = reason;
  }

  /// As the API names it.
  public String field() {
    return field;
  }

  /// What is wrong, to be read after the field's name.
  public String reason() {
    return reason;
  }

  static void require(boolean holds, String field, Object value, String range) {
    if (!holds) {
      throw new InvalidSettingException(field, "is " + value + ", must be " + range);
    }
  }
}
