package dev.tributary.server.source;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// A hub on the loopback: files by path, byte ranges, and faults to order.
final class FakeHub implements AutoCloseable {
  static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";

  /// What is done to one GET, first come first served.
  sealed interface Fault {
    /// The connection ends after `bytes` of the body, of which the client has some by then.
    record Cut(int bytes) implements Fault {}

    record Status(int code) implements Fault {}

    /// The body stops after its first byte until the hub is closed.
    record Stall() implements Fault {}

    /// A range is given although the file has changed.
    record IgnoreIfRange() implements Fault {}
  }

  record Request(String method, String path, Headers headers) {
    @Nullable String header(String name) {
      return headers.getFirst(name);
    }
  }

  private static final class Stored {
    final byte[] bytes;
    final String etag;
    final Map<String, String> headers;

    Stored(byte[] bytes, String etag, Map<String, String> headers) {
      this.bytes = bytes;
      this.etag = etag;
      this.headers = headers;
    }
  }

  final List<Request> requests = new CopyOnWriteArrayList<>();
  final Deque<Fault> faults = new ArrayDeque<>();
  private final Map<String, Stored> files = new HashMap<>();
  private final Map<String, String> redirects = new HashMap<>();
  private final CountDownLatch closed = new CountDownLatch(1);
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final HttpServer server;

  /// See [Fetcher#ticks].
  Semaphore ticks = new Semaphore(0);

  FakeHub() {
    try {
      server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    server.createContext("/", this::answer);
    server.setExecutor(threads);
    server.start();
  }

  String endpoint() {
    return "http://127.0.0.1:" + server.getAddress().getPort();
  }

  /// A file of `owner/repo`, at `main` and at the commit.
  void put(String file, byte[] bytes, String etag, Map<String, String> headers) {
    for (String revision : List.of("main", COMMIT)) {
      files.put("/owner/repo/resolve/" + revision + "/" + file, new Stored(bytes, etag, headers));
    }
  }

  void putAt(String path, byte[] bytes, String etag) {
    files.put(path, new Stored(bytes, etag, Map.of()));
  }

  void redirect(String path, String location) {
    redirects.put(path, location);
  }

  List<Request> gets() {
    return requests.stream().filter(r -> r.method().equals("GET")).toList();
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      String path = exchange.getRequestURI().getRawPath();
      Headers headers = new Headers();
      headers.putAll(exchange.getRequestHeaders());
      requests.add(new Request(exchange.getRequestMethod(), path, headers));
      boolean head = exchange.getRequestMethod().equals("HEAD");
      Fault fault;
      synchronized (faults) {
        fault = head ? null : faults.poll();
      }
      Stored file = files.get(path);
      exchange.getResponseHeaders().set("X-Repo-Commit", COMMIT);
      if (file != null) {
        file.headers.forEach(exchange.getResponseHeaders()::set);
      }
      String location = redirects.get(path);
      if (fault instanceof Fault.Status status) {
        exchange.sendResponseHeaders(status.code(), -1);
      } else if (location != null) {
        exchange.getResponseHeaders().set("Location", location);
        exchange.sendResponseHeaders(302, -1);
      } else if (file == null) {
        exchange.sendResponseHeaders(404, -1);
      } else if (head) {
        exchange.sendResponseHeaders(200, -1);
      } else {
        send(exchange, file, fault);
      }
    }
  }

  private void send(HttpExchange exchange, Stored file, @Nullable Fault fault) throws IOException {
    String range = exchange.getRequestHeaders().getFirst("Range");
    boolean same =
        fault instanceof Fault.IgnoreIfRange
            || file.etag.equals(exchange.getRequestHeaders().getFirst("If-Range"));
    byte[] body = file.bytes;
    int status = 200;
    if (range != null && same) {
      int from = Integer.parseInt(range.substring("bytes=".length(), range.length() - 1));
      body = Arrays.copyOfRange(body, from, body.length);
      status = 206;
      int end = file.bytes.length;
      exchange
          .getResponseHeaders()
          .set("Content-Range", "bytes " + from + "-" + (end - 1) + "/" + end);
    }
    exchange.getResponseHeaders().set("ETag", file.etag);
    ticks.drainPermits();
    exchange.sendResponseHeaders(status, body.length);
    int bytes =
        switch (fault) {
          case Fault.Cut cut -> cut.bytes();
          case Fault.Stall stall -> 1;
          case null, default -> body.length;
        };
    exchange.getResponseBody().write(body, 0, bytes);
    exchange.getResponseBody().flush();
    try {
      if (fault instanceof Fault.Stall) {
        closed.await();
      } else if (fault instanceof Fault.Cut && !ticks.tryAcquire(2, 30, TimeUnit.SECONDS)) {
        throw new IOException("the client took nothing");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    closed.countDown();
    server.stop(0);
    threads.shutdownNow();
  }
}
