package dev.tributary.server.adapter;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tributary.server.model.AdapterUse;
import dev.tributary.server.model.BaseWeights;
import dev.tributary.server.model.LlamaConfig;
import dev.tributary.server.model.LoraWeights;
import dev.tributary.server.model.Projection;
import dev.tributary.server.model.RotaryScaling;
import dev.tributary.server.tensor.AttentionShape;
import dev.tributary.server.tensor.Linear;
import dev.tributary.server.tensor.LinearWeights;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AdapterFoldersTest {
  private static final String DIGEST = "sha256:" + "cd".repeat(32);
  private static final int RANK = 3;

  /// Widths that leave odd numbers of weights.
  private static final LlamaConfig BASE =
      new LlamaConfig(
          "llama",
          2,
          18,
          22,
          new AttentionShape(3, 1, 6),
          40,
          128,
          1e-5f,
          new RotaryScaling(10_000, new RotaryScaling.Plain()),
          false,
          false,
          false,
          false,
          true);

  @TempDir Path root;

  @Test
  void write_makesAdaptersThatTheServerReads() throws IOException {
    AdapterFolders folders = new AdapterFolders(BASE, DIGEST, RANK);
    for (int i = 0; i < 3; i++) {
      folders.write(root, i, 1);
    }
    try (TestStore store =
        TestStore.offering(
            root, new Base(), new BaseIdentity(DIGEST, Set.of()), new Moves(), 1 << 20)) {
      List<AdapterInfo> all = store.list("", 10);
      assertThat(all)
          .extracting(AdapterInfo::name)
          .containsExactly("bench-0001", "bench-0002", "bench-0003");
      assertThat(all).extracting(AdapterInfo::refusal).containsOnlyNulls();
      assertThat(all.stream().map(info -> TestStore.latest(info).digest()).distinct()).hasSize(3);
      AdapterVersion version = store.resolve(AdapterStore.TENANT, AdapterRef.of("bench-0002"));
      assertThat(version.rank()).isEqualTo(RANK);
      LoraWeights weights = store.lease(version).join().weights();
      assertThat(weights.pairs()).hasSize(BASE.layers() * Projection.values().length);
      weights.pairs().values().forEach(AdapterFoldersTest::requireSane);
    }
  }

  /// Not zero, not large, not all the same.
  private static void requireSane(LoraWeights.Pair pair) {
    for (int col = 0; col < pair.a().cols(); col++) {
      assertThat(Math.abs(pair.a().get(0, col))).isBetween(1f / 64, 1f / 32);
    }
    for (int col = 0; col < pair.bt().cols(); col++) {
      assertThat(Math.abs(pair.bt().get(0, col))).isBetween(1f / 512, 1f / 256);
    }
    assertThat(pair.a().get(0, 0)).isNotEqualTo(pair.a().get(0, 1));
    assertThat(pair.scaling()).isEqualTo(1);
  }

  @Test
  void write_ofOneSeed_isTheSameBytes() throws IOException {
    AdapterFolders folders = new AdapterFolders(BASE, DIGEST, RANK);
    folders.write(root.resolve("one"), 4, 9);
    folders.write(root.resolve("other"), 4, 9);
    folders.write(root.resolve("seed"), 4, 10);
    assertThat(weights("one")).isEqualTo(weights("other")).isNotEqualTo(weights("seed"));
    assertThat(folders.bytes())
        .isEqualTo(
            weights("one").length + Files.size(root.resolve("one/bench-0005/adapter_config.json")));
  }

  private byte[] weights(String folder) throws IOException {
    return Files.readAllBytes(
        root.resolve(folder).resolve("bench-0005").resolve("adapter_model.safetensors"));
  }

  private record Base() implements BaseWeights {
    @Override
    public LlamaConfig config() {
      return BASE;
    }

    @Override
    public void row(LoraWeights.Site site, int output, float[] row) {
      row[0] = 1;
    }

    @Override
    public Linear pack(LinearWeights weights) {
      throw new UnsupportedOperationException("no adapter here brings a head");
    }
  }

  /// A base whose logits every adapter moves.
  private record Moves() implements Probe {
    @Override
    public CompletableFuture<List<float[]>> logits(List<List<AdapterUse>> uses) {
      return CompletableFuture.completedFuture(
          uses.stream().map(use -> new float[] {use.size()}).toList());
    }

    @Override
    public CompletableFuture<Double> logProb(ProbeExample example, List<AdapterUse> adapters) {
      throw new UnsupportedOperationException("no adapter here brings examples");
    }

    @Override
    public boolean isBusy() {
      return false;
    }
  }
}
