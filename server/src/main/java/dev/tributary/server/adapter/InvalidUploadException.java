package dev.tributary.server.adapter;

/// What a caller sent cannot be a version's files; [#field] says which part of it.
/// INVALID_ARGUMENT.
public final class InvalidUploadException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String field;
  private final String description;

  InvalidUploadException(String field, String description) {
    super(field + ": " + description);
    this.field = field;
    this.description = description;
  }

  /// Path of the request's field, such as `header.files[2].name`.
  public String field() {
    return field;
  }

  /// What is wrong with it.
  public String description() {
    return description;
  }
}
