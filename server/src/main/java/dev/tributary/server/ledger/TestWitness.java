package dev.tributary.server.ledger;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.tributary.tlog.Checkpoint;
import dev.tributary.tlog.Hash;
import dev.tributary.tlog.Merkle;
import dev.tributary.tlog.Note;
import dev.tributary.tlog.SigningKey;
import dev.tributary.tlog.TlogException;
import dev.tributary.tlog.VerifierKey;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Executors;

/// A witness of C2SP's tlog-witness for trying things out, on this machine's loopback address. It
/// does all that a witness must, and is none: a witness that the log's operator runs proves nothing
/// to others.
public final class TestWitness implements AutoCloseable {
  private static final String PATH = "/add-checkpoint";

  /// Most bytes of a request: 63 hashes and a note.
  private static final int MOST = 64 << 10;

  private static final int MOST_PROOF = 63;
  private static final int WAITING = 16;

  /// @param type of the body
  record Answer(int status, String type, String body) {
    static Answer of(int status, String why) {
      return new Answer(status, "text/plain; charset=utf-8", why + "\n");
    }
  }

  private record Request(long old, List<Hash> proof, Note note, Checkpoint checkpoint) {}

  private final SigningKey key;
  private final List<VerifierKey> logs;
  private final Disk disk;
  private final Path state;
  private final InstantSource clock;
  private final HttpServer server;

  /// The newest checkpoint of each origin, without signatures.
  private final Map<String, Checkpoint> known = new TreeMap<>();

  private TestWitness(
      SigningKey key, List<VerifierKey> logs, Disk disk, Path state, InstantSource clock, int port)
      throws IOException {
    this.key = key;
    this.logs = List.copyOf(logs);
    this.disk = disk;
    this.state = state;
    this.clock = clock;
    for (String text : WholeFile.read(disk, state).orElse("").split("(?<=\n\n)", -1)) {
      if (!text.isEmpty()) {
        Checkpoint checkpoint = Checkpoint.parse(text.substring(0, text.length() - 1));
        known.put(checkpoint.origin(), checkpoint);
      }
    }
    server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), WAITING);
  }

  /// Starts one.
  ///
  /// @param key signs
  /// @param logs whose checkpoints are cosigned; several of one name are one log's
  /// @param state the file with what is known of each log; made at first
  /// @param port 0 for any
  public static TestWitness start(SigningKey key, List<VerifierKey> logs, Path state, int port)
      throws IOException {
    TestWitness witness =
        new TestWitness(key, logs, new LocalDisk(), state, InstantSource.system(), port);
    witness.server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    witness.server.createContext(PATH, witness::exchange);
    witness.server.start();
    return witness;
  }

  /// Runs until it is ended: `PORT STATE-FILE KEY-FILE LOG-VKEY...`. The key is made if there is
  /// none. Prints the line that goes into a policy.
  public static void main(String[] args) throws IOException {
    if (args.length < 4) {
      System.err.println("TestWitness PORT STATE-FILE KEY-FILE LOG-VKEY...");
      System.exit(2);
    }
    SigningKey key = new KeyFile(Path.of(args[2])).openOrMake("witness.test/" + args[0]);
    List<VerifierKey> logs = Arrays.stream(args).skip(3).map(VerifierKey::parse).toList();
    TestWitness witness = start(key, logs, Path.of(args[1]), Integer.parseInt(args[0]));
    System.out.println(witness.policyLine("w" + args[0]));
  }

  /// Where it listens.
  public String address() {
    return "http://" + server.getAddress().getHostString() + ":" + server.getAddress().getPort();
  }

  /// `witness NAME VKEY URL`.
  public String policyLine(String name) {
    return "witness " + name + " " + key.cosignerKey() + " " + address();
  }

  private void exchange(HttpExchange exchange) throws IOException {
    try (exchange) {
      byte[] body = exchange.getRequestBody().readNBytes(MOST + 1);
      Answer answer = answer(exchange, body);
      byte[] bytes = answer.body().getBytes(StandardCharsets.UTF_8);
      exchange.getResponseHeaders().set("Content-Type", answer.type());
      exchange.sendResponseHeaders(answer.status(), bytes.length);
      exchange.getResponseBody().write(bytes);
    }
  }

  private Answer answer(HttpExchange exchange, byte[] body) throws IOException {
    if (!exchange.getRequestURI().getPath().equals(PATH)) {
      return Answer.of(404, "only " + PATH + " is here");
    }
    if (!exchange.getRequestMethod().equals("POST")) {
      return Answer.of(405, "only POST");
    }
    if (body.length > MOST) {
      return Answer.of(413, "too long");
    }
    return addCheckpoint(new String(body, StandardCharsets.UTF_8));
  }

  Answer addCheckpoint(String body) throws IOException {
    Request request;
    try {
      request = parse(body);
    } catch (IllegalArgumentException | TlogException e) {
      return Answer.of(400, "not a request: " + e.getMessage());
    }
    Checkpoint checkpoint = request.checkpoint();
    List<VerifierKey> keys =
        logs.stream().filter(log -> log.name().equals(checkpoint.origin())).toList();
    if (keys.isEmpty()) {
      return Answer.of(404, "unknown log");
    }
    if (keys.stream().noneMatch(log -> request.note().signedBy(log))) {
      return Answer.of(403, "not signed by the log");
    }
    if (request.old() > checkpoint.size()) {
      return Answer.of(400, "the old size is above the checkpoint's");
    }
    return update(request);
  }

  /// One at a time, from comparing to storing: else an older checkpoint could be stored last.
  private synchronized Answer update(Request request) throws IOException {
    Checkpoint checkpoint = request.checkpoint();
    Optional<Checkpoint> last = Optional.ofNullable(known.get(checkpoint.origin()));
    long size = last.map(Checkpoint::size).orElse(0L);
    Hash root = last.map(Checkpoint::root).orElse(Merkle.EMPTY);
    boolean fork = checkpoint.size() == size && !checkpoint.root().equals(root);
    if (request.old() != size || fork) {
      return new Answer(409, "text/x.tlog.size", size + "\n");
    }
    if (!Merkle.consistent(size, root, checkpoint.size(), checkpoint.root(), request.proof())) {
      return Answer.of(422, "the proof does not lead from what is known to the checkpoint");
    }
    known.put(checkpoint.origin(), checkpoint);
    StringBuilder text = new StringBuilder();
    known.values().forEach(each -> text.append(each.text()).append('\n'));
    WholeFile.replace(disk, state, text.toString());
    long seconds = clock.instant().getEpochSecond();
    return new Answer(
        200, "text/plain; charset=utf-8", key.cosign(checkpoint.text(), seconds) + "\n");
  }

  private static Request parse(String body) {
    int empty = body.indexOf("\n\n");
    if (empty < 0) {
      throw new IllegalArgumentException("no empty line");
    }
    String[] lines = body.substring(0, empty).split("\n", MOST_PROOF + 2);
    if (!lines[0].matches("old (0|[1-9][0-9]{0,17})") || lines.length > MOST_PROOF + 1) {
      throw new IllegalArgumentException("no old size, or too long a proof");
    }
    List<Hash> proof = new ArrayList<>();
    for (String line : List.of(lines).subList(1, lines.length)) {
      proof.add(Hash.ofBase64(line));
    }
    Note note = Note.parse(body.substring(empty + 2));
    long old = Long.parseLong(lines[0].substring("old ".length()));
    return new Request(old, proof, note, Checkpoint.parse(note.text()));
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
