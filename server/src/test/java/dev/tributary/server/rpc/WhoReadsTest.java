package dev.tributary.server.rpc;

import static dev.tributary.server.rpc.RpcFixture.refused;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Message;
import dev.tributary.record.Check;
import dev.tributary.record.HiddenField;
import dev.tributary.record.Pseudonym;
import dev.tributary.record.Receipt;
import dev.tributary.record.ReceiptVerifier;
import dev.tributary.record.Record;
import dev.tributary.record.SaltedField;
import dev.tributary.record.Trust;
import dev.tributary.server.ledger.Log;
import dev.tributary.server.state.Role;
import dev.tributary.v1.GetCheckpointRequest;
import dev.tributary.v1.GetEntriesRequest;
import dev.tributary.v1.GetEntriesResponse;
import dev.tributary.v1.GetReceiptRequest;
import dev.tributary.v1.ListReceiptsRequest;
import dev.tributary.v1.ProvenanceGrpc;
import dev.tributary.v1.ProvenanceGrpc.ProvenanceBlockingStub;
import dev.tributary.v1.ReceiptFile;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// What the tenant itself, a second one, an auditor and a stranger can each read of one tenant's
/// generation.
@Timeout(120)
class WhoReadsTest {
  private static final String ID = "0190-the-id-of-the-generation";
  private static final long ENDED = 500_000 * LedgerSamples.HOUR + 1_234_567;
  private static final String TENANT = "acme-the-tenant";

  /// What nobody but the tenant may find anywhere, as it would stand in a record.
  private static final List<byte[]> SECRETS =
      List.of(
          ID.getBytes(UTF_8),
          TENANT.getBytes(UTF_8),
          "ann-the-contributor".getBytes(UTF_8),
          "numerics-id-7".getBytes(UTF_8),
          LedgerSamples.digest(TENANT + "/town").bytes(),
          // Its prompt, 1 2 3, and its time to the microsecond.
          new byte[] {0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3},
          ByteBuffer.allocate(8).putLong(ENDED).array());

  @TempDir Path folder;
  @TempDir Path data;
  private RpcFixture fixture;
  private LedgerSamples samples;
  private long leaf;

  @BeforeEach
  void open() {
    fixture = RpcFixture.recording(folder, data);
    samples = new LedgerSamples(Objects.requireNonNull(fixture.books).ledger());
    leaf = samples.generation(ID, TENANT, ENDED, TENANT + "/town");
    samples.ledger().log().covering(samples.attribution(leaf, "ann-the-contributor", 1)).join();
  }

  @AfterEach
  void close() {
    fixture.close();
  }

  private ProvenanceBlockingStub as(String tenant, Role role) {
    return fixture.provenance(fixture.key(tenant, role));
  }

  private static GetReceiptRequest asked() {
    return GetReceiptRequest.newBuilder().setGenerationId(ID).build();
  }

  @Test
  void theTenant_readsAllOfIt() {
    for (Role role : List.of(Role.USER, Role.OWNER, Role.ADMIN)) {
      ReceiptFile file = as(TENANT, role).getReceipt(asked());
      Receipt receipt = Receipt.parse(file.getFile().toByteArray());
      assertThat(receipt.generation().sealed()).as(role.name()).isPresent();
      assertThat(receipt.attribution().orElseThrow().sealed()).isPresent();
      assertThat(file.getSummary().getAdapterDigestsCount()).isEqualTo(1);
    }
  }

  /// In code, text and details the same as for what never was.
  @Test
  void aSecondTenant_learnsNotEvenThatItIs() {
    String unknown = ID.replace('0', '9');
    for (Role role : List.of(Role.USER, Role.OWNER)) {
      ProvenanceBlockingStub second = as("bolt", role);
      StatusRuntimeException theirs =
          refused(Status.Code.NOT_FOUND, () -> second.getReceipt(asked()));
      StatusRuntimeException none =
          refused(
              Status.Code.NOT_FOUND,
              () ->
                  second.getReceipt(
                      GetReceiptRequest.newBuilder().setGenerationId(unknown).build()));
      assertThat(told(theirs)).isEqualTo(told(none).replace(unknown, ID));
      assertThat(second.listReceipts(ListReceiptsRequest.getDefaultInstance()).getReceiptsList())
          .isEmpty();
      var denied = refused(Status.Code.PERMISSION_DENIED, () -> second.getEntries(all()));
      assertThat(denied).isNotNull();
    }
    assertThat(as("bolt", Role.USER).getCheckpoint(GetCheckpointRequest.getDefaultInstance()))
        .as("the log's state is for every key")
        .satisfies(WhoReadsTest::assertNoSecret);
  }

  private static String told(StatusRuntimeException status) {
    return status.getStatus().getDescription() + io.grpc.protobuf.StatusProto.fromThrowable(status);
  }

  private static GetEntriesRequest all() {
    return GetEntriesRequest.newBuilder().setPageSize(1_000).build();
  }

  @Test
  void anAuditor_readsWhatLeavesShow() {
    for (Role role : List.of(Role.AUDITOR, Role.ADMIN)) {
      ProvenanceBlockingStub auditor = as("checkers", role);
      GetEntriesResponse entries = auditor.getEntries(all());
      assertThat(entries.getEntriesCount()).isEqualTo((int) samples.ledger().log().durable());
      assertNoSecret(entries);

      ReceiptFile file = auditor.getReceipt(asked());
      Receipt receipt = Receipt.parse(file.getFile().toByteArray());
      assertThat(receipt.records().toList())
          .isNotEmpty()
          .allSatisfy(each -> assertThat(each.fields()).hasOnlyElementsOfType(HiddenField.class));
      assertThat(verified(file)).allSatisfy(each -> assertThat(each.ok()).isTrue());
      receipt.records().forEach(each -> each.leaves().forEach(it -> assertNoSecret(it.encode())));
      var summary = file.getSummary();
      assertThat(summary.getGenerationId()).as("as it was asked for").isEqualTo(ID);
      assertThat(summary.getLeafIndex()).isEqualTo(leaf);
      assertThat(summary.getAdapterDigestsList()).isEmpty();
      assertThat(summary.getEndTime().getSeconds())
          .as("to the hour")
          .isEqualTo(Record.hour(ENDED) * 3_600);
      assertThat(summary.getAttribution().getShares(0).getContributor())
          .isEqualTo(Pseudonym.of(LedgerSamples.KEY, "ann-the-contributor").toString());
      assertThat(summary.getAttribution().getSpansList()).isEmpty();
      assertNoSecret(summary.toBuilder().clearGenerationId().build());
    }
    var denied =
        refused(
            Status.Code.PERMISSION_DENIED,
            () -> as(TENANT, Role.AUDITOR).listReceipts(ListReceiptsRequest.getDefaultInstance()));
    assertThat(denied).as("ids are the tenant's to tell").isNotNull();
    Receipt own =
        Receipt.parse(as(TENANT, Role.AUDITOR).getReceipt(asked()).getFile().toByteArray());
    assertThat(own.generation().fields())
        .as("also an auditor of the same tenant")
        .hasOnlyElementsOfType(HiddenField.class);
  }

  private List<Check> verified(ReceiptFile file) {
    return ReceiptVerifier.verify(
        file.getFile().toByteArray(), new Trust.Pinned(samples.ledger().log().verifierKey()));
  }

  @Test
  void aContributor_readsNoAnswers() {
    ProvenanceBlockingStub contributor = as(TENANT, Role.CONTRIBUTOR);
    assertThat(refused(Status.Code.PERMISSION_DENIED, () -> contributor.getReceipt(asked())))
        .isNotNull();
    assertThat(
            refused(
                Status.Code.PERMISSION_DENIED,
                () -> contributor.listReceipts(ListReceiptsRequest.getDefaultInstance())))
        .isNotNull();
    assertThat(refused(Status.Code.PERMISSION_DENIED, () -> contributor.getEntries(all())))
        .isNotNull();
  }

  @Test
  void aStranger_readsNothingButHashes() {
    var key = as(TENANT, Role.OWNER); // The door is closed from the first key on.
    assertThat(key.getReceipt(asked())).isNotNull();
    ProvenanceBlockingStub stranger = ProvenanceGrpc.newBlockingStub(fixture.channel);
    for (ProvenanceBlockingStub who : List.of(stranger, fixture.provenance("wrong"))) {
      assertThat(refused(Status.Code.UNAUTHENTICATED, () -> who.getReceipt(asked()))).isNotNull();
      assertThat(refused(Status.Code.UNAUTHENTICATED, () -> who.getEntries(all()))).isNotNull();
      assertThat(
              refused(
                  Status.Code.UNAUTHENTICATED,
                  () -> who.getCheckpoint(GetCheckpointRequest.getDefaultInstance())))
          .isNotNull();
    }
    // What the HTTP port shows without a key.
    Log log = samples.ledger().log();
    assertNoSecret(log.checkpoint().bytes());
    assertNoSecret(log.tile(0, 0, (int) log.durable()).orElseThrow());
  }

  /// The test's own eye: what the tenant gets has all of it.
  @Test
  void secrets_areFoundWhereTheyAre() {
    ReceiptFile file = as(TENANT, Role.OWNER).getReceipt(asked());
    ByteArrayOutputStream opened = new ByteArrayOutputStream();
    Receipt.parse(file.getFile().toByteArray())
        .records()
        .flatMap(each -> each.fields().stream())
        .forEach(field -> opened.writeBytes(((SaltedField) field).data()));
    for (byte[] secret : SECRETS) {
      assertThat(contains(opened.toByteArray(), secret)).as(new String(secret, UTF_8)).isTrue();
    }
  }

  private static void assertNoSecret(Message message) {
    assertNoSecret(message.toByteArray());
  }

  private static void assertNoSecret(byte[] bytes) {
    for (byte[] secret : SECRETS) {
      assertThat(contains(bytes, secret)).as(new String(secret, UTF_8)).isFalse();
    }
  }

  private static boolean contains(byte[] bytes, byte[] part) {
    for (int at = 0; at + part.length <= bytes.length; at++) {
      if (java.util.Arrays.equals(bytes, at, at + part.length, part, 0, part.length)) {
        return true;
      }
    }
    return false;
  }
}
