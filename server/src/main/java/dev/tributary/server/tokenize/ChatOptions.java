package dev.tributary.server.tokenize;

import java.util.List;
import java.util.Map;

/// How a conversation is rendered.
///
/// @param trustContent let control tokens in contents count as control tokens, as transformers does
/// @param templateVars more variables for the template (`enable_thinking`, ...): plain data of
///   null, Boolean, Number, String, List and Map
/// @param tools descriptions of tools, plain data; empty means none
/// @param addGenerationPrompt end with the header of the answer to come
public record ChatOptions(
    boolean trustContent,
    Map<String, Object> templateVars,
    List<Object> tools,
    boolean addGenerationPrompt) {
  /// Untrusted content, no variables, no tools, with the header of the answer.
  public static final ChatOptions DEFAULT = new ChatOptions(false, Map.of(), List.of(), true);
}
