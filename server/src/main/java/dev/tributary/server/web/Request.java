package dev.tributary.server.web;

import java.util.List;

/// What a request asks, as far as a page cares.
///
/// @param path without the query
/// @param query after the question mark, as it came; empty for none
/// @param authorization the values of that header, in their order
/// @param site what the browser says of who asks (Sec-Fetch-Site); empty from what is no browser
/// @param local whether only a program of this machine can have asked: it came in at a loopback
///   address, under a name of the loopback
record Request(String path, String query, List<String> authorization, String site, boolean local) {
  private static final String SCHEME = "bearer ";

  /// The one key that it brings; empty for none.
  String key() {
    return authorization.size() == 1
            && authorization.getFirst().regionMatches(true, 0, SCHEME, 0, SCHEME.length())
        ? authorization.getFirst().substring(SCHEME.length()).trim()
        : "";
  }
}
