package dev.tributary.server.accounts;

import org.jspecify.annotations.Nullable;

/// Says why the accounts were not read, or nothing was recorded.
public final class AccountsException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /// Why.
  public sealed interface Reason {
    /// A sentence without a full stop.
    String message();
  }

  /// The database can't be used now, or is another log's.
  public record Unavailable(String detail) implements Reason {
    @Override
    public String message() {
      return detail;
    }
  }

  /// What was asked for can't be done as things are; nothing was recorded.
  public record Refused(String detail) implements Reason {
    @Override
    public String message() {
      return detail;
    }
  }

  private final transient Reason reason;

  AccountsException(Reason reason) {
    this(reason, null);
  }

  AccountsException(Reason reason, @Nullable Throwable cause) {
    super(reason.message(), cause);
    this.reason = reason;
  }

  static AccountsException refused(String detail) {
    return new AccountsException(new Refused(detail));
  }

  public Reason reason() {
    return reason;
  }
}
