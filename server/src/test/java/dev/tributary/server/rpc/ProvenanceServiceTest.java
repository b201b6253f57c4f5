package dev.tributary.server.rpc;

import static dev.tributary.server.rpc.RpcFixture.detail;
import static dev.tributary.server.rpc.RpcFixture.refused;
import static dev.tributary.server.rpc.RpcFixture.say;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.protobuf.Timestamp;
import com.google.rpc.BadRequest;
import dev.tributary.record.Check;
import dev.tributary.record.Leaf;
import dev.tributary.record.PriceRuleRecord;
import dev.tributary.record.Pseudonym;
import dev.tributary.record.ReceiptVerifier;
import dev.tributary.record.SaltedField;
import dev.tributary.record.SettlementRecord;
import dev.tributary.record.Shares;
import dev.tributary.record.Trust;
import dev.tributary.server.state.Role;
import dev.tributary.tlog.Checkpoint;
import dev.tributary.tlog.Hash;
import dev.tributary.tlog.Merkle;
import dev.tributary.tlog.Note;
import dev.tributary.tlog.VerifierKey;
import dev.tributary.v1.Attribution;
import dev.tributary.v1.GetCheckpointRequest;
import dev.tributary.v1.GetConsistencyProofRequest;
import dev.tributary.v1.GetEntriesRequest;
import dev.tributary.v1.GetEntriesResponse;
import dev.tributary.v1.GetInclusionProofRequest;
import dev.tributary.v1.GetReceiptRequest;
import dev.tributary.v1.GetStatementRequest;
import dev.tributary.v1.InclusionProof;
import dev.tributary.v1.ListReceiptsRequest;
import dev.tributary.v1.ListReceiptsResponse;
import dev.tributary.v1.ProvenanceGrpc.ProvenanceBlockingStub;
import dev.tributary.v1.Receipt;
import dev.tributary.v1.ReceiptFile;
import dev.tributary.v1.Statement;
import dev.tributary.v1.TimeRange;
import dev.tributary.v1.WatchCheckpointsRequest;
import io.grpc.Status;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class ProvenanceServiceTest {
  private static final long DAY = 24 * LedgerSamples.HOUR;

  @TempDir Path folder;
  @TempDir Path data;
  private RpcFixture fixture;
  private LedgerSamples samples;
  private ProvenanceBlockingStub owner;
  private ProvenanceBlockingStub auditor;

  @BeforeEach
  void open() {
    fixture = RpcFixture.recording(folder, data);
    samples = new LedgerSamples(Objects.requireNonNull(fixture.books).ledger());
    owner = fixture.provenance(fixture.key("acme", Role.OWNER));
    auditor = fixture.provenance(fixture.key("checkers", Role.AUDITOR));
  }

  @AfterEach
  void close() {
    fixture.close();
  }

  private static GetReceiptRequest of(String id) {
    return GetReceiptRequest.newBuilder().setGenerationId(id).build();
  }

  private static GetReceiptRequest waitingFor(String id) {
    return GetReceiptRequest.newBuilder().setGenerationId(id).setWait(true).build();
  }

  private VerifierKey key() {
    return samples.ledger().log().verifierKey();
  }

  private List<Check> verified(ReceiptFile file) {
    return ReceiptVerifier.verify(file.getFile().toByteArray(), new Trust.Pinned(key()));
  }

  @Test
  void anAnswersReceipt_verifiesOffline() {
    String id =
        fixture.inference("acme").generateOnce(say("hello").build()).getStarted().getGenerationId();
    ReceiptFile receipt = owner.getReceipt(waitingFor(id));
    assertThat(verified(receipt))
        .allSatisfy(check -> assertThat(check.ok()).as(check.sentence()).isTrue());
    assertThat(verified(receipt))
        .extracting(Check::name)
        .contains(Check.Name.GENERATION_IN_LOG, Check.Name.ATTRIBUTION_IN_LOG, Check.Name.SHARES);
    Receipt summary = receipt.getSummary();
    assertThat(summary.getGenerationId()).isEqualTo(id);
    assertThat(summary.hasEndTime()).isTrue();
    Attribution attribution = summary.getAttribution();
    assertThat(attribution.getBasePpm() + attribution.getUnattributedPpm()).isEqualTo(Shares.WHOLE);
    var parsed = dev.tributary.record.Receipt.parse(receipt.getFile().toByteArray());
    assertThat(parsed.generation().index()).isEqualTo(summary.getLeafIndex());
    assertThat(parsed.generation().sealed()).as("all of it is opened").isPresent();
  }

  @Test
  void aReceipt_hasTheBuildsOfItsAdapters() {
    long build = samples.build("acme/town");
    long foreign = samples.build("public/guide");
    long leaf = samples.generation("g1", "acme", DAY, "acme/town", "public/guide");
    samples.attribution(leaf, "ann", 250_000);
    ReceiptFile file = owner.getReceipt(of("g1"));
    assertThat(verified(file))
        .allSatisfy(check -> assertThat(check.ok()).as(check.sentence()).isTrue());
    var receipt = dev.tributary.record.Receipt.parse(file.getFile().toByteArray());
    assertThat(receipt.builds()).extracting(each -> each.index()).containsExactly(build, foreign);
    assertThat(receipt.builds().getFirst().opened("adapter_build.name")).isPresent();
    assertThat(receipt.builds())
        .allSatisfy(each -> assertThat(each.opened("adapter_build.pseudonym_key")).isEmpty());
    assertThat(receipt.builds().getLast().opened("adapter_build.name"))
        .as("another tenant's")
        .isEmpty();
  }

  @Test
  void contributors_haveNamesOnlyToTheOwnerOfTheAdapters() {
    samples.attribution(samples.generation("own", "acme", DAY, "acme/town"), "ann", 250_000);
    samples.attribution(samples.generation("other", "acme", DAY, "public/guide"), "ann", 250_000);
    ReceiptFile own = owner.getReceipt(of("own"));
    assertThat(own.getSummary().getAttribution().getShares(0).getContributor()).isEqualTo("ann");
    assertThat(own.getSummary().getAttribution().getShares(0).getPpm()).isEqualTo(250_000);
    assertThat(own.getSummary().getAttribution().getBasePpm()).isEqualTo(750_000);
    assertThat(own.getSummary().getAttribution().getSpans(0).getContributorsList())
        .containsExactly("ann");
    ReceiptFile other = owner.getReceipt(of("other"));
    assertThat(other.getSummary().getAttribution().getShares(0).getContributor())
        .isEqualTo(Pseudonym.of(LedgerSamples.KEY, "ann").toString());
    var receipt = dev.tributary.record.Receipt.parse(other.getFile().toByteArray());
    assertThat(receipt.attribution().orElseThrow().opened("attribution.contributors")).isEmpty();
    assertThat(list(ListReceiptsRequest.newBuilder().setContributor("ann")))
        .as("whether somebody has a share is as private as their name")
        .containsExactly("own");
    assertThat(
            owner
                .listReceipts(
                    ListReceiptsRequest.newBuilder().setContributor("ann").setPageSize(1).build())
                .getReceipts(0)
                .getGenerationId())
        .as("not even by a page that is empty")
        .isEqualTo("own");
    invalid(
        "contributor",
        () -> owner.listReceipts(ListReceiptsRequest.newBuilder().setContributor("a\0b").build()));
  }

  @Test
  void getReceipt_waitsForTheAttributionIfAsked() throws Exception {
    long leaf = samples.generation("g1", "acme", DAY, "acme/town");
    ReceiptFile pending = owner.getReceipt(of("g1"));
    assertThat(pending.getSummary().hasPending()).isTrue();
    assertThat(pending.getSummary().getLeafIndex()).isEqualTo(leaf);
    assertThat(verified(pending)).allMatch(Check::ok);
    var unused =
        refused(
            Status.Code.DEADLINE_EXCEEDED,
            () -> owner.withDeadlineAfter(300, TimeUnit.MILLISECONDS).getReceipt(waitingFor("g1")));
    CompletableFuture<ReceiptFile> waiting =
        CompletableFuture.supplyAsync(() -> owner.getReceipt(waitingFor("g1")));
    samples.attribution(leaf, "ann", 1_000_000);
    ReceiptFile whole = waiting.get();
    assertThat(whole.getSummary().getAttribution().getShares(0).getPpm()).isEqualTo(1_000_000);
    assertThat(verified(whole)).allMatch(Check::ok);
  }

  private List<String> list(ListReceiptsRequest.Builder request) {
    return owner.listReceipts(request.build()).getReceiptsList().stream()
        .map(Receipt::getGenerationId)
        .toList();
  }

  private static Timestamp time(long micros) {
    return Timestamp.newBuilder()
        .setSeconds(micros / 1_000_000)
        .setNanos((int) (micros % 1_000_000) * 1_000)
        .build();
  }

  @Test
  void listReceipts_isPagedAndFiltered() {
    for (int i = 1; i <= 5; i++) {
      samples.attribution(
          samples.generation("g" + i, "acme", DAY + i, i % 2 == 0 ? "acme/town" : "public/guide"),
          i == 2 ? "ann" : "bob",
          100);
    }
    samples.generation("theirs", "bolt", DAY, "acme/town");
    List<String> all = new ArrayList<>();
    String token = "";
    do {
      ListReceiptsResponse page =
          owner.listReceipts(
              ListReceiptsRequest.newBuilder().setPageSize(2).setPageToken(token).build());
      page.getReceiptsList().forEach(each -> all.add(each.getGenerationId()));
      assertThat(page.getReceiptsCount()).isLessThanOrEqualTo(2);
      token = page.getNextPageToken();
    } while (!token.isEmpty());
    assertThat(all).containsExactly("g5", "g4", "g3", "g2", "g1");
    assertThat(list(ListReceiptsRequest.newBuilder().setAdapter("acme/town")))
        .containsExactly("g4", "g2");
    assertThat(list(ListReceiptsRequest.newBuilder().setAdapter("town"))).hasSize(2);
    assertThat(list(ListReceiptsRequest.newBuilder().setContributor("ann"))).containsExactly("g2");
    TimeRange range = TimeRange.newBuilder().setStart(time(DAY + 2)).setEnd(time(DAY + 4)).build();
    assertThat(list(ListReceiptsRequest.newBuilder().setTime(range))).containsExactly("g3", "g2");
  }

  @Test
  void listReceipts_refusesWhatItCannotMean() {
    invalid(
        "time.end",
        () ->
            owner.listReceipts(
                ListReceiptsRequest.newBuilder()
                    .setTime(TimeRange.newBuilder().setStart(time(2)).setEnd(time(2)))
                    .build()));
    invalid(
        "time.start",
        () ->
            owner.listReceipts(
                ListReceiptsRequest.newBuilder()
                    .setTime(
                        TimeRange.newBuilder()
                            .setStart(Timestamp.newBuilder().setSeconds(Long.MAX_VALUE)))
                    .build()));
    invalid(
        "page_token",
        () -> owner.listReceipts(ListReceiptsRequest.newBuilder().setPageToken("x").build()));
    invalid(
        "adapter",
        () -> owner.listReceipts(ListReceiptsRequest.newBuilder().setAdapter("a b").build()));
    invalid("generation_id", () -> owner.getReceipt(of("")));
  }

  private static void invalid(String field, ThrowingCallable call) {
    BadRequest details = detail(refused(Status.Code.INVALID_ARGUMENT, call), BadRequest.class);
    assertThat(details.getFieldViolations(0).getField()).isEqualTo(field);
  }

  private dev.tributary.v1.Checkpoint newest() {
    return owner.getCheckpoint(GetCheckpointRequest.getDefaultInstance());
  }

  @Test
  void getCheckpoint_isTheSignedNote() {
    samples.ledger().log().covering(samples.build("acme/a")).join();
    dev.tributary.v1.Checkpoint first = newest();
    Note note = Note.parse(first.getNote());
    Checkpoint tree = Checkpoint.parse(note.text());
    assertThat(note.signedBy(VerifierKey.parse(first.getVerifierKey()))).isTrue();
    assertThat(first.getVerifierKey()).isEqualTo(key().toString());
    assertThat(first.getOrigin()).isEqualTo(tree.origin()).isEqualTo("log.example/test");
    assertThat(first.getSize()).isEqualTo(tree.size()).isPositive();
    assertThat(first.getRootDigest()).isEqualTo(tree.root().text());
    assertThat(first.hasTime()).as("nobody but the server said when").isFalse();
    samples.ledger().log().covering(samples.build("acme/b")).join();
    assertThat(newest().getSize()).isGreaterThan(first.getSize());
    assertThat(
            owner.getCheckpoint(GetCheckpointRequest.newBuilder().setSize(first.getSize()).build()))
        .isEqualTo(first);
    for (long none : new long[] {-1, newest().getSize() + 1, Long.MAX_VALUE}) {
      invalid(
          "size",
          () -> owner.getCheckpoint(GetCheckpointRequest.newBuilder().setSize(none).build()));
    }
  }

  @Test
  void proofs_leadToPublishedCheckpoints() {
    samples.ledger().log().covering(samples.generation("g1", "acme", DAY, "acme/a")).join();
    dev.tributary.v1.Checkpoint old = newest();
    samples.ledger().log().covering(samples.generation("g2", "acme", DAY, "acme/a")).join();
    dev.tributary.v1.Checkpoint now = newest();
    for (long leaf = 0; leaf < now.getSize(); leaf++) {
      InclusionProof proof =
          owner.getInclusionProof(
              GetInclusionProofRequest.newBuilder()
                  .setLeafIndex(leaf)
                  .setTreeSize(now.getSize())
                  .build());
      Hash hash = Merkle.leaf(samples.ledger().log().leaf(leaf));
      assertThat(
              Merkle.included(hash, leaf, now.getSize(), hashes(proof.getHashesList()), root(now)))
          .isTrue();
    }
    var consistency =
        owner.getConsistencyProof(
            GetConsistencyProofRequest.newBuilder()
                .setOldSize(old.getSize())
                .setNewSize(now.getSize())
                .build());
    assertThat(
            Merkle.consistent(
                old.getSize(),
                root(old),
                now.getSize(),
                root(now),
                hashes(consistency.getHashesList())))
        .isTrue();
    invalid("tree_size", () -> inclusion(0, now.getSize() + 1));
    invalid("tree_size", () -> inclusion(0, -1));
    invalid("leaf_index", () -> inclusion(now.getSize(), now.getSize()));
    invalid("leaf_index", () -> inclusion(-1, now.getSize()));
    invalid("old_size", () -> consistency(now.getSize(), old.getSize()));
    invalid("old_size", () -> consistency(now.getSize() + 9, now.getSize()));
    invalid("new_size", () -> consistency(old.getSize(), now.getSize() + 9));
  }

  private void inclusion(long leaf, long size) {
    var unused =
        owner.getInclusionProof(
            GetInclusionProofRequest.newBuilder().setLeafIndex(leaf).setTreeSize(size).build());
  }

  private void consistency(long from, long to) {
    var unused =
        owner.getConsistencyProof(
            GetConsistencyProofRequest.newBuilder().setOldSize(from).setNewSize(to).build());
  }

  private static Hash root(dev.tributary.v1.Checkpoint checkpoint) {
    return Hash.ofText(checkpoint.getRootDigest());
  }

  private static List<Hash> hashes(List<ByteString> bytes) {
    return bytes.stream().map(each -> Hash.of(each.toByteArray())).toList();
  }

  @Test
  void getEntries_areTheLeavesUnderTheNewestCheckpoint() {
    for (int i = 0; i < 3; i++) {
      samples.generation("g" + i, "acme", DAY, "acme/a");
    }
    samples.ledger().log().covering(samples.ledger().log().durable() - 1).join();
    dev.tributary.v1.Checkpoint now = newest();
    List<Hash> leaves = new ArrayList<>();
    String token = "";
    do {
      GetEntriesResponse page =
          auditor.getEntries(
              GetEntriesRequest.newBuilder().setPageSize(4).setPageToken(token).build());
      for (GetEntriesResponse.Entry entry : page.getEntriesList()) {
        assertThat(entry.getLeafIndex()).isEqualTo(leaves.size());
        leaves.add(Merkle.leaf(entry.getData().toByteArray()));
      }
      token = page.getNextPageToken();
    } while (!token.isEmpty());
    assertThat(leaves).hasSize((int) now.getSize());
    assertThat(Merkle.root(leaves)).isEqualTo(root(now));
    GetEntriesResponse from =
        auditor.getEntries(GetEntriesRequest.newBuilder().setStart(2).setPageSize(1).build());
    assertThat(from.getEntries(0).getLeafIndex()).isEqualTo(2);
    assertThat(
            auditor
                .getEntries(GetEntriesRequest.newBuilder().setStart(now.getSize()).build())
                .getEntriesCount())
        .isZero();
    invalid("start", () -> auditor.getEntries(GetEntriesRequest.newBuilder().setStart(-1).build()));
  }

  @Test
  void watchCheckpoints_tellsOfEachThatComes() {
    Iterator<dev.tributary.v1.Checkpoint> watched =
        owner.watchCheckpoints(WatchCheckpointsRequest.getDefaultInstance());
    dev.tributary.v1.Checkpoint last = watched.next();
    for (int i = 0; i < 3; i++) {
      long leaf = samples.build("acme/" + i);
      dev.tributary.v1.Checkpoint next = watched.next();
      assertThat(next.getSize()).isGreaterThan(last.getSize());
      while (next.getSize() <= leaf) {
        next = watched.next();
      }
      last = next;
    }
  }

  private static GetStatementRequest statement(String contributor, long from, long to) {
    return GetStatementRequest.newBuilder()
        .setContributor(contributor)
        .setPeriod(TimeRange.newBuilder().setStart(time(from)).setEnd(time(to)))
        .build();
  }

  /// The key's contributor is "somebody", of tenant acme.
  @Test
  void getStatement_isTheContributorsOwn() {
    var books = Objects.requireNonNull(fixture.books);
    var unused =
        samples.append(
            new PriceRuleRecord(
                new PriceRuleRecord.Open(1, "EUR", 1_000_000_000, 2_000_000_000, 500_000), "", ""));
    samples.build("acme/town");
    samples.build("bolt/town");
    long first = samples.generation("g1", "acme", DAY, "acme/town");
    samples.attribution(first, "somebody", 1_000_000);
    samples.attribution(samples.generation("g2", "bolt", DAY, "bolt/town"), "somebody", 1_000_000);
    ProvenanceBlockingStub contributor = fixture.provenance(fixture.key("acme", Role.CONTRIBUTOR));
    Statement open = contributor.getStatement(statement("somebody", DAY, 2 * DAY));
    assertThat(open.getLinesList())
        .as("another tenant's contributor of the same name is somebody else")
        .singleElement()
        .satisfies(
            line -> {
              assertThat(line.getAdapter()).isEqualTo("acme/town");
              assertThat(line.getGenerations()).isEqualTo(1);
              assertThat(line.getPpm()).isEqualTo(1_000_000);
              assertThat(line.getSettled()).isFalse();
            });
    assertThat(open.getCurrency()).isEqualTo("EUR");
    // Half of 3 tokens at 1,000 and 2 at 2,000 millionths.
    assertThat(open.getAmountMicros()).isEqualTo(3_500);
    assertThat(open.hasSettlementLeafIndex()).isFalse();

    long settled = books.accounts().settle(DAY / LedgerSamples.HOUR + 1);
    Statement closed = contributor.getStatement(statement("somebody", 0, DAY + LedgerSamples.HOUR));
    assertThat(closed.getAmountMicros()).isEqualTo(3_500);
    assertThat(closed.getLines(0).getSettled()).isTrue();
    assertThat(closed.getSettlementLeafIndex()).isEqualTo(settled);
    Statement.LineProof proof = closed.getProofsList().stream().findFirst().orElseThrow();
    assertThat(closed.getProofsList()).hasSize(1);
    SaltedField line =
        new SaltedField(
            proof.getLine().getTag(),
            proof.getLine().getSalt().toByteArray(),
            proof.getLine().getData().toByteArray());
    SettlementRecord.Open settlement =
        SettlementRecord.Open.of(List.of(Leaf.decode(proof.getLeaf().toByteArray())));
    assertThat(
            Merkle.included(
                Merkle.leaf(line.commitment().bytes()),
                proof.getPosition(),
                proof.getLines(),
                hashes(proof.getHashesList()),
                settlement.lines()))
        .isTrue();
    ProvenanceBlockingStub admin = fixture.provenance(fixture.key("root", Role.ADMIN));
    assertThat(admin.getStatement(statement("somebody", 0, 2 * DAY)).getLinesList()).hasSize(2);
    assertThat(
            refused(
                Status.Code.NOT_FOUND,
                () -> contributor.getStatement(statement("ann", 0, 2 * DAY))))
        .isNotNull();
    invalid("contributor", () -> contributor.getStatement(statement("", 0, DAY)));
    invalid("period.start", () -> contributor.getStatement(statement("somebody", 1, DAY)));
    invalid("period.end", () -> contributor.getStatement(statement("somebody", 0, DAY + 1)));
    invalid(
        "period.start",
        () ->
            contributor.getStatement(
                GetStatementRequest.newBuilder().setContributor("somebody").build()));
  }
}
