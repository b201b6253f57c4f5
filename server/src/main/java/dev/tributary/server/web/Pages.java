package dev.tributary.server.web;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// The pages there are, by path. Thread safe.
public final class Pages {
  private static final int OK = 200;
  private static final int UNAVAILABLE = 503;

  /// As many at once as there are connections.
  private static final Executor READERS = task -> Thread.ofVirtual().name("web-page").start(task);

  private final Map<String, Supplier<Page>> pages = new ConcurrentSkipListMap<>();

  /// What is below [LogPages#TILES]; null before there is a log.
  private volatile @Nullable LogPages log;

  /// What is below [ApiPages#PREFIX]; null before there is anything to ask.
  private volatile @Nullable ApiPages api;

  /// The pages of every server. The suppliers are called on the port's thread and must not block.
  ///
  /// @param name of the program with its version, at `/version`
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
    pages.put("/version", () -> Page.text(OK, name + "\n"));
    Site.pages().forEach((path, page) -> pages.put(path, () -> page));
  }

  /// From now on there are the log's pages, too.
  public void show(LogPages log) {
    this.log = log;
    pages.put(LogPages.CHECKPOINT, log::checkpoint);
  }

  /// From now on the page finds what it asks for.
  public void answer(Api api) {
    this.api = new ApiPages(api);
  }

  /// The page that is asked for; 404 if there is none. What reads files or waits does so on a
  /// thread of its own.
  CompletableFuture<Page> at(Request request) {
    String path = request.path();
    LogPages tiles = log;
    if (tiles != null && path.startsWith(LogPages.TILES)) {
      return CompletableFuture.supplyAsync(() -> tiles.tile(path, request.key()), READERS);
    }
    ApiPages calls = api;
    if (path.startsWith(ApiPages.PREFIX)) {
      return calls == null
          ? CompletableFuture.completedFuture(ApiPages.NOT_YET)
          : CompletableFuture.supplyAsync(() -> calls.at(request), READERS);
    }
    Supplier<Page> page = pages.get(path);
    try {
      return CompletableFuture.completedFuture(
          page == null ? Page.text(404, "there is no such page\n") : page.get());
    } catch (RuntimeException e) {
      return CompletableFuture.failedFuture(e);
    }
  }
}
