package dev.tributary.server.engine;

import java.time.Duration;

/// Why a job was not taken. Nothing has changed; no observer is called.
public abstract sealed class Rejection extends RuntimeException {
  private Rejection(String message) {
    super(message, null, false, false);
  }

  /// A value that the caller must change.
  public static final class InvalidField extends Rejection {
    private final String field;
    private final String description;

    /// @param field path in the request, as the API names it: `sampling.top_p`
    /// @param description what is wrong, to be read after the path: `is 2, must be ...`
    public InvalidField(String field, String description) {
      super(field + " " + description);
      this.field = field;
      this.description = description;
    }

    public String field() {
      return field;
    }

    public String description() {
      return description;
    }
  }

  /// The input leaves no room for a token in the context or in the cache of keys and values.
  public static final class PromptTooLong extends Rejection {
    private final int tokens;
    private final int limit;

    PromptTooLong(int tokens, int limit) {
      super("the input has " + tokens + " tokens, the limit is " + limit);
      this.tokens = tokens;
      this.limit = limit;
    }

    public int tokens() {
      return tokens;
    }

    /// Most tokens that an input may have.
    public int limit() {
      return limit;
    }
  }

  /// As many jobs wait as may.
  public static final class QueueFull extends Rejection {
    private final Duration retryAfter;

    QueueFull(int waiting, Duration retryAfter) {
      super(waiting + " requests are waiting, which is the limit");
      this.retryAfter = retryAfter;
    }

    public Duration retryAfter() {
      return retryAfter;
    }
  }

  /// As many jobs of the tenant wait as one tenant may have there; others may still come in.
  public static final class ShareFull extends Rejection {
    private final String tenant;
    private final Duration retryAfter;

    ShareFull(String tenant, Duration retryAfter) {
      super("as many requests of " + tenant + " are waiting as one tenant may have");
      this.tenant = tenant;
      this.retryAfter = retryAfter;
    }

    public String tenant() {
      return tenant;
    }

    public Duration retryAfter() {
      return retryAfter;
    }
  }

  /// The engine takes no more jobs: it drains, is closed or has failed.
  public static final class Draining extends Rejection {
    Draining() {
      super("the server is shutting down");
    }
  }
}
