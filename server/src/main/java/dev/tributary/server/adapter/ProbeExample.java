package dev.tributary.server.adapter;

import java.util.List;

/// A conversation of `probe.jsonl`, which an adapter should make more likely.
///
/// @param prompt the messages before the answer, at least one
/// @param answer what the assistant says last
public record ProbeExample(List<Message> prompt, String answer) {
  public ProbeExample {
    prompt = List.copyOf(prompt);
    if (prompt.isEmpty() || answer.isEmpty()) {
      throw new IllegalArgumentException(prompt.size() + " messages before \"" + answer + "\"");
    }
  }

  /// One turn.
  public record Message(String role, String content) {}
}
