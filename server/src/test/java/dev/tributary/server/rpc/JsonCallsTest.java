package dev.tributary.server.rpc;

import static dev.tributary.server.rpc.RpcFixture.say;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tributary.server.rpc.JsonCalls.Reply;
import dev.tributary.server.state.Role;
import dev.tributary.v1.GetReceiptRequest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(120)
class JsonCallsTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path folder;
  @TempDir Path data;
  private RpcFixture fixture;
  private JsonCalls calls;

  @BeforeEach
  void open() {
    fixture = RpcFixture.recording(folder, data);
    calls = fixture.server.json();
  }

  @AfterEach
  void close() {
    fixture.close();
  }

  private static JsonNode read(Reply reply) {
    try {
      return JSON.readTree(reply.json());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static JsonNode ok(Reply reply) {
    assertThat(reply.status()).as(read(reply).toString()).isEqualTo(200);
    return read(reply);
  }

  private static List<String> bearer(String key) {
    return List.of("Bearer " + key);
  }

  @Test
  void withoutAKey_onlyAnOpenServerAnswers() {
    assertThat(ok(calls.call("Inference/GetModel", Map.of(), List.of())).get("baseName").asText())
        .isEqualTo("Echo");
    String key = fixture.key("acme", Role.USER);
    Reply refused = calls.call("Inference/GetModel", Map.of(), List.of());
    assertThat(refused.status()).isEqualTo(401);
    assertThat(read(refused).get("code").asText()).isEqualTo("UNAUTHENTICATED");
    ok(calls.call("Inference/GetModel", Map.of(), bearer(key)));
  }

  @Test
  void aReceipt_isThatOfTheGrpcPortAndItsOwnersAlone() {
    String id =
        fixture.inference("acme").generateOnce(say("hello").build()).getStarted().getGenerationId();
    String owner = fixture.key("acme", Role.OWNER);
    fixture
        .provenance(owner)
        .getReceipt(GetReceiptRequest.newBuilder().setGenerationId(id).setWait(true).build());
    JsonNode list =
        ok(calls.call("Provenance/ListReceipts", Map.of("page_size", "5"), bearer(owner)));
    assertThat(list.get("receipts")).hasSize(1);
    assertThat(list.get("receipts").get(0).get("generationId").asText()).isEqualTo(id);
    JsonNode receipt =
        ok(calls.call("Provenance/GetReceipt", Map.of("generation_id", id), bearer(owner)));
    assertThat(receipt.get("summary").get("generationId").asText()).isEqualTo(id);
    assertThat(receipt.get("file").asText()).startsWith("dHJpYnV0YXJ5LXJlY2VpcHQtdjEK");

    String other = fixture.key("other", Role.OWNER);
    assertThat(
            calls
                .call("Provenance/GetReceipt", Map.of("generation_id", id), bearer(other))
                .status())
        .isEqualTo(404);
    assertThat(ok(calls.call("Provenance/ListReceipts", Map.of(), bearer(other)))).isEmpty();
    String contributor = fixture.key("acme", Role.AUDITOR);
    Reply denied = calls.call("Provenance/ListReceipts", Map.of(), bearer(contributor));
    assertThat(denied.status()).isEqualTo(403);
  }

  @Test
  void adaptersAndCheckpoints_areThere() {
    JsonNode adapters = ok(calls.call("Adapters/ListAdapters", Map.of(), List.of()));
    assertThat(adapters.get("adapters").get(0).get("name").asText()).isEqualTo("public/loud");
    JsonNode versions =
        ok(calls.call("Adapters/ListVersions", Map.of("adapter", "public/loud"), List.of()));
    assertThat(versions.get("versions").get(0).get("tier").asText()).startsWith("TIER_");
    JsonNode checkpoint = ok(calls.call("Provenance/GetCheckpoint", Map.of(), List.of()));
    assertThat(checkpoint.get("verifierKey").asText()).startsWith("log.example/test+");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          Inference/Generate | prompt | x | 404
          Adapters/DeleteAdapter | name | loud | 404
          Provenance/GetEntries | start | 0 | 404
          Provenance/GetReceipt | generation_id | none | 404
          Provenance/GetReceipt | colour | red | 400
          Provenance/ListReceipts | page_size | many | 400
          Provenance/ListReceipts | page_size | -1 | 400
          Provenance/ListReceipts | time.start | yesterday | 400
          Provenance/ListReceipts | page_token.x | 1 | 400
          Provenance/GetStatement | contributor | ann | 403
          Adapters/ListVersions | adapter | none | 404
          """)
  void whatCannotBe_hasItsStatus(String method, String field, String value, int status) {
    Reply reply = calls.call(method, Map.of(field, value), List.of());
    assertThat(reply.status()).as(read(reply).toString()).isEqualTo(status);
    assertThat(read(reply).get("message").asText()).isNotEmpty();
  }

  @Test
  void fieldsWithin_haveDottedNames() {
    Map<String, String> ended =
        Map.of("time.start", "2026-01-01T00:00:00Z", "time.end", "2026-02-01T00:00:00Z");
    assertThat(ok(calls.call("Provenance/ListReceipts", ended, List.of()))).isEmpty();
    Reply both =
        calls.call("Provenance/ListReceipts", Map.of("time", "1", "time.end", "2"), List.of());
    assertThat(both.status()).isEqualTo(400);
  }

  @Test
  void aWrongKey_isRefusedEvenWhereNoneIsNeeded() {
    for (List<String> header :
        List.of(
            bearer("nobody's"),
            List.of("Basic x"),
            List.of("Bearer a", "Bearer b"),
            List.of("Bearer \u00fc"),
            List.of(""))) {
      assertThat(calls.call("Inference/GetModel", Map.of(), header).status())
          .as("%s", header)
          .isEqualTo(401);
      assertThat(calls.tokens("1", header).status()).as("%s", header).isEqualTo(401);
    }
  }

  @Test
  void tokens_haveTheirBytes() throws IOException {
    JsonNode told = ok(calls.tokens("65,255,66", List.of()));
    assertThat(told.get("baseDigest").asText()).isEqualTo(TinyAdapters.BASE_DIGEST);
    assertThat(told.get("tokens")).hasSize(3);
    for (JsonNode token : told.get("tokens")) {
      assertThat(token.get("bytes").binaryValue())
          .isEqualTo(ByteTokens.tokenizer(true).bytes(token.get("id").asInt()));
    }
    for (String wrong : List.of("", "x", "-1", "1,,2", "1000000", "99999999999")) {
      assertThat(calls.tokens(wrong, List.of()).status()).as(wrong).isEqualTo(400);
    }
    String many =
        IntStream.rangeClosed(0, JsonCalls.MAX_TOKENS)
            .mapToObj(i -> "1")
            .collect(Collectors.joining(","));
    assertThat(calls.tokens(many, List.of()).status()).isEqualTo(400);
  }
}
