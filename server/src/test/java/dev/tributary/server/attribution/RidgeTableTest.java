package dev.tributary.server.attribution;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RidgeTableTest {
  private static final double LAMBDA = 0.1;

  @TempDir private Path folder;

  @Test
  void threshold_isWhatADecoyScores_whenTheClusterIsLeftOut() {
    Random random = new Random(3);
    List<Sketch> clusters = sketches(random, 9, 40);
    List<Sketch> decoys = sketches(random, 7, 40);
    RidgeTable.Fitted fitted = RidgeTable.fit(clusters, decoys, ones(9), LAMBDA);
    double most = 0;
    for (int i = 0; i < clusters.size(); i++) {
      List<Sketch> rest = new ArrayList<>(clusters);
      Sketch left = rest.remove(i);
      // Decoys as clusters, so that the table tells their scores.
      List<Sketch> all = new ArrayList<>(rest);
      all.addAll(decoys);
      double[] scores =
          RidgeTable.fit(all, List.of(), ones(all.size()), LAMBDA).table().scores(left);
      for (int d = rest.size(); d < scores.length; d++) {
        most = Math.max(most, scores[d]);
      }
    }
    assertThat(most).isPositive();
    assertThat(fitted.threshold()).isCloseTo(most, within(1e-6));
  }

  @Test
  void aCopyThatWasNotLearnt_takesNothing() {
    Random random = new Random(11);
    List<Sketch> clusters = sketches(random, 6, 60);
    List<Sketch> decoys = sketches(random, 5, 60);
    List<Sketch> copied = new ArrayList<>(clusters);
    copied.add(clusters.getFirst());
    float[] weights = ones(7);
    weights[6] = 0;
    RidgeTable.Fitted honest = RidgeTable.fit(clusters, decoys, ones(6), LAMBDA);
    RidgeTable.Fitted fitted = RidgeTable.fit(copied, decoys, weights, LAMBDA);
    Sketch answer = sketches(random, 1, 60).getFirst();

    double[] scores = fitted.table().scores(answer);

    assertThat(Arrays.copyOf(scores, 6))
        .containsExactly(honest.table().scores(answer), within(1e-6));
    assertThat(scores[6]).isZero();
    assertThat(fitted.threshold()).isCloseTo(honest.threshold(), within(1e-6));
  }

  @Test
  void score_ofAnExampleItself_isAllItsOwn() {
    Random random = new Random(5);
    List<Sketch> clusters = sketches(random, 12, 400);
    RidgeTable table = RidgeTable.fit(clusters, sketches(random, 5, 400), ones(12), LAMBDA).table();
    for (int i = 0; i < 12; i++) {
      double[] scores = table.scores(clusters.get(i));
      assertThat(scores[i]).isGreaterThan(0.8);
      for (int j = 0; j < 12; j++) {
        if (j != i) {
          assertThat(Math.abs(scores[j])).isLessThan(0.1);
        }
      }
    }
  }

  @Test
  void twins_shareWhatOneWouldHave() {
    Random random = new Random(7);
    List<Sketch> clusters = new ArrayList<>(sketches(random, 6, 400));
    double alone =
        RidgeTable.fit(clusters, List.of(), ones(6), LAMBDA).table().scores(clusters.get(2))[2];
    clusters.add(clusters.get(2));
    double[] both =
        RidgeTable.fit(clusters, List.of(), ones(7), LAMBDA).table().scores(clusters.get(2));
    assertThat(both[2]).isCloseTo(both[6], within(1e-6));
    assertThat(both[2] + both[6]).isCloseTo(alone, within(0.06));
  }

  @Test
  void whatWasLearntHalf_scoresLess_thanACopyThatWasLearntWhole() {
    Random random = new Random(7);
    List<Sketch> clusters = sketches(random, 4, 60);
    clusters.add(clusters.getFirst());
    float[] weights = ones(5);
    weights[4] = 0.5f;

    double[] scores =
        RidgeTable.fit(clusters, List.of(), weights, LAMBDA).table().scores(clusters.getFirst());

    // Two equal columns are credited as the squares of their weights.
    assertThat(scores[4]).isCloseTo(scores[0] / 4, within(1e-6)).isPositive();
  }

  @Test
  void file_givesTheSameScores() throws IOException {
    Random random = new Random(11);
    List<Sketch> clusters = sketches(random, 10, 37);
    float[] weights = ones(10);
    weights[3] = 0.25f;
    RidgeTable table = RidgeTable.fit(clusters, sketches(random, 4, 37), weights, LAMBDA).table();
    Path file = folder.resolve("table");
    table.write(file);
    RidgeTable read = RidgeTable.open(file);
    Sketch answer = sketches(random, 1, 37).getFirst();
    assertThat(read.scores(answer)).isEqualTo(table.scores(answer));
    assertThat(read.cosines(answer)).isEqualTo(table.cosines(answer));
    byte[] bytes = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(bytes, bytes.length - 4));
    assertThatThrownBy(() -> RidgeTable.open(file)).hasMessageContaining("another length");
    bytes[0]++;
    Files.write(file, bytes);
    assertThatThrownBy(() -> RidgeTable.open(file)).hasMessageContaining("no table of influence");
  }

  private static float[] ones(int count) {
    float[] ones = new float[count];
    Arrays.fill(ones, 1);
    return ones;
  }

  private static List<Sketch> sketches(Random random, int count, int size) {
    List<Sketch> sketches = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      float[] gradient = new float[size];
      for (int d = 0; d < size; d++) {
        gradient[d] = (float) random.nextGaussian();
      }
      sketches.add(Sketch.of(gradient));
    }
    return sketches;
  }
}
