package dev.tributary.server.tokenize;

import java.util.Objects;

/// One message of a conversation.
///
/// @param role as the template knows it: `system`, `user`, `assistant`, `tool`
/// @param content what it says
public record Message(String role, String content) {
  public Message {
    Objects.requireNonNull(role, "role");
    Objects.requireNonNull(content, "content");
  }
}
