package dev.tributary.server.web;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tributary.tlog.Checkpoint;
import dev.tributary.tlog.Hash;
import dev.tributary.tlog.Merkle;
import dev.tributary.tlog.Note;
import dev.tributary.tlog.SigningKey;
import dev.tributary.tlog.TilePath;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// A log of 600 leaves, read through a socket.
@Timeout(60)
class LogPagesTest {
  private static final int SIZE = 600;
  private static final String FOR_EVER = "cache-control: public, max-age=31536000, immutable\r\n";

  private final FakeLog log = new FakeLog(SIZE);
  private Web web;

  /// What comes back.
  private record Answer(String head, byte[] body) {
    String status() {
      return head.substring("HTTP/1.1 ".length(), "HTTP/1.1 200".length());
    }
  }

  @BeforeEach
  void start() throws IOException {
    Pages pages = new Pages("Tributary", () -> "", "text/plain", () -> "serving");
    web = Web.start(new InetSocketAddress("127.0.0.1", 0), List.of(), pages);
    assertThat(get("/checkpoint").status()).as("before there is a log").isEqualTo("404");
    pages.show(
        new LogPages(
            log,
            key ->
                switch (key) {
                  case "auditor" -> LogPages.Verdict.ADMITTED;
                  case "owner" -> LogPages.Verdict.DENIED;
                  case "breaks" -> throw new IllegalStateException("a secret");
                  default -> LogPages.Verdict.UNKNOWN;
                }));
  }

  @AfterEach
  void stop() {
    web.close();
  }

  private Answer get(String path, String... headers) throws IOException {
    return ask("GET", path, headers);
  }

  private Answer ask(String method, String path, String... headers) throws IOException {
    try (Socket socket = new Socket(InetAddress.getByName("127.0.0.1"), web.boundPort())) {
      StringBuilder request = new StringBuilder(method + " " + path + " HTTP/1.1\r\n");
      request.append("Host: localhost\r\nConnection: close\r\n");
      for (String header : headers) {
        request.append(header).append("\r\n");
      }
      request.append("\r\n");
      socket.getOutputStream().write(request.toString().getBytes(StandardCharsets.ISO_8859_1));
      byte[] all = socket.getInputStream().readAllBytes();
      int end = new String(all, StandardCharsets.ISO_8859_1).indexOf("\r\n\r\n") + 4;
      return new Answer(
          new String(all, 0, end, StandardCharsets.ISO_8859_1),
          Arrays.copyOfRange(all, end, all.length));
    }
  }

  @Test
  void checkpoint_isTheNoteAndKeptShortly() throws IOException {
    Answer answer = get("/checkpoint");
    assertThat(answer.head())
        .startsWith("HTTP/1.1 200 ")
        .contains("content-type: text/plain; charset=utf-8\r\n")
        .contains("cache-control: public, max-age=1\r\n");
    assertThat(Note.parse(answer.body())).isEqualTo(log.checkpoint());
    assertThat(new String(get("/").body(), StandardCharsets.UTF_8)).contains("/checkpoint");
    log.grow(1);
    assertThat(Note.parse(get("/checkpoint").body())).isEqualTo(log.checkpoint());
  }

  /// 600 leaves are two whole tiles of 256, one of 88, and a tile of two above them.
  @Test
  void tiles_leadToTheRoot() throws IOException {
    List<Hash> leaves = new ArrayList<>();
    for (String path : List.of("/tile/0/000", "/tile/0/001", "/tile/0/002.p/88")) {
      Answer answer = get(path);
      assertThat(answer.head())
          .startsWith("HTTP/1.1 200 ")
          .contains("content-type: application/octet-stream\r\n")
          .contains(FOR_EVER);
      leaves.addAll(hashes(answer.body()));
    }
    Hash root = Checkpoint.parse(Note.parse(get("/checkpoint").body()).text()).root();
    assertThat(leaves).hasSize(SIZE);
    assertThat(Merkle.root(leaves)).isEqualTo(root);
    assertThat(hashes(get("/tile/1/000.p/2").body()))
        .containsExactly(
            Merkle.root(leaves.subList(0, 256)), Merkle.root(leaves.subList(256, 512)));
    assertThat(hashes(get("/tile/0/000.p/17").body())).isEqualTo(leaves.subList(0, 17));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/tile/0/002",
        "/tile/0/002.p/89",
        "/tile/0/003.p/1",
        "/tile/0/x001/000.p/1",
        "/tile/1/000",
        "/tile/1/000.p/3",
        "/tile/2/000.p/1",
        "/tile/7/000.p/1",
        "/tile/8/000.p/1",
        "/tile/63/000.p/1",
        "/tile/0/x009/x223/x372/x036/x854/x775/807",
        "/tile/64/000",
        "/tile/0/0",
        "/tile/0/000.p/0",
        "/tile/0/000.p/256",
        "/tile/00/000",
        "/tile/-1/000",
        "/tile/0/../checkpoint",
        "/tile/",
        "/tile/0/000/",
        "/tile/0/000%2ep/1",
        "/tile",
        "/checkpoint/",
      })
  void whatIsNotPublished_isNotFound(String path) throws IOException {
    assertThat(get(path).status()).isEqualTo("404");
    assertThat(log.reads).isZero();
  }

  @Test
  void aTile_isThereOnceItsCheckpointIs() throws IOException {
    assertThat(get("/tile/0/002.p/89").status()).isEqualTo("404");
    log.grow(1);
    assertThat(hashes(get("/tile/0/002.p/89").body())).hasSize(89);
    assertThat(get("/tile/0/002.p/90").status()).isEqualTo("404");
    log.grow(768 - 601);
    assertThat(hashes(get("/tile/0/002").body())).hasSize(256);
    assertThat(hashes(get("/tile/1/000.p/3").body())).hasSize(3);
    assertThat(get("/tile/0/003.p/1").status()).isEqualTo("404");
  }

  @Test
  void entries_areForAuditorsAlone() throws IOException {
    Answer answer = get("/tile/entries/002.p/88", "Authorization: Bearer auditor");
    assertThat(answer.head())
        .startsWith("HTTP/1.1 200 ")
        .contains("content-type: application/octet-stream\r\n")
        .as("no cache may hand them on")
        .contains("cache-control: no-store\r\n");
    assertThat(answer.body()).isEqualTo(log.bundle(2, 88));
    assertThat(get("/tile/entries/000", "authorization: bearer auditor").status()).isEqualTo("200");
    assertThat(get("/tile/entries/002.p/89", "Authorization: Bearer auditor").status())
        .isEqualTo("404");
    assertThat(get("/tile/0/000").status()).as("hashes are for all").isEqualTo("200");
  }

  @ParameterizedTest
  @CsvSource({
    "Authorization: Bearer owner, 403",
    "Authorization: Bearer nobody, 401",
    "Authorization: Bearer, 401",
    "Authorization: Basic auditor, 401",
    "Authorization: auditor, 401",
    "X: y, 401",
    "Authorization: Bearer breaks, 500"
  })
  void entries_areRefusedOthers(String header, String status) throws IOException {
    Answer answer = get("/tile/entries/000", header);
    assertThat(answer.status()).isEqualTo(status);
    assertThat(answer.head().contains("www-authenticate: Bearer\r\n"))
        .isEqualTo(status.equals("401"));
    assertThat(answer.body()).asString(StandardCharsets.UTF_8).doesNotContain("secret");
    assertThat(log.reads).isZero();
  }

  @Test
  void twoKeys_areNone() throws IOException {
    assertThat(
            get(
                    "/tile/entries/000",
                    "Authorization: Bearer auditor",
                    "Authorization: Bearer auditor")
                .status())
        .isEqualTo("401");
  }

  @Test
  void head_tellsTheLength() throws IOException {
    Answer answer = ask("HEAD", "/tile/0/000");
    assertThat(answer.head()).startsWith("HTTP/1.1 200 ").contains("content-length: 8192\r\n");
    assertThat(answer.body()).isEmpty();
  }

  @Test
  void aReadThatTakesLong_holdsUpNobodyElse() throws Exception {
    CountDownLatch entered = new CountDownLatch(1);
    CountDownLatch released = new CountDownLatch(1);
    log.onRead =
        () -> {
          entered.countDown();
          try {
            released.await();
          } catch (InterruptedException e) {
            throw new AssertionError(e);
          }
        };
    try (Socket slow = new Socket(InetAddress.getByName("127.0.0.1"), web.boundPort())) {
      slow.getOutputStream()
          .write(
              ("GET /tile/0/000 HTTP/1.1\r\nHost: localhost\r\n\r\n"
                      + "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                  .getBytes(StandardCharsets.UTF_8));
      entered.await();
      assertThat(get("/healthz").status()).isEqualTo("200");
      released.countDown();
      String both = new String(slow.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
      assertThat(both).as("in the order asked").startsWith("HTTP/1.1 200 ").endsWith("live\n");
    }
  }

  private static List<Hash> hashes(byte[] tile) {
    assertThat(tile.length % Hash.BYTES).isZero();
    List<Hash> hashes = new ArrayList<>();
    for (int at = 0; at < tile.length; at += Hash.BYTES) {
      hashes.add(Hash.of(Arrays.copyOfRange(tile, at, at + Hash.BYTES)));
    }
    return hashes;
  }

  /// Entries in memory, all of them published.
  private static final class FakeLog implements LogFiles {
    private final SigningKey key = SigningKey.generate("log.example/test", new SecureRandom());
    private final List<byte[]> entries = new ArrayList<>();
    private volatile Note checkpoint;
    volatile int reads;
    volatile Runnable onRead = () -> {};

    FakeLog(int size) {
      grow(size);
    }

    void grow(int count) {
      for (int i = 0; i < count; i++) {
        entries.add(("entry " + entries.size()).getBytes(StandardCharsets.UTF_8));
      }
      String text =
          new Checkpoint("log.example/test", entries.size(), Merkle.root(leaves(0, entries.size())))
              .text();
      checkpoint = new Note(text, List.of(key.sign(text)));
    }

    private List<Hash> leaves(int from, int to) {
      return entries.subList(from, to).stream().map(Merkle::leaf).toList();
    }

    @Override
    public Note checkpoint() {
      return checkpoint;
    }

    @Override
    public byte[] tile(int level, long index, int width) {
      reads++;
      onRead.run();
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      int span = level == 0 ? 1 : TilePath.WIDTH;
      for (int i = 0; i < width; i++) {
        int from = ((int) index * TilePath.WIDTH + i) * span;
        out.writeBytes(Merkle.root(leaves(from, from + span)).bytes());
      }
      return out.toByteArray();
    }

    @Override
    public byte[] bundle(long index, int width) {
      reads++;
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      int from = (int) index * TilePath.WIDTH;
      for (byte[] entry : entries.subList(from, from + width)) {
        out.write(entry.length >> 8);
        out.write(entry.length);
        out.writeBytes(entry);
      }
      return out.toByteArray();
    }
  }
}
