package dev.tributary.server.rpc;

import static dev.tributary.server.rpc.RpcFixture.detail;
import static dev.tributary.server.rpc.RpcFixture.refused;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.rpc.BadRequest;
import com.google.rpc.PreconditionFailure;
import dev.tributary.server.model.Certificate;
import dev.tributary.server.state.AuditEntry;
import dev.tributary.v1.AdminGrpc;
import dev.tributary.v1.CertifyModelEvent;
import dev.tributary.v1.CertifyModelRequest;
import dev.tributary.v1.ListCertificatesRequest;
import dev.tributary.v1.ModelCertificate;
import io.grpc.Context;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class CertifyingTest {
  private RpcFixture fixture;
  private AdminGrpc.AdminBlockingStub admin;

  @BeforeEach
  void start(@TempDir Path folder) {
    fixture = RpcFixture.serving(folder);
    admin = fixture.adminService();
  }

  @AfterEach
  void stop() {
    fixture.close();
  }

  private Iterator<CertifyModelEvent> certify(String source) {
    return admin.certifyModel(CertifyModelRequest.newBuilder().setSource(source).build());
  }

  @Test
  void certifyModel_tellsHowFarItIsThenTheResult() {
    Iterator<CertifyModelEvent> events = certify("model");
    CertifyModelEvent first = events.next();
    assertThat(first.getProgress().getTokens()).isEqualTo(7);
    assertThat(first.getProgress().getTotalTokens()).isEqualTo(70);
    Certificate found = FakeCertifier.certificate();
    fixture.certifier.result.complete(found);
    CertifyModelEvent last = first;
    while (events.hasNext()) {
      assertThat(last.hasProgress()).isTrue();
      last = events.next();
    }
    ModelCertificate told = last.getCertificate();
    assertThat(told.getBaseDigest()).isEqualTo(found.baseDigest());
    assertThat(told.getSourceDigest()).isEqualTo(found.sourceDigest());
    assertThat(told.getTextDigest()).isEqualTo(found.textDigest());
    assertThat(told.getCreateTime().getSeconds()).isEqualTo(1_800_000_000);
    assertThat(told.getBaseFormats(0).getType()).isEqualTo("Q4_1");
    assertThat(told.getBaseFormats(0).getTensors()).isEqualTo(210);
    assertThat(told.getSourceFormats(0).getWeights()).isEqualTo(134_515_008);
    assertThat(told.getSlices(0).getName()).isEqualTo("prose");
    assertThat(told.getAll().getTokens()).isEqualTo(70);
    assertThat(told.getAll().getSourcePerplexity()).isEqualTo(12.5);
    assertThat(told.getAll().getBasePerplexity()).isEqualTo(13);
    assertThat(told.getAll().getKlMean()).isEqualTo(0.02);
    assertThat(told.getAll().getKlP99()).isEqualTo(0.3);
    assertThat(told.getAll().getFlips()).isEqualTo(4);
    assertThat(told.getLeftOutList()).containsExactly("chat: the base has no chat template");
    fixture.certifier.closed.join();
    AuditEntry entry = fixture.state.audit().list(Long.MAX_VALUE, 1).getFirst();
    assertThat(entry.action()).isEqualTo("CertifyModel");
    assertThat(entry.subject()).isEqualTo("model");
    assertThat(entry.outcome()).isEqualTo("OK");
  }

  @Test
  void certifyModel_thatIsCancelled_givesUp() {
    Context.CancellableContext context = Context.current().withCancellation();
    context.run(() -> assertThat(certify("model").next().hasProgress()).isTrue());
    context.cancel(null);
    fixture.certifier.closed.join();
    assertThat(fixture.certifier.result).isCancelled();
  }

  @Test
  void certifyModel_pastItsDeadline_givesUp() {
    Iterator<CertifyModelEvent> events =
        admin
            .withDeadlineAfter(50, TimeUnit.MILLISECONDS)
            .certifyModel(CertifyModelRequest.newBuilder().setSource("model").build());
    var unused = refused(Status.Code.DEADLINE_EXCEEDED, () -> events.forEachRemaining(event -> {}));
    fixture.certifier.result.handle((result, failure) -> failure).join();
  }

  @Test
  void certifyModel_thatIsRefused_saysWhy() {
    StatusRuntimeException end =
        refused(Status.Code.FAILED_PRECONDITION, () -> certify("missing").hasNext());
    assertThat(detail(end, PreconditionFailure.class).getViolations(0).getType())
        .isEqualTo("MODEL_SOURCE");
    assertThat(end.getStatus().getDescription())
        .isEqualTo("there is no model at missing that may be imported; see --import-root");
    end = refused(Status.Code.INVALID_ARGUMENT, () -> certify("").hasNext());
    assertThat(detail(end, BadRequest.class).getFieldViolations(0).getField()).isEqualTo("source");
    assertThat(fixture.state.audit().list(Long.MAX_VALUE, 2))
        .extracting(AuditEntry::outcome)
        .containsExactly("INVALID_ARGUMENT", "FAILED_PRECONDITION");
  }

  @Test
  void certifyModel_thatFails_endsWithTheReason() {
    fixture.certifier.result.completeExceptionally(
        new SourceException(new SourceRefusal.Unusable("model", "the logits are not finite")));
    StatusRuntimeException end =
        refused(
            Status.Code.FAILED_PRECONDITION, () -> certify("model").forEachRemaining(event -> {}));
    assertThat(end.getStatus().getDescription()).isEqualTo("model: the logits are not finite");
    fixture.certifier.closed.join();
  }

  @Test
  void aSecondCall_isTurnedAway() {
    StatusRuntimeException busy = Statuses.of(new SourceException(new SourceRefusal.Busy()), "id");
    assertThat(busy.getStatus().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
    assertThat(busy.getStatus().getDescription()).isEqualTo("the base is being measured already");
  }

  @Test
  void listCertificates_tellsWhatIsKept() {
    assertThat(
            admin
                .listCertificates(ListCertificatesRequest.getDefaultInstance())
                .getCertificatesList())
        .isEmpty();
    fixture.certifier.kept.add(FakeCertifier.certificate());
    assertThat(
            admin
                .listCertificates(ListCertificatesRequest.getDefaultInstance())
                .getCertificates(0)
                .getAll()
                .getFlips())
        .isEqualTo(4);
  }
}
