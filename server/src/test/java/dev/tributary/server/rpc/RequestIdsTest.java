package dev.tributary.server.rpc;

import static dev.tributary.server.rpc.RpcFixture.bearer;
import static dev.tributary.server.rpc.RpcFixture.detail;
import static dev.tributary.server.rpc.RpcFixture.refused;
import static dev.tributary.server.rpc.RpcFixture.say;
import static dev.tributary.server.rpc.RpcFixture.until;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.rpc.ErrorInfo;
import dev.tributary.server.state.Role;
import dev.tributary.v1.GenerateRequest;
import io.grpc.Context;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class RequestIdsTest {
  private static final GenerateRequest ONE = say("a").setRequestId("one").build();

  @TempDir private Path folder;
  @TempDir private Path data;

  @Test
  void aChargedId_isRememberedAcrossARestart() {
    String generation;
    try (RpcFixture first = start()) {
      generation = first.inference().generateOnce(ONE).getStarted().getGenerationId();
    }
    try (RpcFixture second = start()) {
      StatusRuntimeException again =
          refused(Status.Code.ALREADY_EXISTS, () -> second.inference().generateOnce(ONE));
      assertThat(detail(again, ErrorInfo.class).getMetadataMap())
          .containsEntry("generation_id", generation);
    }
  }

  @Test
  void anId_isItsTenantsAlone() {
    try (RpcFixture fixture = start()) {
      String acme = fixture.key("acme", Role.USER);
      String rival = fixture.key("rival", Role.USER);
      for (String key : new String[] {acme, rival}) {
        assertThat(fixture.inference().withInterceptors(bearer(key)).generateOnce(ONE).getText())
            .isEqualTo("a");
      }
    }
  }

  /// Whoever has read a token has been charged, whatever happens to the server after that.
  @Test
  void anId_isKeptBeforeItsFirstTokenIsRead() {
    try (RpcFixture fixture = start()) {
      GenerateRequest request = RpcFixture.sayMuch(400).setRequestId("long").build();
      Context.CancellableContext context = Context.current().withCancellation();
      context.run(
          () -> {
            var events = fixture.inference().generate(request);
            while (!events.next().hasDelta()) {
              assertThat(fixture.server.calls()).isPositive();
            }
            context.cancel(null);
          });
      until(() -> fixture.server.calls() == 0 && fixture.engine.stats().running() == 0);
      var unused =
          refused(Status.Code.ALREADY_EXISTS, () -> fixture.inference().generateOnce(request));
    }
  }

  private RpcFixture start() {
    RpcFixture fixture =
        new RpcFixture(folder, data, RpcFixture.Options.PLAIN, RpcFixture.Reach.HERE);
    fixture.server.serve();
    return fixture;
  }
}
