package dev.tributary.server.schedule;

import java.util.List;
import org.jspecify.annotations.Nullable;

/// What is to be computed for somebody.
///
/// @param id not in use
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
    Priority priority,
    int[] tokens,
    int maxTokens,
    int logitsFrom,
    boolean repeatable,
    @Nullable Scope scope,
    List<PathRun> paths) {
  public Request {
    if (tokens.length < 1 || maxTokens < 0 || logitsFrom < 0 || logitsFrom >= tokens.length) {
      throw new IllegalArgumentException(
          "%d + %d tokens, logits from %d".formatted(tokens.length, maxTokens, logitsFrom));
    }
    tokens = tokens.clone();
    paths = List.copyOf(paths);
  }
}
