package dev.tributary.server.web;

import io.netty.handler.codec.http.QueryStringDecoder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/// `/api/v1/...`: what the page reads, and anybody else who prefers HTTP and JSON to gRPC. A query
/// has the fields of the method's request, as in gRPC transcoding. Thread safe.
///
/// Who needs no key at the gRPC port needs none here, but only where a program of this machine
/// asks: the gRPC port may be closed to others where this one is not.
final class ApiPages {
  static final String PREFIX = "/api/v1/";

  /// Before there is anything to ask.
  static final Page NOT_YET = error(503, "UNAVAILABLE", "the server is starting");

  private static final int MAX_FIELDS = 16;

  /// Methods without a part of the path among their fields.
  private static final Map<String, String> PLAIN =
      Map.of(
          "model", "Inference/GetModel",
          "adapters", "Adapters/ListAdapters",
          "receipts", "Provenance/ListReceipts",
          "statement", "Provenance/GetStatement",
          "checkpoint", "Provenance/GetCheckpoint");

  private static final String TOKENS = "tokens";

  private final Api api;

  ApiPages(Api api) {
    this.api = api;
  }

  /// The answer to a request below [#PREFIX]. May wait.
  Page at(Request request) {
    // Browsers tell. They show no other site what it asked for; here it is not even done.
    if (request.site().equals("cross-site") || request.site().equals("same-site")) {
      return error(403, "PERMISSION_DENIED", "another site asks");
    }
    if (request.authorization().isEmpty() && !request.local()) {
      return error(401, "UNAUTHENTICATED", "from another machine this needs an API key");
    }
    Map<String, String> fields = new HashMap<>();
    List<String> path;
    try {
      // "+" is a plus: the page writes %20.
      QueryStringDecoder query =
          new QueryStringDecoder(
              request.path() + "?" + request.query().replace("+", "%2B"),
              StandardCharsets.UTF_8,
              true,
              MAX_FIELDS + 1);
      for (Map.Entry<String, List<String>> field : query.parameters().entrySet()) {
        if (field.getValue().size() > 1 || fields.size() == MAX_FIELDS) {
          return error(400, "INVALID_ARGUMENT", "a field twice, or too many fields");
        }
        fields.put(field.getKey(), field.getValue().getFirst());
      }
      path = List.of(query.path().substring(PREFIX.length()).split("/", -1));
    } catch (IllegalArgumentException e) {
      return error(400, "INVALID_ARGUMENT", "the address is malformed");
    }
    return route(path, fields)
        .map(call -> call.apply(request.authorization()))
        .orElseGet(() -> error(404, "NOT_FOUND", "there is no such page"));
  }

  private Optional<Function<List<String>, Page>> route(
      List<String> path, Map<String, String> fields) {
    String first = path.getFirst();
    if (path.size() == 1 && first.equals(TOKENS)) {
      return Optional.of(who -> api.tokens(fields.getOrDefault("ids", ""), who));
    }
    if (path.size() == 1 && PLAIN.containsKey(first)) {
      return Optional.of(who -> api.call(PLAIN.get(first), fields, who));
    }
    if (path.size() == 2 && first.equals("receipts")) {
      fields.put("generation_id", path.get(1));
      return Optional.of(who -> api.call("Provenance/GetReceipt", fields, who));
    }
    if (path.size() == 4 && first.equals("adapters") && path.get(3).equals("versions")) {
      fields.put("adapter", path.get(1) + "/" + path.get(2));
      return Optional.of(who -> api.call("Adapters/ListVersions", fields, who));
    }
    return Optional.empty();
  }

  /// @param message without anything that JSON escapes
  private static Page error(int status, String code, String message) {
    String json = "{\"code\":\"" + code + "\",\"message\":\"" + message + "\"}";
    return Page.json(status, json.getBytes(StandardCharsets.UTF_8));
  }
}
