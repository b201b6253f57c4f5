package dev.tributary.server.ledger;

import dev.tributary.tlog.Hash;
import dev.tributary.tlog.Note;
import dev.tributary.tlog.NoteSignature;
import dev.tributary.tlog.Policy;
import dev.tributary.tlog.TlogException;
import dev.tributary.tlog.VerifierKey;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/// Sends checkpoints to a witness: `add-checkpoint` of C2SP's tlog-witness.
final class WitnessClient {
  static final Duration TIMEOUT = Duration.ofSeconds(10);

  /// Most bytes of an answer.
  private static final int MOST = 64 << 10;

  private static final int OK = 200;
  private static final int FORBIDDEN = 403;
  private static final int NOT_FOUND = 404;
  private static final int CONFLICT = 409;
  private static final int UNPROCESSABLE = 422;

  private final HttpClient http;
  private final String name;
  private final VerifierKey key;
  private final URI address;

  /// @throws LedgerRefused if the witness has no address that could be asked
  WitnessClient(HttpClient http, Policy.Witness witness) {
    this.http = http;
    name = witness.name();
    key = witness.key();
    String prefix = witness.url().orElseThrow().replaceAll("/+$", "");
    try {
      address = URI.create(prefix + "/add-checkpoint");
      if (!List.of("http", "https").contains(address.getScheme()) || address.getHost() == null) {
        throw new IllegalArgumentException("not an address of HTTP");
      }
    } catch (IllegalArgumentException e) {
      throw new LedgerRefused("witness " + name + ": " + prefix + ": " + e.getMessage());
    }
  }

  String name() {
    return name;
  }

  /// @param old leaves that the witness is thought to know
  /// @param proof from these to the checkpoint
  WitnessAnswer send(long old, List<Hash> proof, Note checkpoint) throws InterruptedException {
    StringBuilder body = new StringBuilder("old ").append(old).append('\n');
    proof.forEach(hash -> body.append(hash.base64()).append('\n'));
    body.append('\n').append(checkpoint);
    HttpRequest request =
        HttpRequest.newBuilder(address)
            .timeout(TIMEOUT)
            .POST(HttpRequest.BodyPublishers.ofString(body.toString()))
            .build();
    CompletableFuture<HttpResponse<byte[]>> answer =
        http.sendAsync(
            request,
            HttpResponse.BodyHandlers.limiting(HttpResponse.BodyHandlers.ofByteArray(), MOST));
    try {
      // A request's own limit ends with the headers of the answer.
      HttpResponse<byte[]> response = answer.get(TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
      return read(
          response.statusCode(),
          new String(response.body(), StandardCharsets.UTF_8),
          checkpoint.text());
    } catch (ExecutionException e) {
      Throwable cause = e.getCause() instanceof IOException io ? io : e;
      return new WitnessAnswer.Failed("cannot be asked: " + cause);
    } catch (TimeoutException e) {
      return new WitnessAnswer.Failed("does not answer within " + TIMEOUT.toSeconds() + " s");
    } finally {
      answer.cancel(true);
    }
  }

  private WitnessAnswer read(int status, String body, String text) {
    return switch (status) {
      case OK -> cosigned(body, text.getBytes(StandardCharsets.UTF_8));
      case CONFLICT -> conflict(body);
      case UNPROCESSABLE -> new WitnessAnswer.Contradicted();
      case FORBIDDEN -> new WitnessAnswer.Failed("does not trust the log's key");
      case NOT_FOUND -> new WitnessAnswer.Failed("does not know the log");
      default -> new WitnessAnswer.Failed("answers with status " + status);
    };
  }

  /// Lines of keys other than the policy's mean nothing.
  private WitnessAnswer cosigned(String body, byte[] text) {
    try {
      for (String line : body.stripTrailing().split("\n", -1)) {
        NoteSignature signature = NoteSignature.parse(line);
        if (key.verifies(text, signature)) {
          return new WitnessAnswer.Cosigned(signature);
        }
      }
      return new WitnessAnswer.Failed("did not sign with the policy's key");
    } catch (TlogException e) {
      return new WitnessAnswer.Failed("answers with no signature: " + e.getMessage());
    }
  }

  private static WitnessAnswer conflict(String body) {
    return body.matches("(0|[1-9][0-9]{0,17})\n")
        ? new WitnessAnswer.Conflict(Long.parseLong(body.stripTrailing()))
        : new WitnessAnswer.Failed("names no size where it says there is a conflict");
  }
}
