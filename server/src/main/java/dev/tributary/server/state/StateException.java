package dev.tributary.server.state;

import org.jspecify.annotations.Nullable;

/// Says why the state was not read or not changed. Nothing was changed.
public final class StateException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /// Why. Kinds are `tenant`, `key`, `adapter`, `version`, `alias`, `upload`, `contribution`, `run`
  /// and `request`.
  public sealed interface Reason {
    /// A sentence without a full stop.
    String message();
  }

  /// There is no such thing.
  ///
  /// @param name as the caller gave it, or `tenant/name`
  public record NotFound(String kind, String name) implements Reason {
    @Override
    public String message() {
      return "there is no " + kind + " " + name;
    }
  }

  /// The name is taken.
  public record AlreadyExists(String kind, String name) implements Reason {
    @Override
    public String message() {
      return kind + " " + name + " exists already";
    }
  }

  /// The name was another's, whose records are still known by it.
  public record WasThere(String kind, String name) implements Reason {
    @Override
    public String message() {
      return kind + " " + name + " was deleted, and its name is not given again";
    }
  }

  /// The stored etag is not the expected one.
  ///
  /// @param current the stored etag; empty where a given one can't match since there is none
  public record EtagMismatch(String kind, String name, String current) implements Reason {
    @Override
    public String message() {
      return kind + " " + name + " was changed by somebody else";
    }
  }

  /// It can't go while something leads to it.
  ///
  /// @param by what uses it: `alias prod`, `3 adapters`
  public record InUse(String kind, String name, String by) implements Reason {
    @Override
    public String message() {
      return kind + " " + name + " is in use by " + by;
    }
  }

  /// A limit would be passed.
  ///
  /// @param quota as the contract's Quota calls it (`adapters`, `adapter_bytes`), or `aliases`,
  ///   `uploads`, `queued_runs`
  /// @param used before the refused change
  public record OverQuota(String quota, long limit, long used) implements Reason {
    @Override
    public String message() {
      return "quota " + quota + " is " + limit + ", " + used + " are used";
    }
  }

  /// The file is not what was written.
  public record Corrupt(String detail) implements Reason {
    @Override
    public String message() {
      return detail;
    }
  }

  /// It can't be opened, read or written now: another process has it, the disk is full.
  public record Unavailable(String detail) implements Reason {
    @Override
    public String message() {
      return detail;
    }
  }

  private final transient Reason reason;

  StateException(Reason reason) {
    this(reason, null);
  }

  StateException(Reason reason, @Nullable Throwable cause) {
    super(reason.message(), cause);
    this.reason = reason;
  }

  public Reason reason() {
    return reason;
  }
}
