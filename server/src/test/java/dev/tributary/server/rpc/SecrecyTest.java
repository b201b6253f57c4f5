package dev.tributary.server.rpc;

import static dev.tributary.server.rpc.RpcFixture.refused;
import static dev.tributary.server.rpc.RpcFixture.say;
import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.sun.net.httpserver.HttpServer;
import dev.tributary.server.metrics.Traces;
import dev.tributary.v1.AdapterSelector;
import dev.tributary.v1.GenerateRequest;
import dev.tributary.v1.GenerateResponse;
import dev.tributary.v1.ScoreRequest;
import io.grpc.Status;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/// What people ask and are answered is nowhere but in the calls.
@Timeout(60)
class SecrecyTest {
  private static final String SECRET = "my secret illness";

  private final List<String> exported = new CopyOnWriteArrayList<>();

  private HttpServer collector() throws IOException {
    HttpServer collector =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    collector.createContext(
        "/",
        exchange -> {
          byte[] body = exchange.getRequestBody().readAllBytes();
          exported.add(new String(body, StandardCharsets.ISO_8859_1));
          exchange.sendResponseHeaders(200, -1);
          exchange.close();
        });
    collector.start();
    return collector;
  }

  /// Answered, scored and refused.
  private static void use(RpcFixture fixture) {
    GenerateResponse answer = fixture.inference().generateOnce(say(SECRET).build());
    assertThat(answer.getText()).isEqualTo(SECRET);
    GenerateRequest unknown =
        say(SECRET).addAdapters(AdapterSelector.newBuilder().setName("none")).build();
    refused(Status.Code.NOT_FOUND, () -> fixture.inference().generateOnce(unknown));
    fixture
        .inference()
        .score(
            ScoreRequest.newBuilder()
                .addItems(ScoreRequest.Item.newBuilder().setPrompt(SECRET).setCompletion(SECRET))
                .build());
  }

  @Test
  void promptsAndAnswers_areInNoLogMetricOrSpan(@TempDir Path folder) throws IOException {
    Logger ours = (Logger) LoggerFactory.getLogger("dev.tributary");
    Logger answers = (Logger) LoggerFactory.getLogger("dev.tributary.server.answers");
    Level before = ours.getLevel();
    Level answersBefore = answers.getLevel();
    ListAppender<ILoggingEvent> logged = new ListAppender<>();
    logged.start();
    HttpServer collector = collector();
    ours.setLevel(Level.TRACE);
    answers.setLevel(Level.TRACE);
    ours.addAppender(logged);
    String scraped;
    URI endpoint = URI.create("http://localhost:" + collector.getAddress().getPort());
    try (Traces traces = Traces.toOtlp(endpoint, Map.of(), 1, "1");
        RpcFixture fixture = new RpcFixture(folder, RpcFixture.Options.PLAIN, traces)) {
      fixture.server.serve();
      use(fixture);
      scraped = fixture.metrics.scrape();
    } finally {
      ours.detachAppender(logged);
      ours.setLevel(before);
      answers.setLevel(answersBefore);
      collector.stop(0);
    }
    String log =
        logged.list.stream()
            .map(event -> event.getFormattedMessage() + event.getKeyValuePairs())
            .collect(Collectors.joining("\n"));
    assertThat(log)
        .contains("tributary.v1.Inference/GenerateOnce", "generation_id", "outcome=\"stop\"")
        .doesNotContain("secret");
    assertThat(String.join("", exported))
        .contains("tributary.v1.Inference/GenerateOnce", "tributary.v1.Inference/Score", "decode")
        .doesNotContain("secret");
    assertThat(scraped).contains("tributary_answers_total").doesNotContain("secret");
  }
}
