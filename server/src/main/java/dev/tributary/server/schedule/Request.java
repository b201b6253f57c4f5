package dev.tributary.server.schedule;

import java.util.List;
import org.jspecify.annotations.Nullable;

/// What is to be computed for somebody.
///
/// @param id not in use
/// @param weight the tenant's share of the machine under load, relative to others', in [1, 1000]
/// @param tokens ids of the prompt, at least one
/// @param maxTokens most tokens that will be generated; 0 where only the prompt is wanted
/// @param logitsFrom index of the first token whose logits are wanted: no earlier token needs to be
///   computed if the prefix cache has it
/// @param repeatable the paths must not depend on the company: fixed chunks for the prompt, the
///   narrow path for what is generated
/// @param scope whose prefixes it may share; null shares none
/// @param paths that the first tokens must take: of a record that is followed
public record Request(
    long id,
    String tenant,
    int weight,
    Priority priority,
    int[] tokens,
    int maxTokens,
    int logitsFrom,
    boolean repeatable,
    @Nullable Scope scope,
    List<PathRun> paths) {
  /// Of tenants of which nothing else was said.
  public static final int DEFAULT_WEIGHT = 100;

  public static final int MAX_WEIGHT = 1000;

  public Request {
    if (tokens.length < 1 || maxTokens < 0 || logitsFrom < 0 || logitsFrom >= tokens.length) {
      throw new IllegalArgumentException(
          "%d + %d tokens, logits from %d".formatted(tokens.length, maxTokens, logitsFrom));
    }
    if (weight < 1 || weight > MAX_WEIGHT) {
      throw new IllegalArgumentException("weight " + weight);
    }
    tokens = tokens.clone();
    paths = List.copyOf(paths);
  }
}
