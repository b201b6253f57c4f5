package dev.tributary.server.web;

import java.util.List;
import java.util.Map;

/// What the page asks of the server: the methods of its API that read, each in the caller's name
/// and as far as the caller may. Thread safe; may wait for a few seconds.
public interface Api {
  /// The response as JSON, or what refused it.
  ///
  /// @param method such as `Provenance/ListReceipts`
  /// @param fields of the request by their names, those of messages within by dotted ones; all as
  ///   text
  /// @param authorization what the caller brings, as that header has it
  Page call(String method, Map<String, String> fields, List<String> authorization);

  /// What tokens stand for in a text, for whoever may know which model is served.
  ///
  /// @param ids with commas between them
  Page tokens(String ids, List<String> authorization);
}
