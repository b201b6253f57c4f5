package dev.tributary.server.web;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class WebTest {
  private volatile String phase = "serving";
  private volatile Runnable onMetrics = () -> {};
  private Web web;

  @BeforeEach
  void start() throws IOException {
    web = Web.start(new InetSocketAddress("127.0.0.1", 0), List.of("metrics.example"), pages());
  }

  private Pages pages() {
    return new Pages(
        "Tributary",
        () -> {
          onMetrics.run();
          return "a_metric 1\n";
        },
        "text/plain; version=0.0.4",
        () -> phase);
  }

  @AfterEach
  void stop() {
    web.close();
  }

  private Socket connect() throws IOException {
    return new Socket(InetAddress.getByName("127.0.0.1"), web.boundPort());
  }

  /// What comes back for these bytes until the server closes the connection.
  private String send(String bytes) throws IOException {
    try (Socket socket = connect()) {
      socket.getOutputStream().write(bytes.getBytes(StandardCharsets.ISO_8859_1));
      return rest(socket);
    }
  }

  private static String rest(Socket socket) throws IOException {
    return new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
  }

  private String get(String path) throws IOException {
    return send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  }

  @Test
  void pages_areThere() throws IOException {
    assertThat(get("/metrics"))
        .startsWith("HTTP/1.1 200 OK\r\n")
        .contains("content-type: text/plain; version=0.0.4\r\n")
        .endsWith("\r\n\r\na_metric 1\n");
    assertThat(get("/healthz")).startsWith("HTTP/1.1 200 ").endsWith("\r\n\r\nlive\n");
    assertThat(get("/")).startsWith("HTTP/1.1 200 ").contains("/metrics", "/readyz");
    assertThat(get("/metrics?name=x")).as("a query changes nothing").contains("a_metric 1");
    assertThat(get("/else")).startsWith("HTTP/1.1 404 ");
    assertThat(get("/../metrics")).startsWith("HTTP/1.1 404 ");
  }

  @Test
  void readyz_isReadyOnlyWhileServing() throws IOException {
    assertThat(get("/readyz")).startsWith("HTTP/1.1 200 ").endsWith("\r\n\r\nready\n");
    for (String other : List.of("loading", "warming", "leaving", "draining")) {
      phase = other;
      assertThat(get("/readyz"))
          .startsWith("HTTP/1.1 503 ")
          .endsWith("\r\n\r\nnot ready: " + other + "\n");
      assertThat(get("/healthz")).startsWith("HTTP/1.1 200 ");
    }
  }

  @Test
  void everyAnswer_hasTheHeadersThatKeepBrowsersOut() throws IOException {
    for (String path : List.of("/version", "/metrics", "/else")) {
      assertThat(get(path))
          .contains(
              "content-security-policy: default-src 'none'; base-uri 'none'; form-action 'none';"
                  + " frame-ancestors 'none'\r\n",
              "x-content-type-options: nosniff\r\n",
              "x-frame-options: DENY\r\n",
              "referrer-policy: no-referrer\r\n",
              "cross-origin-resource-policy: same-origin\r\n",
              "cache-control: no-store\r\n")
          .doesNotContainIgnoringCase("access-control");
    }
  }

  /// DNS rebinding: a page's own name leads to this machine.
  @ParameterizedTest
  @ValueSource(
      strings = {"evil.example", "evil.example:50053", "localhost.evil.example", "169.254.1.1"})
  void aForeignHost_isMisdirected(String host) throws IOException {
    String answer = send("GET /metrics HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
    assertThat(answer).startsWith("HTTP/1.1 421 ").doesNotContain("a_metric");
  }

  @Test
  void aForeignOrigin_isNotLetIn() throws IOException {
    assertThat(
            send(
                "GET /metrics HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n"
                    + "Connection: close\r\n\r\n"))
        .as("may be asked, but no browser shows it")
        .doesNotContainIgnoringCase("access-control-allow");
  }

  @Test
  void hosts_canChange() throws IOException {
    String asked = "GET /healthz HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n";
    assertThat(send(asked.formatted("metrics.example"))).startsWith("HTTP/1.1 200 ");
    web.allow(List.of("other.example"));
    assertThat(send(asked.formatted("metrics.example"))).startsWith("HTTP/1.1 421 ");
    assertThat(send(asked.formatted("other.example"))).startsWith("HTTP/1.1 200 ");
  }

  @ParameterizedTest
  @ValueSource(strings = {"POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "FOO"})
  void otherMethods_areNotAllowed(String method) throws IOException {
    assertThat(send(method + " /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"))
        .startsWith("HTTP/1.1 405 ")
        .contains("allow: GET, HEAD\r\n")
        .doesNotContain("a_metric");
  }

  @Test
  void head_hasNoBody() throws IOException {
    assertThat(send("HEAD /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
        .startsWith("HTTP/1.1 200 ")
        .contains("content-length: 11\r\n")
        .endsWith("\r\n\r\n");
  }

  @Test
  void malformedRequests_eachHaveTheirStatus() throws IOException {
    assertThat(send("GET / HTTP/1.1\r\n\r\n")).as("no host").startsWith("HTTP/1.1 400 ");
    assertThat(send("GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n"))
        .as("two hosts")
        .startsWith("HTTP/1.1 400 ");
    assertThat(send("GET http://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\nx"))
        .as("no path")
        .startsWith("HTTP/1.1 404 ");
    assertThat(send("GET /" + "a".repeat(5_000) + " HTTP/1.1\r\nHost: localhost\r\n\r\n"))
        .startsWith("HTTP/1.1 414 ");
    assertThat(send("GET / HTTP/1.1\r\nHost: localhost\r\nA: " + "a".repeat(9_000) + "\r\n\r\n"))
        .startsWith("HTTP/1.1 431 ");
    assertThat(send("GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\n"))
        .startsWith("HTTP/1.1 413 ");
    assertThat(send("GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"))
        .startsWith("HTTP/1.1 413 ");
    assertThat(send("\u0016\u0003\u0001\u0002\r\n\r\n")).as("TLS").startsWith("HTTP/1.1 400 ");
    assertThat(get("/healthz")).startsWith("HTTP/1.1 200 ");
  }

  @Test
  void requestsInARow_areAnsweredInOrder() throws IOException {
    String one = "GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n";
    String answers =
        send(
            one.formatted("/healthz", "")
                + one.formatted("/else", "")
                + one.formatted("/metrics", "Connection: close\r\n"));
    assertThat(answers.split("HTTP/1.1 "))
        .hasSize(4)
        .satisfies(
            parts -> {
              assertThat(parts[1]).startsWith("200").endsWith("live\n");
              assertThat(parts[2]).startsWith("404");
              assertThat(parts[3]).startsWith("200").endsWith("a_metric 1\n");
            });
  }

  @Test
  void aPageThatFails_isAnErrorAlone() throws IOException {
    onMetrics =
        () -> {
          throw new IllegalStateException("a secret");
        };
    assertThat(get("/metrics")).startsWith("HTTP/1.1 500 ").doesNotContain("secret");
    assertThat(get("/healthz")).startsWith("HTTP/1.1 200 ");
  }

  @Test
  void connectionsOverTheLimit_areClosed() throws IOException {
    List<Socket> held = new ArrayList<>();
    try {
      for (int i = 0; i < Web.MAX_CONNECTIONS; i++) {
        held.add(connect());
      }
      // The last one is in once it was answered.
      Socket last = held.getLast();
      last.getOutputStream()
          .write(
              "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n".getBytes(StandardCharsets.UTF_8));
      InputStream answer = last.getInputStream();
      assertThat(answer.read()).isEqualTo('H');
      try (Socket over = connect()) {
        assertThat(over.getInputStream().read()).as("closed").isEqualTo(-1);
      }
    } finally {
      for (Socket socket : held) {
        socket.close();
      }
    }
  }

  @Test
  void close_endsConnectionsAndFreesThePort() throws IOException {
    int port = web.boundPort();
    try (Socket idle = connect()) {
      idle.getOutputStream()
          .write("HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n".getBytes(StandardCharsets.UTF_8));
      assertThat(idle.getInputStream().read()).as("it is in").isEqualTo('H');
      web.close();
      assertThat(rest(idle)).as("ends").endsWith("\r\n\r\n");
    }
    web = Web.start(new InetSocketAddress("127.0.0.1", port), List.of(), pages());
    assertThat(get("/healthz")).startsWith("HTTP/1.1 200 ");
  }

  @Test
  void aTakenPort_isAnErrorThatNamesIt() {
    assertThatThrownBy(
            () ->
                Web.start(new InetSocketAddress("127.0.0.1", web.boundPort()), List.of(), pages()))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(Integer.toString(web.boundPort()));
  }
}
