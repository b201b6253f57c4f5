package dev.tributary.server.attribution;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class MeasuresTest {
  private static final Sketch SKETCH = Sketch.of(new byte[] {1, 2});

  private static Sequence sequence(int last, int targetsFrom) {
    return new Sequence(new int[] {7, 8, last}, targetsFrom);
  }

  @Test
  void theSameTokens_areKnown_butNotWithAnotherAnswer() {
    Measures measures = new Measures();
    measures.put(sequence(9, 1), new Measures.Gradient(SKETCH, 0.5));
    measures.put(sequence(9, 1), 0.25);

    assertThat(measures.gradient(sequence(9, 1))).isEqualTo(new Measures.Gradient(SKETCH, 0.5));
    assertThat(measures.loss(sequence(9, 1))).isEqualTo(0.25);
    assertThat(measures.gradient(sequence(9, 2))).isNull();
    assertThat(measures.loss(sequence(10, 1))).isNull();
  }

  @Test
  void tooMany_theOneUnusedLongest_isForgotten() {
    Measures measures = new Measures();
    for (int i = 0; i < Measures.MOST; i++) {
      measures.put(sequence(i, 1), i);
    }
    assertThat(measures.loss(sequence(0, 1))).isZero();

    measures.put(sequence(Measures.MOST, 1), 1);

    assertThat(measures.loss(sequence(0, 1))).isZero();
    assertThat(measures.loss(sequence(1, 1))).isNull();
  }
}
