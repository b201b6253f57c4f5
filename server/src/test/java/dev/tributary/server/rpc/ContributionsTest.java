package dev.tributary.server.rpc;

import static dev.tributary.server.rpc.RpcFixture.detail;
import static dev.tributary.server.rpc.RpcFixture.refused;
import static dev.tributary.server.rpc.RpcFixture.until;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.rpc.BadRequest;
import com.google.rpc.PreconditionFailure;
import dev.tributary.record.ContributionRecord;
import dev.tributary.record.ContributionRecord.Message;
import dev.tributary.record.Leaf;
import dev.tributary.record.SaltedField;
import dev.tributary.record.Sealed;
import dev.tributary.record.WithdrawalRecord;
import dev.tributary.server.state.Role;
import dev.tributary.tlog.Hash;
import dev.tributary.tlog.Merkle;
import dev.tributary.v1.AdapterVersion;
import dev.tributary.v1.AdaptersGrpc;
import dev.tributary.v1.ChatMessage;
import dev.tributary.v1.ContributionReceipt;
import dev.tributary.v1.ListVersionsRequest;
import dev.tributary.v1.ProvenanceGrpc;
import dev.tributary.v1.RegisterContributionsRequest;
import dev.tributary.v1.RegisterContributionsRequest.Contribution;
import dev.tributary.v1.RegisterContributionsRequest.Header;
import dev.tributary.v1.RegisterContributionsResponse;
import dev.tributary.v1.WithdrawContributionRequest;
import dev.tributary.v1.WithdrawContributionResponse;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.BlockingClientCall;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class ContributionsTest {
  private static final RegisterContributionsRequest HEADER =
      RegisterContributionsRequest.newBuilder()
          .setHeader(Header.newBuilder().setDataset("town tales").setLicence("CC-BY-4.0"))
          .build();

  @TempDir Path folder;
  @TempDir Path data;
  private RpcFixture fixture;
  private LedgerSamples samples;
  private String owner;

  @BeforeEach
  void open() {
    fixture = RpcFixture.recording(folder, data);
    samples = new LedgerSamples(Objects.requireNonNull(fixture.books).ledger());
    owner = fixture.key("acme", Role.OWNER);
  }

  @AfterEach
  void close() {
    fixture.close();
  }

  private static RegisterContributionsRequest contribution(String contributor, String... said) {
    Contribution.Builder contribution = Contribution.newBuilder().setContributor(contributor);
    for (int i = 0; i < said.length; i++) {
      contribution.addMessages(
          ChatMessage.newBuilder().setRole(i % 2 == 0 ? "user" : "assistant").setContent(said[i]));
    }
    return RegisterContributionsRequest.newBuilder().setContribution(contribution).build();
  }

  private BlockingClientCall<RegisterContributionsRequest, RegisterContributionsResponse> begin(
      String key) {
    return ProvenanceGrpc.newBlockingV2Stub(fixture.channel)
        .withInterceptors(RpcFixture.bearer(key))
        .registerContributions();
  }

  /// Sends all of it and ends the stream.
  private RegisterContributionsResponse register(
      String key, List<RegisterContributionsRequest> parts) {
    var call = begin(key);
    try {
      for (RegisterContributionsRequest part : parts) {
        if (!call.write(part)) {
          break;
        }
      }
      call.halfClose();
      return Objects.requireNonNull(call.read());
    } catch (StatusException e) {
      throw new StatusRuntimeException(e.getStatus(), e.getTrailers());
    } catch (InterruptedException e) {
      throw new AssertionError("not within the test's time", e);
    } finally {
      call.cancel("over", null);
    }
  }

  private RegisterContributionsResponse registerThree() {
    return register(
        owner,
        List.of(
            HEADER,
            contribution("ann", "Who mends clocks?", "Ann does."),
            contribution("bob", "Who bakes?", "Bob does."),
            contribution("ann", "Who sings?", "Nobody.")));
  }

  @Test
  void register_givesEachContributorTheProof() {
    long before = samples.ledger().log().durable();
    RegisterContributionsResponse answer = registerThree();
    assertThat(answer.getFirstLeafIndex()).isEqualTo(before);
    assertThat(answer.getContributionIdsCount()).isEqualTo(3);
    assertThat(answer.getContributionIdsList()).doesNotHaveDuplicates();
    Hash root = Hash.ofText(answer.getCheckpoint().getRootDigest());
    List<Hash> leaves = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      ContributionReceipt receipt = answer.getReceipts(i);
      Leaf leaf = Leaf.decode(receipt.getLeaf().toByteArray());
      leaves.add(leaf.hash());
      assertThat(receipt.getContributionId())
          .isEqualTo(answer.getContributionIds(i))
          .isEqualTo(leaf.hash().text());
      assertThat(
              Merkle.included(
                  leaf.hash(),
                  receipt.getProof().getLeafIndex(),
                  receipt.getProof().getTreeSize(),
                  hashes(receipt.getProof().getHashesList()),
                  root))
          .isTrue();
      assertThat(receipt.getProof().getTreeSize()).isEqualTo(answer.getCheckpoint().getSize());
      assertThat(samples.ledger().log().leaf(receipt.getProof().getLeafIndex()))
          .isEqualTo(leaf.encode());
      Sealed sealed = new Sealed(leaf, fields(receipt));
      sealed.check();
      ContributionRecord record = ContributionRecord.of(sealed);
      assertThat(record.contributor())
          .isEqualTo(receipt.getContributor())
          .isEqualTo(i == 1 ? "bob" : "ann");
      assertThat(record.licence()).isEqualTo("CC-BY-4.0");
      assertThat(record.dataset()).isEqualTo("town tales");
    }
    assertThat(Merkle.root(leaves).text()).isEqualTo(answer.getManifestDigest());
    assertThat(
            ContributionRecord.of(
                    new Sealed(
                        Leaf.decode(answer.getReceipts(1).getLeaf().toByteArray()),
                        fields(answer.getReceipts(1))))
                .example())
        .isEqualTo(
            ContributionRecord.digest(
                List.of(new Message("user", "Who bakes?"), new Message("assistant", "Bob does."))));
    assertThat(fixture.state.contributions().manifest("acme", answer.getManifestDigest()))
        .extracting(each -> each.id())
        .containsExactlyElementsOf(answer.getContributionIdsList());
  }

  private static List<Hash> hashes(List<ByteString> bytes) {
    return bytes.stream().map(each -> Hash.of(each.toByteArray())).toList();
  }

  private static List<SaltedField> fields(ContributionReceipt receipt) {
    return receipt.getFieldsList().stream()
        .map(
            field ->
                new SaltedField(
                    field.getTag(), field.getSalt().toByteArray(), field.getData().toByteArray()))
        .toList();
  }

  @Test
  void manyContributions_passThroughTheLedgersQueue() {
    List<RegisterContributionsRequest> parts = new ArrayList<>(List.of(HEADER));
    for (int i = 0; i < 1_000; i++) {
      parts.add(contribution("c" + i % 7, "Question " + i, "Answer"));
    }
    RegisterContributionsResponse answer = register(owner, parts);
    assertThat(answer.getContributionIdsList()).hasSize(1_000).doesNotHaveDuplicates();
    assertThat(answer.getReceiptsList())
        .isSortedAccordingTo(
            (a, b) -> Long.compare(a.getProof().getLeafIndex(), b.getProof().getLeafIndex()));
  }

  @Test
  void aStreamThatEndsEarly_registersNothing() throws Exception {
    long before = samples.ledger().log().durable();
    var call = begin(owner);
    assertThat(call.write(HEADER)).isTrue();
    assertThat(call.write(contribution("ann", "a", "b"))).isTrue();
    call.cancel("enough", null);
    until(() -> fixture.server.calls() == 0);
    assertThat(samples.ledger().log().durable()).isEqualTo(before);
  }

  @Test
  void register_namesWhatIsWrong() {
    invalid("header", List.of());
    invalid("header", List.of(contribution("ann", "a", "b")));
    invalid("contribution", List.of(HEADER));
    invalid("contribution", List.of(HEADER, HEADER));
    invalid("contribution[0].contributor", List.of(HEADER, contribution(" ", "a")));
    invalid("contribution[0].contributor", List.of(HEADER, contribution("a\nb", "a")));
    invalid(
        "contribution[1].messages", List.of(HEADER, contribution("ann", "a"), contribution("ann")));
    invalid(
        "header.dataset",
        List.of(
            RegisterContributionsRequest.newBuilder()
                .setHeader(Header.newBuilder().setLicence("MIT"))
                .build()));
    invalid(
        "header.licence",
        List.of(
            RegisterContributionsRequest.newBuilder()
                .setHeader(Header.newBuilder().setDataset("x"))
                .build()));
    assertThat(samples.ledger().log().durable()).isZero();
    var denied =
        refused(
            Status.Code.PERMISSION_DENIED,
            () -> register(fixture.key("acme", Role.USER), List.of(HEADER)));
    assertThat(denied).isNotNull();
  }

  private void invalid(String field, List<RegisterContributionsRequest> parts) {
    StatusRuntimeException status =
        refused(Status.Code.INVALID_ARGUMENT, () -> register(owner, parts));
    assertThat(detail(status, BadRequest.class).getFieldViolations(0).getField()).isEqualTo(field);
  }

  private WithdrawContributionResponse withdraw(String key, String id) {
    return fixture
        .provenance(key)
        .withdrawContribution(
            WithdrawContributionRequest.newBuilder()
                .setContributionId(id)
                .setReason("she moved away")
                .build());
  }

  @Test
  void withdraw_isALeafAndLasts() {
    RegisterContributionsResponse answer = registerThree();
    String id = answer.getContributionIds(1);
    assertThat(fixture.state.contributions().isWithdrawn(id)).isFalse();
    WithdrawContributionResponse withdrawn = withdraw(owner, id);
    assertThat(fixture.state.contributions().isWithdrawn(id)).isTrue();
    assertThat(fixture.state.contributions().isWithdrawn(answer.getContributionIds(0))).isFalse();
    WithdrawalRecord record =
        WithdrawalRecord.of(samples.ledger().record(withdrawn.getLeafIndex()).orElseThrow());
    assertThat(record.open().contributionLeaf())
        .isEqualTo(answer.getReceipts(1).getProof().getLeafIndex());
    assertThat(record.contributor()).isEqualTo("bob");
    assertThat(record.reason()).isEqualTo("she moved away");
    assertThat(withdraw(owner, id)).as("once").isEqualTo(withdrawn);
    assertThat(samples.ledger().log().durable()).isEqualTo(withdrawn.getLeafIndex() + 1);
  }

  @Test
  void withdraw_isTheOwnersAlone() {
    String id = registerThree().getContributionIds(0);
    String bolt = fixture.key("bolt", Role.OWNER);
    StatusRuntimeException theirs = refused(Status.Code.NOT_FOUND, () -> withdraw(bolt, id));
    String none = "sha256:" + "0".repeat(64);
    StatusRuntimeException unknown = refused(Status.Code.NOT_FOUND, () -> withdraw(bolt, none));
    assertThat(String.valueOf(theirs.getMessage()).replace(id, none))
        .isEqualTo(unknown.getMessage());
    assertThat(fixture.state.contributions().isWithdrawn(id)).isFalse();
    var invalid = refused(Status.Code.INVALID_ARGUMENT, () -> withdraw(owner, "x"));
    assertThat(invalid).isNotNull();
  }

  private Uploader.Outcome upload(String manifest, float seed) {
    Map<String, byte[]> files = fixture.adapters.files(seed);
    Uploader uploader =
        new Uploader(
            AdaptersGrpc.newBlockingV2Stub(fixture.channel)
                .withInterceptors(RpcFixture.bearer(owner)));
    return uploader.send(
        Uploader.header("town", files).setManifestDigest(manifest), files, Integer.MAX_VALUE);
  }

  private List<AdapterVersion> versions() {
    return AdaptersGrpc.newBlockingStub(fixture.channel)
        .withInterceptors(RpcFixture.bearer(owner))
        .listVersions(ListVersionsRequest.newBuilder().setAdapter("town").build())
        .getVersionsList();
  }

  @Test
  void versionsBuiltFromIt_areFlagged_andNoMoreAreMade() {
    RegisterContributionsResponse manifest = registerThree();
    RegisterContributionsResponse other =
        register(owner, List.of(HEADER, contribution("cyd", "x", "y")));
    AdapterVersion made = upload(manifest.getManifestDigest(), 5).made();
    assertThat(made.getManifestDigest()).isEqualTo(manifest.getManifestDigest());
    AdapterVersion clean = upload(other.getManifestDigest(), 6).made();
    AdapterVersion bare = upload("", 7).made();
    WithdrawContributionResponse withdrawn = withdraw(owner, manifest.getContributionIds(2));
    assertThat(withdrawn.getAdapterDigestsList()).containsExactly(made.getDigest());
    assertThat(versions())
        .extracting(AdapterVersion::getDigest, AdapterVersion::getWithdrawnContributions)
        .containsExactly(
            org.assertj.core.groups.Tuple.tuple(bare.getDigest(), 0),
            org.assertj.core.groups.Tuple.tuple(clean.getDigest(), 0),
            org.assertj.core.groups.Tuple.tuple(made.getDigest(), 1));
    for (String refused : List.of(manifest.getManifestDigest(), "sha256:" + "0".repeat(64))) {
      StatusRuntimeException status =
          refused(Status.Code.FAILED_PRECONDITION, () -> upload(refused, 8).made());
      assertThat(detail(status, PreconditionFailure.class).getViolations(0).getType())
          .isEqualTo("ADAPTER_MANIFEST");
    }
    assertThat(versions()).hasSize(3);
  }
}
