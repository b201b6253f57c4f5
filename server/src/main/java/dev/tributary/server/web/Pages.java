package dev.tributary.server.web;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;

/// The pages there are, by path.
public final class Pages {
  private static final int OK = 200;
  private static final int UNAVAILABLE = 503;

  private final Map<String, Supplier<Page>> pages = new TreeMap<>();

  /// The pages of every server. The suppliers are called on the port's thread and must not block.
  ///
  /// @param metrics in the format `metricsType`
  /// @param phase what the server is ready for; `serving` is ready
  public Pages(String name, Supplier<String> metrics, String metricsType, Supplier<String> phase) {
    pages.put(
        "/metrics",
        () -> new Page(OK, metricsType, metrics.get().getBytes(StandardCharsets.UTF_8)));
    pages.put("/healthz", () -> Page.text(OK, "live\n"));
    pages.put(
        "/readyz",
        () -> {
          String now = phase.get();
          return now.equals("serving")
              ? Page.text(OK, "ready\n")
              : Page.text(UNAVAILABLE, "not ready: " + now + "\n");
        });
    pages.put("/", () -> Page.text(OK, name + "\n\n" + String.join("\n", pages.keySet()) + "\n"));
  }

  /// The page at `path`, without a query; 404 if there is none.
  Page at(String path) {
    Supplier<Page> page = pages.get(path);
    return page == null ? Page.text(404, "there is no such page\n") : page.get();
  }
}
