package dev.tributary.server.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.UnknownHostException;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class AdapterHubTest {
  private static final String SOURCE = "hf:owner/repo";
  private static final String CONFIG = "/owner/repo/resolve/main/adapter_config.json";
  private static final String WEIGHTS =
      "/owner/repo/resolve/" + FakeHub.COMMIT + "/adapter_model.safetensors";

  private final FakeHub hub = new FakeHub();
  private final Map<String, byte[]> got = new LinkedHashMap<>();
  private final List<String> resolved = new ArrayList<>();

  @AfterEach
  void close() {
    hub.close();
  }

  /// The hub's port, and names that lead where a test says.
  private AdapterHub hub(Map<String, String> names) {
    return new AdapterHub(
        Map.of("HF_ENDPOINT", hub.endpoint(), "HF_TOKEN", "secret"),
        host -> {
          resolved.add(host);
          String address = names.getOrDefault(host, host.startsWith("127.") ? host : null);
          if (address == null) {
            throw new UnknownHostException(host);
          }
          return new InetAddress[] {InetAddress.ofLiteral(address)};
        },
        Duration.ofSeconds(20));
  }

  private void fetch(AdapterHub from, String source) throws IOException {
    from.fetch(
        source, (name, bytes) -> got.put(name, Channels.newInputStream(bytes).readAllBytes()));
  }

  @Test
  void fetch_takesTwoFilesAtOneCommit_withoutTheServersToken() throws Exception {
    hub.put("adapter_config.json", new byte[] {1, 2}, "\"1\"", Map.of());
    hub.put("adapter_model.safetensors", new byte[] {3}, "\"2\"", Map.of());

    fetch(hub(Map.of()), SOURCE);

    assertThat(got.keySet()).containsExactly("adapter_config.json", "adapter_model.safetensors");
    assertThat(got.get("adapter_config.json")).containsExactly(1, 2);
    assertThat(hub.requests).extracting(FakeHub.Request::path).containsExactly(CONFIG, WEIGHTS);
    assertThat(hub.requests)
        .allSatisfy(
            request -> {
              assertThat(request.header("Authorization")).isNull();
              assertThat(request.header("Cookie")).isNull();
            });
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "owner/repo",
        "hf:owner",
        "hf:owner/repo/file.gguf",
        "hf:../x",
        "pip:a==1/x.gguf",
        "http://127.0.0.1/x",
        "file:///etc/passwd",
        "hf:owner/repo@a/b"
      })
  void fetch_ofAnythingElse_isRefusedUnasked(String source) {
    assertThatThrownBy(() -> fetch(hub(Map.of()), source))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(hub.requests).isEmpty();
    assertThat(resolved).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "127.0.0.1",
        "10.1.2.3",
        "192.168.0.1",
        "172.16.9.9",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "198.18.0.1",
        "::1",
        "fe80::1",
        "fc00::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::1",
        "ff02::1",
        "::",
        "2001:db8::1"
      })
  void aRedirect_toAPrivateAddress_isRefusedBeforeItConnects(String address) throws Exception {
    hub.put("adapter_config.json", new byte[] {1}, "\"1\"", Map.of());
    // The port is the standard one, which nothing in a test listens at; reaching it would give an
    // IOException.
    hub.redirect(CONFIG, "https://evil.example/x");

    assertThatThrownBy(() -> fetch(hub(Map.of("evil.example", address)), SOURCE))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("not on the public internet")
        .hasMessageNotContaining(address);
    assertThat(resolved).containsExactly("127.0.0.1", "evil.example");
    assertThat(got).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "http://cdn.example/x",
        "https://cdn.example:8443/x",
        "ftp://cdn.example/x",
        "https://user@cdn.example/x",
        "file:///etc/passwd",
        "//",
        "https://"
      })
  void aRedirect_toAnotherKindOfPlace_isRefused(String location) {
    hub.redirect(CONFIG, location);

    assertThatThrownBy(() -> fetch(hub(Map.of("cdn.example", "93.184.215.14")), SOURCE))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(hub.requests).hasSize(1);
  }

  @Test
  void redirects_withoutEnd_end() {
    hub.redirect(CONFIG, CONFIG);

    assertThatThrownBy(() -> fetch(hub(Map.of()), SOURCE))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("redirects");
    assertThat(hub.requests).hasSize(6);
  }

  @Test
  void theHubsOwnEndpoint_onAPrivateAddress_isRefusedUnlessNamed() {
    AdapterHub unnamed =
        new AdapterHub(
            Map.of(),
            host -> new InetAddress[] {InetAddress.getLoopbackAddress()},
            Duration.ofSeconds(5));

    assertThatThrownBy(() -> fetch(unnamed, SOURCE))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("not on the public internet");
  }

  @Test
  void statuses_tellWhetherToTryAgain() {
    assertThatThrownBy(() -> fetch(hub(Map.of()), SOURCE))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("404");
    hub.put("adapter_config.json", new byte[10], "\"1\"", Map.of());
    hub.faults.add(new FakeHub.Fault.Status(503));
    assertThatThrownBy(() -> fetch(hub(Map.of()), SOURCE))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("503");
    assertThatThrownBy(() -> fetch(hub(Map.of("127.0.0.1", "127.0.0.2")), "hf:owner/none"))
        .isInstanceOf(Exception.class);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "SSH-2.0\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
      })
  void anAnswer_thatIsBroken_isAnError(String answer) throws Exception {
    assertThatThrownBy(() -> raw(answer)).isInstanceOf(IOException.class);
  }

  @Test
  void anAnswer_inChunks_isJoined() throws Exception {
    assertThat(
            raw(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\nA\r\n"
                    + "0123456789\r\n0\r\n\r\n"))
        .isEqualTo("abc0123456789");
  }

  /// What the client makes of an answer.
  private static String raw(String answer) throws IOException {
    try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      Thread.startVirtualThread(
          () -> {
            try (Socket socket = server.accept()) {
              while (!PublicHttp.line(socket.getInputStream()).isEmpty()) {
                // the request's lines
              }
              new ByteArrayInputStream(answer.getBytes(StandardCharsets.ISO_8859_1))
                  .transferTo(socket.getOutputStream());
            } catch (IOException e) {
              throw new java.io.UncheckedIOException(e);
            }
          });
      java.net.URI uri = java.net.URI.create("http://127.0.0.1:" + server.getLocalPort());
      PublicHttp http = new PublicHttp(InetAddress::getAllByName, uri, Duration.ofSeconds(20));
      try (PublicHttp.Answer got = http.get(uri)) {
        return new String(got.body().readAllBytes(), StandardCharsets.ISO_8859_1);
      }
    }
  }
}
