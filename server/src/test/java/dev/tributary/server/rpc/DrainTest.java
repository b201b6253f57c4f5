package dev.tributary.server.rpc;

import static dev.tributary.server.rpc.RpcFixture.refused;
import static dev.tributary.server.rpc.RpcFixture.say;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.util.concurrent.ListenableFuture;
import dev.tributary.v1.GenerateResponse;
import dev.tributary.v1.InferenceGrpc;
import io.grpc.Status;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// The order in which a server stops.
@Timeout(60)
class DrainTest {
  private RpcFixture fixture;

  @BeforeEach
  void start(@TempDir Path folder) {
    fixture = new RpcFixture(folder);
  }

  @AfterEach
  void stop() {
    fixture.close();
  }

  private ServingStatus health(String service) {
    return HealthGrpc.newBlockingStub(fixture.channel)
        .check(HealthCheckRequest.newBuilder().setService(service).build())
        .getStatus();
  }

  @Test
  void readiness_goesBeforeTheDoorCloses() throws Exception {
    assertThat(fixture.server.phase()).isEqualTo("warming");
    fixture.server.serve();
    assertThat(fixture.server.phase()).isEqualTo("serving");
    RpcFixture.Hold hold = fixture.holdEngine();
    ListenableFuture<GenerateResponse> under =
        InferenceGrpc.newFutureStub(fixture.channel).generateOnce(say("under way").build());
    hold.awaitStep();

    fixture.server.leave();

    assertThat(fixture.server.phase()).isEqualTo("leaving");
    for (String service : new String[] {"", "tributary.v1.Inference", "tributary.v1.Adapters"}) {
      assertThat(health(service)).isEqualTo(ServingStatus.NOT_SERVING);
    }
    ListenableFuture<GenerateResponse> late =
        InferenceGrpc.newFutureStub(fixture.channel).generateOnce(say("still let in").build());
    hold.release();
    assertThat(late.get().getText()).isEqualTo("still let in");
    assertThat(under.get().getText()).isEqualTo("under way");

    fixture.server.drain(Duration.ofSeconds(5));

    assertThat(fixture.server.phase()).isEqualTo("draining");
    refused(Status.Code.UNAVAILABLE, () -> fixture.inference().generateOnce(say("x").build()));
  }

  @Test
  void leaving_beforeItServed_neverServes() {
    fixture.server.leave();
    fixture.server.serve();
    assertThat(fixture.server.phase()).isEqualTo("draining");
    assertThat(health("")).isEqualTo(ServingStatus.NOT_SERVING);
    refused(Status.Code.UNAVAILABLE, () -> fixture.inference().generateOnce(say("x").build()));
  }

  @Test
  void leaving_twice_isTheSame() {
    fixture.server.serve();
    fixture.server.leave();
    fixture.server.leave();
    fixture.server.serve();
    assertThat(fixture.server.phase()).isEqualTo("leaving");
    assertThat(health("")).isEqualTo(ServingStatus.NOT_SERVING);
  }
}
