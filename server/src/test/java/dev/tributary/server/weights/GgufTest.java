package dev.tributary.server.weights;

import static dev.tributary.server.weights.GgufFile.join;
import static dev.tributary.server.weights.GgufFile.string;
import static dev.tributary.server.weights.GgufFile.u32;
import static dev.tributary.server.weights.GgufFile.u64;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GgufTest {
  @TempDir Path directory;

  private Gguf open(byte[] bytes) throws IOException {
    return Gguf.open(Files.write(directory.resolve("model.gguf"), bytes));
  }

  private void assertRefused(byte[] bytes, long offset, String... saying) {
    assertThatThrownBy(() -> open(bytes))
        .isInstanceOfSatisfying(
            FormatException.class, e -> assertThat(e.offset()).as(e.getMessage()).isEqualTo(offset))
        .hasMessageStartingWith(directory.resolve("model.gguf") + ": byte " + offset + ": ")
        .hasMessageContainingAll(saying);
  }

  static GgufFile small() {
    return new GgufFile()
        .pair("general.architecture", GgufFile.STRING, string("llama"))
        .pair("general.alignment", GgufFile.U32, u32(32))
        .pair("a.bool", GgufFile.BOOL, new byte[] {1})
        .pair(
            "an.array", GgufFile.ARRAY, join(u32(GgufFile.STRING), u64(2), string("é"), string("")))
        .tensor("norm", TensorType.F32, List.of(3), new byte[12])
        .tensor("matrix", TensorType.Q4_1, List.of(64, 2), new byte[80]);
  }

  @Test
  void open_rightFile_givesMetadataAndTensors() throws IOException {
    Gguf gguf = open(small().bytes());

    assertThat(gguf.kind()).isEqualTo("gguf");
    assertThat(gguf.metadata())
        .containsEntry("general.architecture", "llama")
        .containsEntry("general.alignment", 32L)
        .containsEntry("a.bool", true)
        .containsEntry("an.array", List.of("é", ""));
    assertThat(gguf.tensorNames()).containsExactly("norm", "matrix");
    assertThat(gguf.unread()).containsExactly("norm", "matrix");
    assertThat(gguf.tensor("matrix").shape()).containsExactly(2L, 64L);
    assertThat(gguf.unread()).containsExactly("norm");
    assertThat(gguf.tensor("norm").toFloats()).containsExactly(0, 0, 0);
  }

  @Test
  void open_everyMetadataType_isRead() throws IOException {
    Gguf gguf =
        open(
            new GgufFile()
                .pair("u8", 0, new byte[] {-1})
                .pair("i8", 1, new byte[] {-1})
                .pair("u16", 2, new byte[] {-1, -1})
                .pair("i16", 3, new byte[] {-2, -1})
                .pair("u32", 4, u32(0xfffffffeL))
                .pair("i32", 5, u32(-3))
                .pair("f32", 6, u32(Float.floatToIntBits(0.1f)))
                .pair("u64", 10, u64(Long.MAX_VALUE))
                .pair("i64", 11, u64(Long.MIN_VALUE))
                .pair("f64", 12, u64(Double.doubleToLongBits(0.1)))
                .pair("nested", 9, join(u32(9), u64(1), u32(0), u64(2), new byte[] {1, 2}))
                .bytes(2, 0, 11));

    assertThat(gguf.metadata())
        .isEqualTo(
            Map.ofEntries(
                Map.entry("u8", 255L),
                Map.entry("i8", -1L),
                Map.entry("u16", 65535L),
                Map.entry("i16", -2L),
                Map.entry("u32", 0xfffffffeL),
                Map.entry("i32", -3L),
                Map.entry("f32", 0.1f),
                Map.entry("u64", Long.MAX_VALUE),
                Map.entry("i64", Long.MIN_VALUE),
                Map.entry("f64", 0.1),
                Map.entry("nested", List.of(List.of(1L, 2L)))));
  }

  @Test
  void open_truncatedAtAnyByte_namesTheOffset() throws IOException {
    byte[] whole = small().bytes();
    for (int length = 0; length < whole.length; length++) {
      byte[] part = Arrays.copyOf(whole, length);
      assertThatThrownBy(() -> open(part))
          .as("%d bytes", length)
          .isInstanceOf(FormatException.class)
          .hasMessageMatching(".*model.gguf: byte [0-9]+: expected .*the file ends .*");
    }
  }

  @Test
  void open_otherMagicOrdersAndVersions_areNamed() {
    assertRefused(join("GGML".getBytes(StandardCharsets.US_ASCII), new byte[20]), 0, "magic GGUF");
    assertRefused(small().bytes(1, 0, 0), 4, "version 2 or 3, found 1");
    assertRefused(small().bytes(4, 0, 0), 4, "version 2 or 3, found 4");
    assertRefused(small().bytes(3 << 24, 0, 0), 4, "big-endian");
  }

  @ParameterizedTest
  @ValueSource(longs = {Long.MAX_VALUE, Long.MIN_VALUE, -1, 1L << 32, 60_000})
  void open_giganticCounts_areRefusedBeforeAnyAllocation(long count) {
    assertRefused(small().bytes(3, count, 4), 8, "tensors");
    assertRefused(small().bytes(3, 2, count), 16, "metadata keys");
    assertRefused(new GgufFile().pair("k", 8, u64(count)).bytes(), 37, "bytes of k");
    assertRefused(
        new GgufFile().pair("k", 9, join(u32(0), u64(count))).bytes(), 41, "elements of k");
  }

  @Test
  void open_wrongMetadata_isRefused() {
    assertRefused(new GgufFile().pair("k", 13, u64(0)).bytes(), 33, "type from 0 to 12", "13");
    assertRefused(new GgufFile().pair("k", 7, new byte[] {2}).bytes(), 37, "0 or 1 for k");
    assertRefused(
        new GgufFile().pair("k", 10, u64(-1)).bytes(), 37, "2^63", "18446744073709551615");
    assertRefused(
        new GgufFile().pair("k", 8, join(u64(1), new byte[] {(byte) 0xc3})).bytes(), 45, "UTF-8");
    assertRefused(
        new GgufFile().pair("k", 0, new byte[1]).pair("k", 0, new byte[1]).bytes(), 38, "k again");
    byte[] deep = u32(0);
    for (int i = 0; i < 5; i++) {
      deep = join(u32(9), u64(1), deep);
    }
    assertRefused(new GgufFile().pair("k", 9, deep).bytes(), 85, "at most 4 levels");
    for (long alignment : new long[] {0, 3, 1 << 21}) {
      assertRefused(
          new GgufFile().pair("general.alignment", 4, u32(alignment)).bytes(), 8, "power of two");
    }
    assertRefused(
        new GgufFile().pair("general.alignment", 8, string("32")).bytes(), 8, "power of two");
    assertRefused(
        new GgufFile().pair("split.count", 2, new byte[] {2, 0}).bytes(), 8, "one of 2 parts");
  }

  @Test
  void open_wrongTensors_areRefused() {
    long[] four = {4};
    assertRefused(tensor(9, 32), 45, "Q8_1 (ggml type 9)");
    assertRefused(tensor(10, 256), 45, "Q2_K");
    assertRefused(tensor(4, 32), 45, "an unknown one (ggml type 4)");
    assertRefused(tensor(3, 33), 37, "multiple of 32 elements for Q4_1", "[33]");
    assertRefused(tensor(12, 32), 37, "multiple of 256 elements for Q4_K");
    assertRefused(tensor(0, 0), 37, "dimensions from 1");
    assertRefused(tensor(0, -1), 37, "dimension", "[-1]");
    assertRefused(tensor(0, 1, 1L << 30, 4), 37, "rows");
    assertRefused(tensor(0), 33, "1 to 4 dimensions of t", "found 0");
    assertRefused(tensor(0, 1, 1, 1, 1, 1), 33, "found 5");
    assertRefused(new GgufFile().entry("t", 0, four, 8).data(64).bytes(), 49, "multiple of 32");
    assertRefused(new GgufFile().entry("t", 0, four, -32).data(64).bytes(), 49, "multiple of 32");
    assertRefused(new GgufFile().entry("t", 0, four, 64).data(64).bytes(), 24, "16 bytes of t");
    assertRefused(
        new GgufFile().entry("t", 0, four, Long.MAX_VALUE - 31).data(64).bytes(), 24, "16 bytes");
    assertRefused(
        new GgufFile().entry("t", 0, four, 0).entry("t", 0, four, 32).data(64).bytes(),
        57,
        "found t again");
    assertRefused(
        new GgufFile().entry("t", 0, new long[] {9}, 0).entry("u", 0, four, 32).data(64).bytes(),
        57,
        "t and u overlap");
    assertRefused(
        new GgufFile().entry("t".repeat(65), 0, four, 0).data(64).bytes(), 24, "at most 64");
  }

  private static byte[] tensor(long type, long... dimensions) {
    return new GgufFile().entry("t", type, dimensions, 0).data(4096).bytes();
  }

  @Test
  void tensor_unknownName_isRefused() throws IOException {
    Gguf gguf = open(small().bytes());
    assertThatThrownBy(() -> gguf.tensor("other"))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("expected a tensor other");
  }

  @Test
  void open_defaultModel_hasItsTensors() throws IOException {
    Gguf gguf = Gguf.open(DefaultModel.path());
    Map<TensorType, Integer> types = new TreeMap<>();
    for (String name : gguf.tensorNames()) {
      types.merge(gguf.tensor(name).type(), 1, Integer::sum);
    }
    assertThat(types)
        .isEqualTo(Map.of(TensorType.Q4_1, 210, TensorType.F32, 61, TensorType.Q8_0, 1));
    assertThat(gguf.tensor("token_embd.weight").shape()).containsExactly(49152L, 576L);
    assertThat(gguf.metadata()).containsEntry("llama.attention.head_count", 9L);
    assertThat(gguf.unread()).isEmpty();
  }
}
