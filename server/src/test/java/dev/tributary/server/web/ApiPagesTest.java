package dev.tributary.server.web;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What the page asks, through a socket, of an API that remembers what it was asked.
@Timeout(60)
class ApiPagesTest {
  private static final Pattern LOADS = Pattern.compile("(?:from \"\\./|\"/page/)([a-z.]+)\"");

  private final FakeApi api = new FakeApi();
  private final Pages pages = new Pages("Tributary 1", () -> "", "text/plain", () -> "serving");
  private Web web;

  private static final class FakeApi implements Api {
    final List<String> asked = new CopyOnWriteArrayList<>();

    @Override
    public Page call(String method, Map<String, String> fields, List<String> authorization) {
      return told(method + " " + new TreeMap<>(fields) + " " + authorization);
    }

    @Override
    public Page tokens(String ids, List<String> authorization) {
      return told("tokens " + ids + " " + authorization);
    }

    private Page told(String what) {
      asked.add(what);
      return Page.json(429, "{\"a\":1}".getBytes(StandardCharsets.UTF_8));
    }
  }

  @BeforeEach
  void start() throws IOException {
    web = Web.start(new InetSocketAddress("127.0.0.1", 0), List.of("page.example"), pages);
    pages.answer(api);
  }

  @AfterEach
  void stop() {
    web.close();
  }

  private String get(String path, String... headers) throws IOException {
    return getFrom("localhost", path, headers);
  }

  private String getFrom(String host, String path, String... headers) throws IOException {
    try (Socket socket = new Socket(InetAddress.getByName("127.0.0.1"), web.boundPort())) {
      String more = headers.length == 0 ? "" : String.join("\r\n", headers) + "\r\n";
      String request =
          "GET %s HTTP/1.1\r\nHost: %s\r\n%sConnection: close\r\n\r\n".formatted(path, host, more);
      socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          model | Inference/GetModel {} []
          adapters?page_size=3 | Adapters/ListAdapters {page_size=3} []
          adapters/public/town-guide/versions | Adapters/ListVersions {adapter=public/town-guide} []
          receipts?contributor=a%20b%26c+d | Provenance/ListReceipts {contributor=a b&c+d} []
          receipts/01ABC | Provenance/GetReceipt {generation_id=01ABC} []
          statement?period.start=x | Provenance/GetStatement {period.start=x} []
          checkpoint | Provenance/GetCheckpoint {} []
          tokens?ids=1,2 | tokens 1,2 []
          """)
  void eachAddress_isACall(String path, String call) throws IOException {
    assertThat(get("/api/v1/" + path))
        .startsWith("HTTP/1.1 429 ")
        .contains("content-type: application/json\r\n", "cache-control: no-store\r\n")
        .endsWith("\r\n\r\n{\"a\":1}");
    assertThat(api.asked).containsExactly(call);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "else",
        "model/",
        "receipts/a/b",
        "adapters/a/versions",
        "adapters/public/a/delete",
        "Inference/GetModel"
      })
  void anotherAddress_isNotFound(String path) throws IOException {
    assertThat(get("/api/v1/" + path)).startsWith("HTTP/1.1 404 ").contains("NOT_FOUND");
    assertThat(api.asked).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "receipts?a=1&a=2",
        "receipts?a=%zz",
        "receipts?a=1&b=1&c=1&d=1&e=1&f=1&g=1&h=1&i=1&j=1&k=1&l=1&m=1&n=1&o=1&p=1&q=1"
      })
  void aMalformedQuery_isRefused(String path) throws IOException {
    assertThat(get("/api/v1/" + path)).startsWith("HTTP/1.1 400 ").contains("INVALID_ARGUMENT");
    assertThat(api.asked).isEmpty();
  }

  @Test
  void whatTheCallerBrings_goesOnAsItIs() throws IOException {
    get("/api/v1/model", "Authorization: Bearer k", "Authorization: Basic x");
    assertThat(api.asked).containsExactly("Inference/GetModel {} [Bearer k, Basic x]");
  }

  /// The gRPC port may be on loopback where this one is not, and then asks for no key.
  @Test
  void fromElsewhere_aKeyIsNeeded() throws IOException {
    assertThat(getFrom("page.example", "/api/v1/receipts"))
        .startsWith("HTTP/1.1 401 ")
        .contains("www-authenticate: Bearer\r\n", "UNAUTHENTICATED");
    assertThat(api.asked).isEmpty();
    getFrom("page.example", "/api/v1/receipts", "Authorization: Bearer k");
    assertThat(api.asked).containsExactly("Provenance/ListReceipts {} [Bearer k]");
    Request other = new Request("/api/v1/model", "", List.of(), "", false);
    assertThat(pages.at(other).join().status()).as("another address of it").isEqualTo(401);
  }

  @Test
  void anotherSite_isNotEvenAsked() throws IOException {
    for (String site : List.of("cross-site", "same-site")) {
      assertThat(get("/api/v1/receipts", "Sec-Fetch-Site: " + site)).startsWith("HTTP/1.1 403 ");
    }
    assertThat(api.asked).isEmpty();
    get("/api/v1/receipts", "Sec-Fetch-Site: same-origin");
    assertThat(api.asked).hasSize(1);
  }

  @Test
  void anAnswer_isForNoOtherOriginAndRunsNothing() throws IOException {
    assertThat(get("/api/v1/receipts", "Origin: http://evil.example"))
        .doesNotContainIgnoringCase("access-control")
        .contains(
            "content-security-policy: " + Answers.POLICY + "\r\n",
            "x-content-type-options: nosniff\r\n",
            "cross-origin-resource-policy: same-origin\r\n");
    assertThat(getFrom("evil.example", "/api/v1/receipts", "Authorization: Bearer k"))
        .startsWith("HTTP/1.1 421 ");
  }

  @Test
  void beforeThereIsAnApi_itIsUnavailable() {
    Pages early = new Pages("Tributary", () -> "", "text/plain", () -> "loading");
    Page page = early.at(new Request("/api/v1/model", "", List.of(), "", true)).join();
    assertThat(page.status()).isEqualTo(503);
  }

  @Test
  void thePage_runsItsOwnFilesAloneAndIsKept() throws IOException {
    String page = get("/");
    assertThat(page)
        .startsWith("HTTP/1.1 200 ")
        .contains(
            "content-type: text/html; charset=utf-8\r\n",
            "cache-control: no-cache\r\n",
            "content-security-policy: default-src 'none'; base-uri 'none'; form-action 'none';"
                + " frame-ancestors 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
                + " connect-src 'self'; require-trusted-types-for 'script'; trusted-types"
                + " 'none'\r\n")
        .doesNotContainIgnoringCase("access-control")
        .contains("<main id=\"main\">");
    String tag = page.replaceAll("(?s).*etag: (\"[0-9a-f]+\")\r\n.*", "$1");
    assertThat(get("/", "If-None-Match: " + tag))
        .startsWith("HTTP/1.1 304 ")
        .contains("etag: " + tag + "\r\n")
        .endsWith("\r\n\r\n");
    assertThat(get("/", "If-None-Match: \"else\"")).startsWith("HTTP/1.1 200 ");
  }

  /// No file is missing, none names another server, none is or makes markup.
  @Test
  void itsFiles_loadEachOtherAndNothingElse() throws IOException {
    Map<String, Page> files = Site.pages();
    assertThat(files).hasSizeGreaterThan(10);
    files.forEach(
        (path, file) -> {
          String text = new String(file.body(), StandardCharsets.UTF_8);
          assertThat(text.replace("http://www.w3.org/2000/svg", ""))
              .as(path)
              .doesNotContain("://", "innerHTML", "outerHTML", "insertAdjacent", "eval(", "style=");
          Matcher loads = LOADS.matcher(text);
          while (loads.find()) {
            assertThat(files).as("%s loads it", path).containsKey(Site.FOLDER + loads.group(1));
          }
        });
    assertThat(get("/page/app.js"))
        .startsWith("HTTP/1.1 200 ")
        .contains("content-type: text/javascript; charset=utf-8\r\n", "nosniff");
    assertThat(get("/page/../page/app.js")).startsWith("HTTP/1.1 404 ");
    assertThat(get("/page/Site.class")).startsWith("HTTP/1.1 404 ");
    assertThat(get("/version")).endsWith("\r\n\r\nTributary 1\n");
  }
}
