package dev.tributary.server.adapter;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tributary.server.model.LoraWeights;
import dev.tributary.server.model.LoraWeights.Pair;
import dev.tributary.server.model.LoraWeights.Site;
import dev.tributary.server.model.Projection;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Test;

/// The adapters of `server/demo`, as PEFT wrote them, on a base of the default model's shape.
class DemoAdaptersTest {
  /// Surefire runs in the module's folder.
  private static final Path DEMO = Path.of("demo", "adapters");

  private static final BaseIdentity BASE =
      new BaseIdentity(
          "sha256:b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
          Set.of("HuggingFaceTB/SmolLM2-135M-Instruct"));

  private record Expected(int rank, int targets, int pairs, float scaling) {}

  @Test
  void lease_everyDemoAdapter_bindsCompletely() {
    Map<String, Expected> expected =
        Map.of(
            "haiku", new Expected(4, 2, 60, 2),
            "json", new Expected(8, 4, 120, (float) (16 / Math.sqrt(8))),
            "pirate", new Expected(8, 7, 210, 2),
            "town-guide", new Expected(16, 7, 210, 2));
    try (TestStore store =
        TestStore.offering(DEMO, new TinyBase(TinyBase.SMOLLM2), BASE, new FakeProbe(), 64 << 20)) {
      List<AdapterInfo> infos = store.list("", 100);
      assertThat(infos)
          .extracting(AdapterInfo::name)
          .containsExactlyInAnyOrderElementsOf(expected.keySet());
      for (AdapterInfo info : infos) {
        assertThat(info.refusal()).as(info.name()).isNull();
        AdapterVersion version = TestStore.latest(info);
        Expected want = Objects.requireNonNull(expected.get(info.name()));
        assertThat(version.rank()).isEqualTo(want.rank);
        assertThat(version.targets()).hasSize(want.targets);
        try (Lease lease = store.lease(version).join()) {
          LoraWeights weights = lease.weights();
          assertThat(weights.pairs()).hasSize(want.pairs);
          assertThat(weights.bytes()).isEqualTo(version.bytes());
          Pair pair = Objects.requireNonNull(weights.pairs().get(new Site(29, Projection.V)));
          assertThat(pair.scaling()).isEqualTo(want.scaling);
          assertThat(pair.bt().cols()).isEqualTo(192);
        }
      }
    }
  }
}
