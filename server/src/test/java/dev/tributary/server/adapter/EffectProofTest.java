package dev.tributary.server.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tributary.server.model.AdapterUse;
import dev.tributary.server.model.LoraWeights;
import dev.tributary.server.model.LoraWeights.Pair;
import dev.tributary.server.model.LoraWeights.Site;
import dev.tributary.server.model.Projection;
import dev.tributary.server.tensor.DType;
import dev.tributary.server.tensor.Matrix;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EffectProofTest {
  private static final LoraWeights WEIGHTS = weights(1, 1);
  private static final float[] ONE = {1};
  private static final float[] TWO = {2};

  @TempDir Path folder;

  /// Answers the same to every prompt.
  private record FixedProbe(float[] without, float[] with, double logProbOf, double logProbWith)
      implements Probe {
    @Override
    public CompletableFuture<List<float[]>> logits(List<List<AdapterUse>> uses) {
      assertThat(uses.stream().map(List::size)).containsExactly(0, 1);
      assertThat(uses.get(1).getFirst().scale()).isEqualTo(1);
      return CompletableFuture.completedFuture(List.of(without, with));
    }

    @Override
    public CompletableFuture<Double> logProb(ProbeExample example, List<AdapterUse> adapters) {
      return CompletableFuture.completedFuture(adapters.isEmpty() ? logProbOf : logProbWith);
    }

    @Override
    public boolean isBusy() {
      return false;
    }
  }

  @Test
  void require_oneLogitMoves_passes() {
    assertThatCode(() -> require(new float[] {1, 2, 3}, new float[] {1, 2, 3.0000002f}))
        .doesNotThrowAnyException();
  }

  @Test
  void require_sameLogits_refused() {
    assertThatThrownBy(() -> require(new float[] {1, 2}, new float[] {1, 2}))
        .isInstanceOf(AdapterException.class)
        .hasMessageContaining("the same without it");
  }

  @Test
  void require_logitOverflows_refused() {
    for (float bad : new float[] {Float.NaN, Float.NEGATIVE_INFINITY}) {
      assertThatThrownBy(() -> require(new float[] {1, 2}, new float[] {1.5f, bad}))
          .isInstanceOf(AdapterException.class)
          .hasMessageContaining("token 1 becomes " + bad);
    }
  }

  @Test
  void require_zeroPairs_refusedWhateverTheProbeSays() {
    EffectProof proof = new EffectProof(new FixedProbe(ONE, TWO, 0, 0));
    for (LoraWeights zero : List.of(weights(1, 0), weights(0, 1))) {
      assertThatThrownBy(() -> proof.require(zero, List.of()))
          .isInstanceOf(AdapterException.class)
          .hasMessageContaining("every low-rank pair is zero");
    }
  }

  @Test
  void require_examples_mustBecomeMoreLikely() {
    List<ProbeExample> examples =
        List.of(new ProbeExample(List.of(new ProbeExample.Message("user", "Ahoy?")), "Arr!"));
    assertThatCode(() -> require(examples, -5, -4)).doesNotThrowAnyException();
    for (double with : new double[] {-5, -6, Double.NaN}) {
      assertThatThrownBy(() -> require(examples, -5, with))
          .isInstanceOf(AdapterException.class)
          .hasMessageContaining("probe.jsonl goes from -5.0000 to");
    }
    assertThatCode(() -> require(List.of(), -5, -6)).doesNotThrowAnyException();
  }

  @Test
  void load_probeFileBesideTheAdapter_isUsed() throws IOException {
    PeftFolder peft = new PeftFolder(PeftFiles.small(1).write(folder));
    write(
        """
        {"contributor": "a", "messages": [{"role": "system", "content": "Be a pirate."}, \
        {"role": "user", "content": "Soap?"}, {"role": "assistant", "content": "Arr"}]}

        {"messages": [{"role": "user", "content": "Tea?"}, {"role": "assistant", "content": "Aye"}]}
        """);
    assertThat(ProbeFile.read(folder.resolve(ProbeFile.NAME)))
        .containsExactly(
            new ProbeExample(
                List.of(
                    new ProbeExample.Message("system", "Be a pirate."),
                    new ProbeExample.Message("user", "Soap?")),
                "Arr"),
            new ProbeExample(List.of(new ProbeExample.Message("user", "Tea?")), "Aye"));
    AdapterReader falling = reader(new FixedProbe(ONE, TWO, -1, -2));
    AdapterVersion version = TestStore.describe(falling, peft, "test");
    assertThatThrownBy(() -> falling.load(peft, version, false))
        .hasMessageContaining("probe.jsonl");
    assertThat(reader(new FixedProbe(ONE, TWO, -2, -1)).load(peft, version, false)).isNotNull();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "\n",
        "[]",
        "{}",
        "{\"messages\": []}",
        "{\"messages\": [{\"role\": \"assistant\", \"content\": \"alone\"}]}",
        "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}, {\"role\": \"user\", \"content\": \"b\"}]}",
        "{\"messages\": [{\"role\": \"user\"}, {\"role\": \"assistant\", \"content\": \"b\"}]}",
        "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}, {\"role\": \"assistant\", \"content\": \"\"}]}",
        "{\"messages\": 1} x",
        "\u0000",
      })
  void read_malformedProbeFile_isNamed(String text) throws IOException {
    write(text);
    assertThatThrownBy(() -> ProbeFile.read(folder.resolve(ProbeFile.NAME)))
        .isInstanceOf(AdapterException.class)
        .hasMessageStartingWith("probe.jsonl: ");
  }

  @Test
  void read_tooLongProbeFile_refused() throws IOException {
    String line =
        "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"},"
            + " {\"role\": \"assistant\", \"content\": \"b\"}]}\n";
    write(line.repeat(64));
    assertThat(ProbeFile.read(folder.resolve(ProbeFile.NAME))).hasSize(64);
    for (String text : List.of(line.repeat(65), line + " ".repeat(1 << 18))) {
      write(text);
      assertThatThrownBy(() -> ProbeFile.read(folder.resolve(ProbeFile.NAME)))
          .isInstanceOf(AdapterException.class);
    }
    Files.write(folder.resolve(ProbeFile.NAME), new byte[] {(byte) 0xff});
    assertThatThrownBy(() -> ProbeFile.read(folder.resolve(ProbeFile.NAME)))
        .hasMessage("probe.jsonl: is not UTF-8");
  }

  private void write(String text) throws IOException {
    Files.write(folder.resolve(ProbeFile.NAME), text.getBytes(StandardCharsets.UTF_8));
  }

  private static AdapterReader reader(Probe probe) {
    return new AdapterReader(
        new TinyBase(TinyBase.CONFIG), TinyBase.IDENTITY, new EffectProof(probe), 1 << 20);
  }

  private static void require(float[] without, float[] with) {
    new EffectProof(new FixedProbe(without, with, 0, 0)).require(WEIGHTS, List.of());
  }

  private static void require(List<ProbeExample> examples, double without, double with) {
    new EffectProof(new FixedProbe(ONE, TWO, without, with)).require(WEIGHTS, examples);
  }

  private static LoraWeights weights(float a, float b) {
    Pair pair = new Pair(Matrix.of(DType.F32, 1, 2, 0, a), Matrix.of(DType.BF16, 1, 2, b, 0), 1);
    return new LoraWeights(Map.of(new Site(0, Projection.Q), pair), Map.of(), Map.of(), null, 12);
  }
}
