package dev.tributary.server.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tributary.server.metrics.EngineFigures;
import dev.tributary.v1.InferenceGrpc;
import io.grpc.Metadata;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.MetadataUtils;
import io.grpc.xds.shaded.com.github.xds.data.orca.v3.OrcaLoadReport;
import io.grpc.xds.shaded.com.github.xds.service.orca.v3.OpenRcaServiceGrpc;
import io.grpc.xds.shaded.com.github.xds.service.orca.v3.OrcaLoadReportRequest;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class LoadReportsTest {
  private static final Metadata.Key<OrcaLoadReport> TRAILER =
      Metadata.Key.of(
          "endpoint-load-metrics-bin",
          ProtoUtils.metadataMarshaller(OrcaLoadReport.getDefaultInstance()));

  private static final EngineFigures BUSY =
      new EngineFigures(4, 8, 16, 64, 8, 100, 16, 25, 0, 0, 0, 0, 0, 0);

  private RpcFixture fixture;

  @BeforeEach
  void start(@TempDir Path folder) {
    fixture = new RpcFixture(folder);
    fixture.metrics.serves("Echo", () -> BUSY);
    fixture.server.serve();
  }

  @AfterEach
  void stop() {
    fixture.close();
  }

  private static void assertBusy(OrcaLoadReport report) {
    assertThat(report.getUtilizationMap())
        .containsEntry("rows", 0.5)
        .containsEntry("kv", 0.75)
        .containsEntry("queue", 0.25);
    assertThat(report.getApplicationUtilization()).isEqualTo(1.0);
  }

  @Test
  void aStream_tellsTheLoad() {
    Iterator<OrcaLoadReport> reports =
        OpenRcaServiceGrpc.newBlockingStub(fixture.channel)
            .streamCoreMetrics(OrcaLoadReportRequest.getDefaultInstance());
    OrcaLoadReport report = reports.next();
    while (report.getUtilizationMap().getOrDefault("rows", 0.0) == 0) {
      report = reports.next();
    }
    assertBusy(report);
  }

  @Test
  void everyCall_tellsTheLoadInItsTrailers() {
    AtomicReference<Metadata> trailers = new AtomicReference<>();
    InferenceGrpc.InferenceBlockingStub stub =
        fixture
            .inference()
            .withInterceptors(
                MetadataUtils.newCaptureMetadataInterceptor(new AtomicReference<>(), trailers));
    OrcaLoadReport report;
    do {
      stub.generateOnce(RpcFixture.say("x").build());
      report = Objects.requireNonNull(trailers.get()).get(TRAILER);
      assertThat(report).isNotNull();
    } while (report.getUtilizationMap().getOrDefault("rows", 0.0) == 0);
    assertBusy(report);
  }
}
