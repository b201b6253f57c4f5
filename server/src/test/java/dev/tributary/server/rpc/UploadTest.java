package dev.tributary.server.rpc;

import static dev.tributary.server.rpc.RpcFixture.detail;
import static dev.tributary.server.rpc.RpcFixture.refused;
import static dev.tributary.server.rpc.Uploader.header;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.rpc.BadRequest;
import com.google.rpc.PreconditionFailure;
import com.google.rpc.QuotaFailure;
import dev.tributary.server.adapter.TestStore;
import dev.tributary.server.state.Quota;
import dev.tributary.v1.Adapter;
import dev.tributary.v1.AdapterVersion;
import dev.tributary.v1.GetAdapterRequest;
import dev.tributary.v1.ImportVersionRequest;
import dev.tributary.v1.UploadVersionRequest;
import dev.tributary.v1.UploadVersionRequest.Header;
import dev.tributary.v1.UploadVersionResponse;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.BlockingClientCall;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// UploadVersion and ImportVersion, through a channel.
@Timeout(120)
class UploadTest {
  @TempDir Path folder;
  private Path data;
  private RpcFixture fixture;
  private Uploader acme;

  @BeforeEach
  void start() {
    data = folder.resolve("data");
    TinyAdapters adapters = new TinyAdapters(folder.resolve("written"));
    fixture = new RpcFixture(adapters, adapters.open(data, 1 << 20), RpcFixture.Options.PLAIN);
    fixture.server.serve();
    acme = fixture.uploader("acme");
  }

  @AfterEach
  void stop() {
    fixture.close();
  }

  private Adapter get(String tenant, String name) {
    return fixture
        .adapterService(tenant)
        .getAdapter(GetAdapterRequest.newBuilder().setName(name).build());
  }

  @Test
  void upload_whole_isAVersionThatAnswers() {
    AdapterVersion version = acme.upload("town", fixture.adapters.files(7));

    assertThat(version.getAdapter()).isEqualTo("acme/town");
    assertThat(version.getNumber()).isEqualTo(1);
    assertThat(version.getState()).isEqualTo(AdapterVersion.State.STATE_READY);
    assertThat(version.getOrigin()).isEqualTo(AdapterVersion.Origin.ORIGIN_CLAIMED);
    Adapter adapter = get("acme", "town");
    assertThat(adapter.getProdVersion()).isEqualTo(version);
    assertThat(adapter.getVersionCount()).isEqualTo(1);
    assertThat(fixture.inference("acme").generateOnce(ask("town")).getText()).isEqualTo("h");
    assertThat(acme.upload("town", fixture.adapters.files(8)).getNumber()).isEqualTo(2);
  }

  static dev.tributary.v1.GenerateRequest ask(String adapter) {
    return RpcFixture.say("#")
        .addAdapters(dev.tributary.v1.AdapterSelector.newBuilder().setName(adapter))
        .build();
  }

  @Test
  void upload_cutAtEveryChunk_goesOn() {
    Map<String, byte[]> files = fixture.adapters.files(3);
    int chunks = files.values().stream().mapToInt(bytes -> (bytes.length + 99) / 100).sum();
    for (int cut = 0; cut < chunks; cut++) {
      String name = "town-" + cut;
      Uploader.Outcome broken = acme.send(header(name, files), files, cut);
      assertThat(Objects.requireNonNull(broken.refused()).getStatus().getCode())
          .isEqualTo(Status.Code.INVALID_ARGUMENT);
      refused(Status.Code.NOT_FOUND, () -> get("acme", name));
      Header.Builder again = header(name, files).setUploadId(broken.id());
      Uploader.Outcome rest = acme.send(again, files, Integer.MAX_VALUE);
      long there =
          Objects.requireNonNull(rest.accepted()).getOffsetsList().stream()
              .mapToLong(Long::longValue)
              .sum();
      assertThat(there).isGreaterThanOrEqualTo(cut == 0 ? 0 : 100L * (cut - 1));
      assertThat(rest.made().getNumber()).isEqualTo(1);
      assertThat(get("acme", name).getProdVersion()).isEqualTo(rest.version());
      assertNotFound(acme.send(again, files, 0), broken.id());
    }
  }

  private static void assertNotFound(Uploader.Outcome outcome, String id) {
    StatusRuntimeException refused = Objects.requireNonNull(outcome.refused());
    assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.NOT_FOUND);
    assertThat(refused.getStatus().getDescription()).contains(id);
  }

  @Test
  void upload_cutByTheClientsEnd_goesOn() throws Exception {
    Map<String, byte[]> files = fixture.adapters.files(3);
    var call = acme.stub().uploadVersion();
    call.write(UploadVersionRequest.newBuilder().setHeader(header("town", files)).build());
    String id = Objects.requireNonNull(call.read()).getAccepted().getUploadId();
    call.write(Uploader.chunk(0, 0, ByteString.copyFrom(files.get("adapter_config.json"), 0, 50)));
    call.cancel("gone", null);

    assertThat(acme.send(header("town", files).setUploadId(id), files, 1_000).made().getNumber())
        .isEqualTo(1);
  }

  /// What is wrong with an upload.
  enum Flaw {
    FILE_DIGEST(Status.Code.INVALID_ARGUMENT),
    ADAPTER_DIGEST(Status.Code.INVALID_ARGUMENT),
    WRONG_BASE(Status.Code.FAILED_PRECONDITION),
    NO_EFFECT(Status.Code.FAILED_PRECONDITION),
    NOT_A_NUMBER(Status.Code.FAILED_PRECONDITION),
    NOT_SAFETENSORS(Status.Code.FAILED_PRECONDITION),
    HUGE_HEADER(Status.Code.FAILED_PRECONDITION),
    UNKNOWN_FEATURE(Status.Code.FAILED_PRECONDITION),
    BAD_PROBE(Status.Code.FAILED_PRECONDITION);

    private final Status.Code code;

    Flaw(Status.Code code) {
      this.code = code;
    }
  }

  @ParameterizedTest
  @EnumSource
  void upload_flawed_leavesNothing(Flaw flaw) {
    Map<String, byte[]> files = new LinkedHashMap<>(fixture.adapters.files(3));
    Consumer<Header.Builder> change = header -> {};
    switch (flaw) {
      case FILE_DIGEST ->
          change = header -> header.getFilesBuilder(1).setDigest("sha256:" + "0".repeat(64));
      case ADAPTER_DIGEST -> change = header -> header.setDigest("sha256:" + "0".repeat(64));
      case WRONG_BASE ->
          files = fixture.adapters.write("foreign", 3, "other/base", "").files("foreign");
      case NO_EFFECT -> fixture.adapters.deaf = true;
      case NOT_A_NUMBER -> files = fixture.adapters.files(Float.NaN);
      case NOT_SAFETENSORS -> files.put("adapter_model.safetensors", new byte[500]);
      case HUGE_HEADER ->
          files.put(
              "adapter_model.safetensors", new byte[] {0, 0, 0, 0, 1, 0, 0, 0, '{', '}', 0, 0});
      case UNKNOWN_FEATURE ->
          files =
              fixture
                  .adapters
                  .write("odd", 3, TinyAdapters.BASE, ",\"lora_bias\":true")
                  .files("odd");
      case BAD_PROBE -> files.put("probe.jsonl", "{}".getBytes());
    }
    Header.Builder header = header("town", files);
    change.accept(header);

    StatusRuntimeException refused =
        Objects.requireNonNull(acme.send(header, files, 1_000).refused());

    assertThat(refused.getStatus().getCode()).as(refused.toString()).isEqualTo(flaw.code);
    if (flaw.code == Status.Code.FAILED_PRECONDITION) {
      assertThat(detail(refused, PreconditionFailure.class).getViolations(0).getType())
          .startsWith("ADAPTER_");
    }
    refused(Status.Code.NOT_FOUND, () -> get("acme", "town"));
    assertThat(TestStore.isEmpty(data)).isTrue();
    assertThat(fixture.store.state().uploads().ids()).isEmpty();
  }

  @Test
  void upload_forAnotherBase_ifAllowed_saysSo() {
    Map<String, byte[]> files =
        fixture.adapters.write("foreign", 3, "other/base", "").files("foreign");

    AdapterVersion version =
        acme.send(header("town", files).setAllowBaseMismatch(true), files, 1_000).made();

    assertThat(version.getBaseMismatchAllowed()).isTrue();
    assertThat(fixture.inference("acme").generateOnce(ask("town")).getText()).isEqualTo("d");
  }

  @Test
  void headers_thatCannotBe_nameTheField() {
    Map<String, byte[]> files = fixture.adapters.files(3);
    assertField("header.adapter", header("a/b/c", files));
    assertField("header.files", header("town", Map.of("README.md", new byte[1])));
    assertField("header.digest", header("town", files).setDigest("md5:1"));
    Header.Builder traversal = header("town", files);
    traversal.getFilesBuilder(0).setName("../adapter_config.json");
    assertField("header.files[0].name", traversal);
    Header.Builder size = header("town", files);
    size.getFilesBuilder(1).setSize(-1);
    assertField("header.files[1].size", size);
    size.getFilesBuilder(1).setSize(Long.MAX_VALUE);
    assertField("header.files[1].size", size);
    Uploader.Outcome begun = acme.send(header("town", files), files, 1);
    assertField("header", header("other", files).setUploadId(begun.id()));
    assertThat(fixture.store.state().uploads().ids()).containsExactly(begun.id());
  }

  private void assertField(String field, Header.Builder header) {
    StatusRuntimeException refused =
        Objects.requireNonNull(acme.send(header, Map.of(), 0).refused());
    assertThat(detail(refused, BadRequest.class).getFieldViolations(0).getField()).isEqualTo(field);
  }

  @Test
  void messages_outOfOrder_nameTheField() throws Exception {
    Map<String, byte[]> files = fixture.adapters.files(3);
    UploadVersionRequest header =
        UploadVersionRequest.newBuilder().setHeader(header("town", files)).build();
    assertThat(violation(Uploader.chunk(0, 0, ByteString.EMPTY))).isEqualTo("header");
    assertThat(violation(header, header)).isEqualTo("chunk");
    assertThat(violation(header, UploadVersionRequest.getDefaultInstance())).isEqualTo("chunk");
    assertThat(violation(header, Uploader.chunk(0, 1, ByteString.copyFromUtf8("x"))))
        .isEqualTo("chunk.offset");
    assertThat(violation(header, Uploader.chunk(9, 0, ByteString.copyFromUtf8("x"))))
        .isEqualTo("chunk.file");
    assertThat(violation(header, Uploader.chunk(0, 0, ByteString.copyFrom(new byte[1 << 20]))))
        .isEqualTo("chunk.data");
    assertThat(
            violation(header, Uploader.chunk(0, 0, ByteString.copyFrom(new byte[(1 << 20) + 1]))))
        .isEqualTo("chunk.data");
  }

  private String violation(UploadVersionRequest... messages) throws Exception {
    BlockingClientCall<UploadVersionRequest, UploadVersionResponse> call =
        acme.stub().uploadVersion();
    try {
      for (UploadVersionRequest message : messages) {
        call.write(message);
      }
      call.halfClose();
      while (call.read() != null) {
        // accepted
      }
    } catch (StatusException e) {
      return detail(new StatusRuntimeException(e.getStatus(), e.getTrailers()), BadRequest.class)
          .getFieldViolations(0)
          .getField();
    }
    throw new AssertionError("not refused");
  }

  @Test
  void quotas_areHeldBeforeAnyByteComes() {
    var tenants = fixture.store.state().tenants();
    var unused =
        tenants.update(
            "acme",
            null,
            tenant ->
                tenant.withQuota(new Quota(null, null, null, null, 1, 1_400L, null, null, null)));
    Map<String, byte[]> files = new LinkedHashMap<>(fixture.adapters.files(3));
    var first = acme.upload("one", files);
    assertThat(first.getNumber()).isEqualTo(1);

    assertThat(quota(header("two", files))).isEqualTo("quota:adapters");
    files.put("README.md", new byte[900]);
    assertThat(quota(header("one", files))).isEqualTo("quota:adapter_bytes");
    assertThat(fixture.uploader("bolt").upload("two", files).getNumber()).isEqualTo(1);
    // What is announced counts until it is given up or there.
    files.remove("README.md");
    String begun = acme.send(header("one", files), files, 1).id();
    assertThat(quota(header("one", files))).isEqualTo("quota:adapter_bytes");
    Header.Builder again = header("one", files).setUploadId(begun);
    assertThat(acme.send(again, files, 1_000).made().getNumber()).isEqualTo(2);
    assertThat(acme.upload("one", files).getNumber()).isEqualTo(3);
  }

  private String quota(Header.Builder header) {
    Uploader.Outcome outcome = acme.send(header, Map.of(), 0);
    assertThat(outcome.accepted()).isNull();
    StatusRuntimeException refused = Objects.requireNonNull(outcome.refused());
    assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
    return detail(refused, QuotaFailure.class).getViolations(0).getSubject();
  }

  @Test
  void anUpload_ofAnotherTenant_isAsUnknown() {
    Map<String, byte[]> files = fixture.adapters.files(3);
    String id = acme.send(header("town", files), files, 1).id();
    Uploader bolt = fixture.uploader("bolt");
    String unknown = "f".repeat(id.length());

    var others = bolt.send(header("town", files).setUploadId(id), files, 0).refused();
    var nobodys = bolt.send(header("town", files).setUploadId(unknown), files, 0).refused();

    assertThat(told(Objects.requireNonNull(others)).replace(id, unknown))
        .isEqualTo(told(Objects.requireNonNull(nobodys)));
    assertThat(acme.send(header("town", files).setUploadId(id), files, 1_000).made().getNumber())
        .isEqualTo(1);
  }

  private static String told(@Nullable StatusRuntimeException refused) {
    return String.valueOf(StatusProto.fromThrowable(Objects.requireNonNull(refused)));
  }

  @Test
  void bytes_thatTheServerHas_areSentAgain() {
    Map<String, byte[]> files = fixture.adapters.files(3);
    var unused = acme.upload("town", files);

    for (Uploader uploader : List.of(acme, fixture.uploader("bolt"))) {
      Uploader.Outcome outcome = uploader.send(header("other", files), files, 1_000);
      assertThat(Objects.requireNonNull(outcome.accepted()).getOffsetsList()).containsOnly(0L);
      assertThat(outcome.made().getNumber()).isEqualTo(1);
    }
  }

  @Test
  void aSilentClient_losesTheStream_notTheUpload() throws Exception {
    Map<String, byte[]> files = fixture.adapters.files(3);
    var call = acme.stub().uploadVersion();
    call.write(UploadVersionRequest.newBuilder().setHeader(header("town", files)).build());
    String id = Objects.requireNonNull(call.read()).getAccepted().getUploadId();
    RpcFixture.until(() -> fixture.delay.waiting() == 1);
    fixture.delay.elapse();

    StatusException end =
        org.assertj.core.api.Assertions.catchThrowableOfType(StatusException.class, call::read);
    assertThat(end.getStatus().getCode()).isEqualTo(Status.Code.DEADLINE_EXCEEDED);
    assertThat(acme.send(header("town", files).setUploadId(id), files, 1_000).made().getNumber())
        .isEqualTo(1);
  }

  @Test
  void imports_areRestricted() {
    var acmes = fixture.adapterService("acme");
    ImportVersionRequest path =
        ImportVersionRequest.newBuilder().setAdapter("town").setSource("/etc").build();
    refused(Status.Code.PERMISSION_DENIED, () -> acmes.importVersion(path));
    StatusRuntimeException nowhere =
        refused(
            Status.Code.FAILED_PRECONDITION,
            () -> acmes.importVersion(path.toBuilder().setSource("hf:a/b").build()));
    assertThat(detail(nowhere, PreconditionFailure.class).getViolations(0).getType())
        .isEqualTo("ADAPTER_SOURCE");
    refused(
        Status.Code.INVALID_ARGUMENT,
        () -> acmes.importVersion(path.toBuilder().setSource("").build()));
    assertThat(TestStore.isEmpty(data)).isTrue();
  }
}
