package dev.tributary.server.rpc;

import static dev.tributary.server.rpc.RpcFixture.refused;
import static dev.tributary.server.rpc.RpcFixture.say;
import static dev.tributary.server.rpc.RpcFixture.sayMuch;
import static dev.tributary.server.rpc.RpcFixture.until;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.tributary.record.AuditRecord;
import dev.tributary.record.Kind;
import dev.tributary.record.Proven;
import dev.tributary.record.Receipt;
import dev.tributary.record.SaltedField;
import dev.tributary.server.accounts.Generation;
import dev.tributary.server.accounts.GenerationQuery;
import dev.tributary.server.state.Role;
import dev.tributary.v1.AdapterSelector;
import dev.tributary.v1.DeleteAdapterRequest;
import dev.tributary.v1.GenerateEvent;
import dev.tributary.v1.GenerateRequest;
import dev.tributary.v1.GenerateResponse;
import dev.tributary.v1.GetReceiptRequest;
import dev.tributary.v1.InferenceGrpc;
import dev.tributary.v1.ProvenanceGrpc;
import dev.tributary.v1.ReplayRequest;
import dev.tributary.v1.ReplayResult;
import dev.tributary.v1.ReplayResult.Outcome;
import dev.tributary.v1.Tokens;
import io.grpc.Status;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class ReplaysTest {
  private RpcFixture fixture;
  private Books books;

  @BeforeEach
  void start(@TempDir Path folder, @TempDir Path data) {
    fixture = RpcFixture.recording(folder, data);
    books = Objects.requireNonNull(fixture.books);
  }

  @AfterEach
  void stop() {
    fixture.close();
  }

  private List<GenerateEvent> replay(ReplayRequest request) {
    List<GenerateEvent> events = new ArrayList<>();
    fixture.inference().replay(request).forEachRemaining(events::add);
    return events;
  }

  private ReplayResult byId(String id) {
    return replay(ReplayRequest.newBuilder().setGenerationId(id).build())
        .getLast()
        .getFinished()
        .getReplay();
  }

  private static String id(GenerateResponse answer) {
    return answer.getStarted().getGenerationId();
  }

  private Receipt receipt(String id) {
    return Receipt.parse(
        ProvenanceGrpc.newBlockingStub(fixture.channel)
            .getReceipt(GetReceiptRequest.newBuilder().setGenerationId(id).setWait(true).build())
            .getFile()
            .toByteArray());
  }

  private ReplayResult brought(Receipt receipt) {
    return replay(
            ReplayRequest.newBuilder().setRecord(ByteString.copyFrom(receipt.bytes())).build())
        .getLast()
        .getFinished()
        .getReplay();
  }

  private List<AuditRecord> audits() {
    return books.ledger().entries(0, 256).stream()
        .filter(entry -> entry.leaf().kind() == Kind.AUDIT)
        .map(entry -> AuditRecord.of(entry.sealed().orElseThrow()))
        .toList();
  }

  private static GenerateRequest.Builder loud(String line) {
    return say(line).addAdapters(AdapterSelector.newBuilder().setName("loud").setScale(0.5f));
  }

  @Test
  void aReplay_givesTheSameAnswerAndSaysSo() {
    GenerateRequest.Builder request = loud("hello");
    request.getOutputBuilder().setLogprobs(3);
    request.getSamplingBuilder().setTemperature(1).setSeed(-7);
    GenerateResponse answer = fixture.inference().generateOnce(request.build());

    List<GenerateEvent> events =
        replay(ReplayRequest.newBuilder().setGenerationId(id(answer)).build());
    assertThat(events.getFirst().getStarted().getGenerationId()).isEqualTo(id(answer));
    assertThat(events.stream().flatMap(e -> e.getDelta().getTokenIdsList().stream()))
        .isEqualTo(answer.getTokenIdsList());
    ReplayResult result = events.getLast().getFinished().getReplay();
    assertThat(result.getOutcome()).isEqualTo(Outcome.OUTCOME_IDENTICAL);
    assertThat(result.getNumericsId()).isEqualTo(result.getRecordedNumericsId());
    AuditRecord audit = audits().getFirst();
    assertThat(audit.open().generationLeaf()).isEqualTo(answer.getReceipt().getLeafIndex());
    assertThat(audit.open().result()).isEqualTo("IDENTICAL");
    assertThat(audit.askedBy()).isEqualTo("public");
  }

  @Test
  void aReplay_isNoGeneration() {
    GenerateResponse answer = fixture.inference().generateOnce(say("hello").build());
    var unused = byId(id(answer));
    assertThat(
            books.ledger().entries(0, 256).stream()
                .filter(entry -> entry.leaf().kind() == Kind.GENERATION))
        .hasSize(1);
  }

  @Test
  void aCancelledAnswer_replaysUpToWhereItCame() {
    RpcFixture.Hold hold = fixture.holdEngine();
    var call = InferenceGrpc.newFutureStub(fixture.channel).generateOnce(sayMuch(500).build());
    hold.awaitStep();
    call.cancel(true);
    hold.release();
    GenerationQuery newest = GenerationQuery.of("public", 1);
    until(() -> !books.accounts().generations(newest).isEmpty());
    Generation generation = books.accounts().generations(newest).getFirst();

    assertThat(byId(generation.id()).getOutcome()).isEqualTo(Outcome.OUTCOME_IDENTICAL);
  }

  @Test
  void aModelThatSaysSomethingElse_isFoundOut() {
    GenerateResponse answer = fixture.inference().generateOnce(sayMuch(20).build());
    // The prompt is one token.
    fixture.model.wrongFrom = 13;
    ReplayResult result = byId(id(answer));
    assertThat(result.getOutcome()).isEqualTo(Outcome.OUTCOME_DIFFERENT);
    assertThat(result.getPosition()).isEqualTo(12);
    assertThat(audits().getFirst().open().result()).isEqualTo("DIFFERENT");
  }

  @Test
  void aVersionThatIsGone_isSaidToBe() {
    String tenant = "acme";
    var uploaded = fixture.uploader(tenant).upload("town", fixture.adapters.files(1));
    GenerateResponse answer =
        fixture
            .inference(tenant)
            .generateOnce(
                say("x").addAdapters(AdapterSelector.newBuilder().setName("town")).build());
    fixture
        .adapterService(tenant)
        .deleteAdapter(DeleteAdapterRequest.newBuilder().setName("town").build());
    List<GenerateEvent> events = new ArrayList<>();
    fixture
        .inference(tenant)
        .replay(ReplayRequest.newBuilder().setGenerationId(id(answer)).build())
        .forEachRemaining(events::add);
    assertThat(events.getLast().getFinished().getReplay().getOutcome())
        .isEqualTo(Outcome.OUTCOME_VERSION_GONE);
  }

  @Test
  void aReceiptOfAnErasedAnswer_isNotReplayed() {
    GenerateResponse answer = fixture.inference().generateOnce(loud("hello").build());
    Receipt receipt = receipt(id(answer));
    books.ledger().erase(List.of(answer.getReceipt().getLeafIndex()), "public", "request");

    assertThat(brought(receipt).getOutcome()).isEqualTo(Outcome.OUTCOME_ERASED);
    assertThat(audits()).isEmpty();
  }

  @Test
  void aReceiptWithoutItsPrompt_needsIt() {
    GenerateResponse answer = fixture.inference().generateOnce(loud("hello").build());
    Receipt whole = receipt(id(answer));
    SaltedField prompt = whole.generation().opened("generation.prompt").orElseThrow();
    Receipt hidden =
        new Receipt(
            whole.generation().hiding(Set.of("generation.prompt")),
            Optional.empty(),
            List.of(),
            List.of(),
            whole.checkpoint());
    refused(Status.Code.INVALID_ARGUMENT, () -> brought(hidden));

    Tokens.Builder tokens = Tokens.newBuilder();
    ByteBuffer data = ByteBuffer.wrap(prompt.data());
    while (data.hasRemaining()) {
      tokens.addIds(data.getInt());
    }
    ReplayRequest.Builder request =
        ReplayRequest.newBuilder()
            .setRecord(ByteString.copyFrom(hidden.bytes()))
            .setOpenedPrompt(tokens)
            .setOpenedPromptSalt(ByteString.copyFrom(prompt.salt()));
    assertThat(replay(request.build()).getLast().getFinished().getReplay().getOutcome())
        .isEqualTo(Outcome.OUTCOME_IDENTICAL);

    request.setOpenedPrompt(tokens.addIds(1));
    refused(Status.Code.INVALID_ARGUMENT, () -> replay(request.build()));
  }

  @Test
  void aReceiptOfAnotherLogOrTenant_isRefused(@TempDir Path other) {
    GenerateResponse answer = fixture.inference().generateOnce(say("hello").build());
    Receipt ours = receipt(id(answer));
    Proven moved =
        new Proven(
            List.of(new Proven.Placed(ours.generation().leaf(), new Proven.Place(0, List.of()))),
            ours.generation().fields());
    refused(
        Status.Code.INVALID_ARGUMENT,
        () ->
            brought(new Receipt(moved, Optional.empty(), List.of(), List.of(), ours.checkpoint())));
    refused(
        Status.Code.INVALID_ARGUMENT,
        () -> replay(ReplayRequest.newBuilder().setRecord(ByteString.copyFromUtf8("x")).build()));
    String acme = fixture.key("acme", Role.USER);
    refused(
        Status.Code.NOT_FOUND,
        () ->
            fixture
                .inference()
                .withInterceptors(RpcFixture.bearer(acme))
                .replay(
                    ReplayRequest.newBuilder().setRecord(ByteString.copyFrom(ours.bytes())).build())
                .forEachRemaining(event -> {}));
  }

  @Test
  void anUnknownGeneration_isNotFound_likeAnothers() {
    GenerateResponse answer = fixture.inference().generateOnce(say("hello").build());
    String acme = fixture.key("acme", Role.USER);
    for (String id : List.of("none", id(answer))) {
      refused(
          Status.Code.NOT_FOUND,
          () ->
              fixture
                  .inference()
                  .withInterceptors(RpcFixture.bearer(acme))
                  .replay(ReplayRequest.newBuilder().setGenerationId(id).build())
                  .forEachRemaining(event -> {}));
    }
    refused(
        Status.Code.INVALID_ARGUMENT,
        () ->
            fixture
                .inference()
                .withInterceptors(RpcFixture.bearer(acme))
                .replay(ReplayRequest.getDefaultInstance())
                .forEachRemaining(event -> {}));
  }
}
