package dev.tributary.server.schedule;

import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// A request with all but a few things left at their plainest.
record Requests(
    String tenant,
    int weight,
    Priority priority,
    int[] tokens,
    int maxTokens,
    int logitsFrom,
    boolean repeatable,
    @Nullable Scope scope,
    List<PathRun> paths) {
  static final Scope BASE = new Scope("public", "base", List.of());

  /// A prompt of `tokens` tokens, 0, 1, 2 and so on, that shares nothing.
  static Requests of(int tokens, int maxTokens) {
    return new Requests(
        "public",
        Request.DEFAULT_WEIGHT,
        Priority.NORMAL,
        IntStream.range(0, tokens).toArray(),
        maxTokens,
        tokens - 1,
        false,
        null,
        List.of());
  }

  Requests priority(Priority value) {
    return new Requests(
        tenant, weight, value, tokens, maxTokens, logitsFrom, repeatable, scope, paths);
  }

  Requests tenant(String value) {
    return new Requests(
        value, weight, priority, tokens, maxTokens, logitsFrom, repeatable, scope, paths);
  }

  Requests weight(int value) {
    return new Requests(
        tenant, value, priority, tokens, maxTokens, logitsFrom, repeatable, scope, paths);
  }

  Requests logitsFrom(int value) {
    return new Requests(
        tenant, weight, priority, tokens, maxTokens, value, repeatable, scope, paths);
  }

  Requests ofRepeatable() {
    return new Requests(
        tenant, weight, priority, tokens, maxTokens, logitsFrom, true, scope, paths);
  }

  /// Shares within `value`.
  Requests in(Scope value) {
    return new Requests(
        tenant, weight, priority, tokens, maxTokens, logitsFrom, repeatable, value, paths);
  }

  Requests adapter(String digest) {
    return in(new Scope(tenant, "base", List.of(new Scope.Adapter(digest, 0))));
  }

  Requests paths(PathRun... value) {
    return new Requests(
        tenant, weight, priority, tokens, maxTokens, logitsFrom, repeatable, scope, List.of(value));
  }

  Requests tokens(int... value) {
    return new Requests(
        tenant, weight, priority, value, maxTokens, value.length - 1, repeatable, scope, paths);
  }

  Sequence sequence(long id) {
    return new Sequence(
        new Request(
            id, tenant, weight, priority, tokens, maxTokens, logitsFrom, repeatable, scope, paths));
  }
}
