package dev.tributary.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tributary.identity.ComputePath;
import dev.tributary.server.adapter.AdapterRef;
import dev.tributary.server.adapter.BaseIdentity;
import dev.tributary.server.adapter.TestStore;
import dev.tributary.server.model.AdapterUse;
import dev.tributary.server.model.Llama;
import dev.tributary.server.model.LlamaLoader;
import dev.tributary.server.model.Span;
import dev.tributary.server.tensor.EmulatedCuda;
import dev.tributary.server.tensor.Libtorch;
import dev.tributary.server.tensor.Matrix;
import dev.tributary.server.tensor.Ops;
import dev.tributary.server.weights.Checkpoint;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/// The default base with a demo adapter, so at the shapes of a real model, on the emulated GPU
/// against the CPU, which [ModelGoldenTest] holds against the oracle. A few tokens: an emulated
/// second is long.
class EmulatedGpuModelTest {
  private static final int TOKENS = 5;

  @Test
  void aPrompt_onEitherPath_answersAsOnTheCpu() throws IOException {
    Path file = RealModel.require();
    int[] ids = new Golden(RealModel.goldens().resolve("town-guide.own.safetensors")).ints("ids");
    int[] tokens = Arrays.copyOf(ids, TOKENS);
    try (Ops cpu = Ops.cpu(Libtorch.bundled(), 2);
        Ops cuda = EmulatedCuda.ops()) {
      Llama expected = llama(cpu, file);
      Llama actual = llama(cuda, file);
      try (TestStore store =
          TestStore.offering(
              RealModel.DEMO.resolve("adapters"),
              expected,
              new BaseIdentity("sha256:0", Set.of("HuggingFaceTB/SmolLM2-135M-Instruct")),
              new DirectProbe(expected),
              1 << 30)) {
        AdapterUse adapter = adapter(store);
        double[][] oracle = run(expected, tokens, ComputePath.NARROW, adapter);
        assertThat(expected.holds(adapter.weights())).isTrue();
        assertThat(actual.holds(adapter.weights())).isFalse();
        double[][] narrow = run(actual, tokens, ComputePath.NARROW, adapter);
        assertThat(actual.holds(adapter.weights())).isTrue();
        double[][] wide = run(actual, tokens, ComputePath.WIDE, adapter);
        for (int i = 0; i < TOKENS; i++) {
          assertThat(Golden.kl(oracle[i], narrow[i])).isBetween(-1e-9, 1e-7);
          // In bfloat16: as far as transformers' own run in it is from float32.
          assertThat(Golden.kl(oracle[i], wide[i])).isBetween(1e-7, 2e-2);
        }
      }
    }
  }

  private static Llama llama(Ops ops, Path file) throws IOException {
    ops.claimThread();
    Checkpoint checkpoint = Checkpoint.open(file);
    return LlamaLoader.load(checkpoint, LlamaLoader.config(checkpoint), ops, 4, 64);
  }

  private static AdapterUse adapter(TestStore store) {
    AdapterRef ref = new AdapterRef("town-guide", new AdapterRef.Number(1));
    return store.lease(store.resolve("public", ref)).join().use(1);
  }

  /// Log-probabilities after each of the tokens.
  private static double[][] run(Llama llama, int[] tokens, ComputePath path, AdapterUse adapter) {
    int[] pages = {2, 0, 3, 1};
    Matrix logits = llama.run(List.of(new Span(tokens, 0, pages, List.of(adapter), path, 0)));
    double[][] logs = new double[tokens.length][];
    for (int i = 0; i < logs.length; i++) {
      float[] row = new float[logits.cols()];
      logits.row(i, row);
      logs[i] = Golden.logSoftmax(row);
    }
    return logs;
  }
}
