package dev.tributary.server.weights;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TensorTypeTest {
  /// Written by .ci/goldens/dequant_goldens.py.
  static Gguf golden() throws IOException {
    try {
      return Gguf.open(
          Path.of(
              Objects.requireNonNull(
                      TensorTypeTest.class.getResource("/goldens/dequant/blocks.gguf"))
                  .toURI()));
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }

  @ParameterizedTest
  @EnumSource
  void dequantize_goldenBlocks_agreesWithGgufPyBitForBit(TensorType type) throws IOException {
    StoredTensor stored = golden().tensor(type.name());
    StoredTensor expected = golden().tensor(type.name() + ".expected");

    assertThat(stored.type()).isEqualTo(type);
    assertThat(stored.shape()).isEqualTo(expected.shape()).containsExactly(3L, 512L);
    assertThat(stored.toFloats()).containsExactly(expected.toFloats());
    float[] row = new float[512];
    float[] expectedRow = new float[512];
    stored.row(2, row);
    expected.row(2, expectedRow);
    assertThat(row).containsExactly(expectedRow);
  }
}
