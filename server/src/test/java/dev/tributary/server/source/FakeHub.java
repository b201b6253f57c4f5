package dev.tributary.server.source;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/// A hub and the storage that it redirects large files to, two servers on loopback.
final class FakeHub implements AutoCloseable {
  static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";

  /// What the storage does instead of sending the whole answer.
  enum Fault {
    BREAK_OFF,
    UNAVAILABLE,
    IGNORE_RANGE,
    WRONG_RANGE,
    TOO_LONG,
    STALL
  }

  /// Large files, at the storage, tagged by their SHA-256.
  final Map<String, byte[]> large = new ConcurrentHashMap<>();

  /// Small files, at the hub, tagged by git's name.
  final Map<String, byte[]> small = new ConcurrentHashMap<>();

  /// Tags that the hub states instead of the right ones.
  final Map<String, String> wrongTags = new ConcurrentHashMap<>();

  /// One for each of the next answers of the storage.
  final Queue<Fault> faults = new ArrayDeque<>();

  /// `HUB METHOD PATH RANGE AUTHORIZATION` and the same for STORAGE.
  final List<String> requests = Collections.synchronizedList(new ArrayList<>());

  /// What every request to the hub gets, if not 0.
  volatile int status;

  private final ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor();
  private final HttpServer hub = start(this::answerHub);
  private final HttpServer storage = start(this::answerStorage);
  private final CountDownLatch closed = new CountDownLatch(1);

  private HttpServer start(HttpHandler handler) {
    try {
      HttpServer server =
          HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
      server.createContext("/", handler);
      server.setExecutor(executor);
      server.start();
      return server;
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  String endpoint() {
    return address(hub);
  }

  private static String address(HttpServer server) {
    return "http://127.0.0.1:" + server.getAddress().getPort();
  }

  static String sha256(byte[] bytes) {
    return hex("SHA-256", bytes);
  }

  static String gitBlob(byte[] bytes) {
    byte[] prefix = ("blob " + bytes.length + "\0").getBytes(StandardCharsets.US_ASCII);
    byte[] all = new byte[prefix.length + bytes.length];
    System.arraycopy(prefix, 0, all, 0, prefix.length);
    System.arraycopy(bytes, 0, all, prefix.length, bytes.length);
    return hex("SHA-1", all);
  }

  private static String hex(String algorithm, byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance(algorithm).digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }

  private void log(String server, HttpExchange exchange) {
    requests.add(
        "%s %s %s %s %s"
            .formatted(
                server,
                exchange.getRequestMethod(),
                exchange.getRequestURI().getPath(),
                exchange.getRequestHeaders().getFirst("Range"),
                exchange.getRequestHeaders().getFirst("Authorization")));
  }

  private void answerHub(HttpExchange exchange) throws IOException {
    log("HUB", exchange);
    String path = exchange.getRequestURI().getPath();
    String file = path.replaceFirst("^/[^/]+/[^/]+/resolve/[^/]+/", "");
    exchange.getResponseHeaders().set("X-Repo-Commit", COMMIT);
    if (status != 0) {
      finish(exchange, status);
    } else if (path.startsWith("/old/")) {
      exchange.getResponseHeaders().set("Location", path.replaceFirst("^/old/", "/owner/"));
      finish(exchange, 307);
    } else if (path.startsWith("/api/models/owner/repo/revision/")) {
      List<String> names = new ArrayList<>(large.keySet());
      names.addAll(small.keySet());
      String siblings =
          String.join(",", names.stream().map(n -> "{\"rfilename\":\"" + n + "\"}").toList());
      send(
          exchange,
          200,
          ("{\"sha\":\"" + COMMIT + "\",\"siblings\":[" + siblings + "]}")
              .getBytes(StandardCharsets.UTF_8));
    } else if (large.containsKey(file)) {
      byte[] bytes = large.get(file);
      String tag = wrongTags.getOrDefault(file, sha256(bytes));
      exchange.getResponseHeaders().set("X-Linked-Etag", "\"" + tag + "\"");
      exchange.getResponseHeaders().set("X-Linked-Size", String.valueOf(bytes.length));
      exchange.getResponseHeaders().set("Location", address(storage) + "/" + file + "?signed=1");
      finish(exchange, 302);
    } else if (small.containsKey(file)) {
      exchange
          .getResponseHeaders()
          .set("ETag", "W/\"" + wrongTags.getOrDefault(file, gitBlob(small.get(file))) + "\"");
      send(exchange, 200, small.get(file));
    } else {
      finish(exchange, 404);
    }
  }

  private void answerStorage(HttpExchange exchange) throws IOException {
    log("STORAGE", exchange);
    String file = exchange.getRequestURI().getPath().substring(1);
    byte[] bytes = Objects.requireNonNull(large.get(file));
    String range = exchange.getRequestHeaders().getFirst("Range");
    Fault fault = faults.poll();
    int from = range == null ? 0 : Integer.parseInt(range.replaceAll("\\D", ""));
    if (fault == Fault.IGNORE_RANGE) {
      from = 0;
    }
    if (from > 0) {
      int stated = fault == Fault.WRONG_RANGE ? from - 1 : from;
      exchange
          .getResponseHeaders()
          .set("Content-Range", "bytes %d-%d/%d".formatted(stated, bytes.length - 1, bytes.length));
    }
    int length = bytes.length - from;
    switch (fault) {
      case UNAVAILABLE -> finish(exchange, 503);
      case BREAK_OFF, STALL -> {
        exchange.sendResponseHeaders(from > 0 ? 206 : 200, length);
        exchange.getResponseBody().write(bytes, from, length / 2);
        exchange.getResponseBody().flush();
        if (fault == Fault.STALL) {
          awaitClose();
        }
        // Closing without the rest resets the connection.
        exchange.close();
      }
      case TOO_LONG -> send(exchange, 200, new byte[bytes.length + 1]);
      case null, default -> {
        exchange.sendResponseHeaders(from > 0 ? 206 : 200, length);
        exchange.getResponseBody().write(bytes, from, length);
        exchange.close();
      }
    }
  }

  private void awaitClose() {
    try {
      closed.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void finish(HttpExchange exchange, int status) throws IOException {
    exchange.sendResponseHeaders(status, -1);
    exchange.close();
  }

  private static void send(HttpExchange exchange, int status, byte[] body) throws IOException {
    if (exchange.getRequestMethod().equals("HEAD")) {
      exchange.getResponseHeaders().set("Content-Length", String.valueOf(body.length));
      exchange.sendResponseHeaders(status, -1);
    } else {
      exchange.sendResponseHeaders(status, body.length);
      exchange.getResponseBody().write(body);
    }
    exchange.close();
  }

  @Override
  public void close() {
    closed.countDown();
    hub.stop(0);
    storage.stop(0);
    executor.close();
  }
}
