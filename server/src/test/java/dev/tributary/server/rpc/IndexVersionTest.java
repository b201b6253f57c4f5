package dev.tributary.server.rpc;

import static dev.tributary.server.rpc.RpcFixture.detail;
import static dev.tributary.server.rpc.RpcFixture.refused;
import static dev.tributary.server.rpc.RpcFixture.until;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.rpc.PreconditionFailure;
import dev.tributary.v1.AdapterSelector;
import dev.tributary.v1.IndexVersionEvent;
import dev.tributary.v1.IndexVersionEvent.Progress;
import dev.tributary.v1.IndexVersionRequest;
import dev.tributary.v1.Tier;
import dev.tributary.v1.VersionIndex;
import io.grpc.Context;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// IndexVersion, through a channel; loads stand for builds.
@Timeout(60)
class IndexVersionTest {
  private static final Indexing.Indexed INDEX =
      new Indexing.Indexed("ridge-v1", "sha256:" + "9a".repeat(32), "score 7/2^20", 42);

  private RpcFixture fixture;

  @BeforeEach
  void start(@TempDir Path folder) {
    fixture = RpcFixture.serving(folder);
  }

  @AfterEach
  void stop() {
    fixture.adapters.gate.complete(null);
    fixture.close();
  }

  private Iterator<IndexVersionEvent> index(String name) {
    return fixture
        .adapterService()
        .indexVersion(
            IndexVersionRequest.newBuilder()
                .setAdapter(AdapterSelector.newBuilder().setName(name))
                .build());
  }

  @Test
  void indexVersion_tellsTheStepsThenTheIndex() {
    fixture.adapters.gate = new CompletableFuture<>();
    fixture.indexing.standing = new Indexing.Due();
    Iterator<IndexVersionEvent> events = index("loud");
    until(() -> fixture.indexing.watchers() == 1);

    fixture.indexing.tell(8, 100);
    assertThat(events.next().getProgress())
        .isEqualTo(Progress.newBuilder().setDone(8).setAll(100).build());
    fixture.indexing.tell(16, 100);
    assertThat(events.next().getProgress().getDone()).isEqualTo(16);
    fixture.indexing.standing = INDEX;
    fixture.adapters.gate.complete(null);

    VersionIndex index = events.next().getIndex();
    assertThat(index.getMethod()).isEqualTo("ridge-v1");
    assertThat(index.getDigest()).isEqualTo(INDEX.digest());
    assertThat(index.getThresholds()).isEqualTo(INDEX.thresholds());
    assertThat(index.getClusters()).isEqualTo(42);
    assertThat(index.getExisted()).isFalse();
    assertThat(index.getVersion().getAdapter()).isEqualTo("public/loud");
    assertThat(index.getVersion().getTier()).isEqualTo(Tier.TIER_DEVICE);
    assertThat(events.hasNext()).isFalse();
    until(() -> fixture.indexing.watchers() == 0);
  }

  @Test
  void indexVersion_ofOneThatHasAnIndex_saysSoAndLoadsNothing() {
    fixture.indexing.standing = INDEX;

    VersionIndex index = index("loud").next().getIndex();

    assertThat(index.getExisted()).isTrue();
    assertThat(index.getClusters()).isEqualTo(42);
    assertThat(index.getVersion().getTier()).isEqualTo(Tier.TIER_DISK);
  }

  @ParameterizedTest
  @EnumSource(Indexing.Reason.class)
  void indexVersion_ofOneThatCanHaveNone_saysWhy(Indexing.Reason reason) {
    fixture.indexing.standing = new Indexing.Impossible(reason);

    StatusRuntimeException refused =
        refused(Status.Code.FAILED_PRECONDITION, () -> index("loud").next());

    assertThat(refused.getStatus().getDescription())
        .isEqualTo("version 1 of public/loud " + reason.text());
    assertThat(detail(refused, PreconditionFailure.class).getViolations(0).getType())
        .isEqualTo("INDEX_" + reason.name());
  }

  @Test
  void indexVersion_ofOneThatWasInMemoryWithout_isNotPassedOffAsDone() {
    fixture.indexing.standing = new Indexing.Due();

    refused(Status.Code.FAILED_PRECONDITION, () -> index("loud").next());
  }

  @Test
  void indexVersion_unknown_isNotFound() {
    refused(Status.Code.NOT_FOUND, () -> index("nobody").next());
    refused(Status.Code.NOT_FOUND, () -> index("acme/loud").next());
  }

  @Test
  void aCallerWhoLeaves_isToldNoMore() {
    fixture.adapters.gate = new CompletableFuture<>();
    fixture.indexing.standing = new Indexing.Due();
    Context.CancellableContext caller = Context.current().withCancellation();
    Iterator<IndexVersionEvent> events;
    Context before = caller.attach();
    try {
      events = index("loud");
    } finally {
      caller.detach(before);
    }
    until(() -> fixture.indexing.watchers() == 1);

    caller.cancel(null);

    refused(Status.Code.CANCELLED, events::next);
    until(() -> fixture.indexing.watchers() == 0);
  }
}
