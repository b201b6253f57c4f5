package dev.tributary.server.rpc;

import static dev.tributary.server.rpc.RpcFixture.say;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tributary.record.AdapterBuildRecord;
import dev.tributary.record.AdapterBuildRecord.Provenance;
import dev.tributary.record.Pseudonym;
import dev.tributary.record.Receipt;
import dev.tributary.record.ReceiptVerifier;
import dev.tributary.record.Shares;
import dev.tributary.record.Trust;
import dev.tributary.server.accounts.Generation;
import dev.tributary.server.rpc.Attributing.Answered;
import dev.tributary.server.rpc.Attributing.Attributed;
import dev.tributary.server.rpc.Attributing.Contributor;
import dev.tributary.server.rpc.Attributing.Outcome;
import dev.tributary.server.rpc.Attributing.Share;
import dev.tributary.server.rpc.Attributing.Span;
import dev.tributary.server.state.Role;
import dev.tributary.tlog.Hash;
import dev.tributary.tlog.Merkle;
import dev.tributary.v1.AdapterSelector;
import dev.tributary.v1.Attribution;
import dev.tributary.v1.GenerateRequest;
import dev.tributary.v1.GenerateResponse;
import dev.tributary.v1.GetReceiptRequest;
import dev.tributary.v1.ReceiptFile;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// From an answer to its receipt and to what its contributors are paid, through a real ledger.
@Timeout(120)
class AttributedReceiptTest {
  private static final GenerateRequest REQUEST =
      say("hey").addAdapters(AdapterSelector.newBuilder().setName("loud")).build();

  @TempDir Path folder;
  @TempDir Path data;
  private RpcFixture fixture;
  private Books books;

  @BeforeEach
  void open() {
    fixture = RpcFixture.recording(folder, data);
    books = Objects.requireNonNull(fixture.books);
    fixture.attributing = answer -> CompletableFuture.completedFuture(shares(answer));
  }

  @AfterEach
  void close() {
    fixture.close();
  }

  private static Outcome shares(Answered answer) {
    Hash adapter = answer.adapters().getFirst().digest();
    Contributor ann = new Contributor(adapter, "ann");
    return new Attributed(
        "test-v1",
        List.of(new Share(ann, 600_000)),
        400_000,
        0,
        List.of(new Span(0, 3, List.of(ann, new Contributor(adapter, "bob")))),
        new byte[] {7});
  }

  private void build(Provenance provenance) {
    String digest =
        fixture.inference().generateOnce(REQUEST).getStarted().getAdapters(0).getDigest();
    long leaf =
        books
            .ledger()
            .append(
                new AdapterBuildRecord(
                    new AdapterBuildRecord.Open(
                        1,
                        Hash.ofText(digest),
                        Hash.ofText(TinyAdapters.BASE_DIGEST),
                        Merkle.EMPTY,
                        provenance,
                        "test-v1",
                        "",
                        null),
                    "public",
                    "loud",
                    1,
                    "",
                    fixture.pseudonymKey))
            .join();
    assertThat(leaf).isPositive();
  }

  private ReceiptFile receipt(GenerateResponse answer) {
    return fixture
        .provenance(fixture.key("checkers", Role.ADMIN))
        .getReceipt(
            GetReceiptRequest.newBuilder()
                .setGenerationId(answer.getStarted().getGenerationId())
                .setWait(true)
                .build());
  }

  private Generation generation(GenerateResponse answer) {
    books.follow();
    return books.accounts().generation(answer.getStarted().getGenerationId()).orElseThrow();
  }

  @Test
  void aReceipt_hasTheSharesAndVerifies() {
    build(Provenance.TRAINED_HERE);
    GenerateResponse answer = fixture.inference().generateOnce(REQUEST);
    ReceiptFile file = receipt(answer);

    assertThat(
            ReceiptVerifier.verify(
                file.getFile().toByteArray(), new Trust.Pinned(books.ledger().log().verifierKey())))
        .allSatisfy(check -> assertThat(check.ok()).as(check.sentence()).isTrue());
    Receipt parsed = Receipt.parse(file.getFile().toByteArray());
    assertThat(parsed.builds()).hasSize(1);
    Attribution told = file.getSummary().getAttribution();
    assertThat(told.getMethod()).isEqualTo("test-v1");
    assertThat(told.getShares(0).getContributor())
        .isEqualTo(Pseudonym.of(fixture.pseudonymKey, "ann").toString());
    assertThat(told.getShares(0).getPpm()).isEqualTo(600_000);
    assertThat(generation(answer).attribution().orElseThrow().shares())
        .containsExactly(new Generation.Share("ann", 600_000, true));
  }

  @Test
  void sharesOfAClaimedBuild_areShownAndNotPaid() {
    build(Provenance.CLAIMED);
    GenerateResponse answer = fixture.inference().generateOnce(REQUEST);
    assertThat(receipt(answer).getSummary().getAttribution().getShares(0).getPpm())
        .isEqualTo(600_000);
    assertThat(generation(answer).attribution().orElseThrow().shares())
        .containsExactly(new Generation.Share("ann", 600_000, false));
  }

  @Test
  void anAnswerBeforeTheBuild_isUnattributed() {
    GenerateResponse answer = fixture.inference().generateOnce(REQUEST);
    Attribution told = receipt(answer).getSummary().getAttribution();
    assertThat(told.getMethod()).isEqualTo("unattributed-v1");
    assertThat(told.getUnattributedPpm()).isEqualTo(Shares.WHOLE);
  }

  @Test
  void spansOfThoseWithoutAShare_areTold() {
    build(Provenance.TRAINED_HERE);
    fixture.attributing =
        answer ->
            CompletableFuture.completedFuture(
                new Attributed(
                    "test-v1",
                    List.of(),
                    0,
                    Shares.WHOLE,
                    List.of(
                        new Span(
                            0,
                            3,
                            List.of(
                                new Contributor(answer.adapters().getFirst().digest(), "bob")))),
                    new byte[0]));
    GenerateResponse answer = fixture.inference().generateOnce(REQUEST);
    var receipts = new Receipts(books.ledger(), books.accounts());
    RpcFixture.until(() -> generation(answer).attribution().isPresent());
    Attribution own = receipts.summary(generation(answer), Receipts.Reader.OWN).getAttribution();
    assertThat(own.getSharesCount()).isZero();
    assertThat(own.getSpans(0).getContributorsList()).containsExactly("bob");
    Attribution others =
        receipts.summary(generation(answer), Receipts.Reader.AUDITOR).getAttribution();
    assertThat(others.getSpansList()).isEmpty();
  }
}
