package dev.tributary.identity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SafetensorsHeaderTest {
  @Test
  void parse_tensorsInAnyOrder_givesTheirPlacesInTheFile() throws IOException {
    String json =
        "{'b':{'dtype':'F32','shape':[1,2],'data_offsets':[2,10]},'__metadata__':{'k':'v'},"
            + "'a':{'shape':[],'data_offsets':[0,2],'dtype':'BF16'},"
            + "'none':{'dtype':'I64','shape':[0,9],'data_offsets':[10,10]}}   ";
    SafetensorsHeader header = parse(json, 10);
    long data = 8L + json.length();
    assertThat(header.metadata()).containsExactly(java.util.Map.entry("k", "v"));
    assertThat(header.tensors().keySet()).containsExactly("b", "a", "none");
    assertThat(header.tensors().get("b"))
        .isEqualTo(new SafetensorsHeader.Tensor("F32", List.of(1L, 2L), data + 2, data + 10));
    assertThat(header.tensors().get("a"))
        .isEqualTo(new SafetensorsHeader.Tensor("BF16", List.of(), data, data + 2));
    assertThat(header.tensors().values())
        .extracting(SafetensorsHeader.Tensor::elements)
        .containsExactly(2L, 1L, 0L);
  }

  @Test
  void parse_noTensors_isEmpty() throws IOException {
    assertThat(parse("{}", 0).tensors()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        // offset in the JSON | message | JSON
        "0 | does not begin | [1]",
        "0 | does not begin | x{}",
        "2 | follows | {}{}",
        "5 | not an object | {'a':1}",
        "6 | unknown key | {'a':{'x':1}}",
        "14 | not a string | {'a':{'dtype':1}}",
        "14 | not an array | {'a':{'shape':1}}",
        "15 | integers | {'a':{'shape':[1.0]}}",
        "15 | integers | {'a':{'shape':[-1]}}",
        "15 | integers | {'a':{'shape':[99999999999999999999]}}",
        "31 | is there twice | {'a':{'dtype':'U8','shape':[1],'shape':[1]}}",
        "30 | needs | {'a':{'dtype':'U8','shape':[1]}}",
        "51 | unknown dtype | {'a':{'dtype':'U9','shape':[1],'data_offsets':[0,1]}}",
        "51 | takes 2 bytes | {'a':{'dtype':'U8','shape':[2],'data_offsets':[0,1]}}",
        "51 | in a data section | {'a':{'dtype':'U8','shape':[2],'data_offsets':[0,2]}}",
        "51 | in a data section | {'a':{'dtype':'U8','shape':[1],'data_offsets':[1,0]}}",
        "71 | overflows | {'a':{'dtype':'U8','shape':[4294967296,4294967296],'data_offsets':[0,1]}}",
        "70 | overflows | {'a':{'dtype':'F64','shape':[4611686018427387904],'data_offsets':[0,1]}}",
        "2 | follow the last | {}",
        "21 | metadata | {'__metadata__':{'a':1}}",
        "19 | twice | {'__metadata__':{},'__metadata__':{}}",
        "28 | twice | {'__metadata__':{'a':'','a':''}}",
        "1 | surrogate | {'\\ud800':{'dtype':'U8','shape':[1],'data_offsets':[0,1]}}",
        "5 | Unexpected | {'a':",
        "15 | integers | {'a':{'shape':[[[[1]]]]}}",
        "47 | more than 16 | {'a':{'shape':[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]}}"
      })
  void parse_malformed_namesTheByte(long offset, String message, String json) {
    assertThatThrownBy(() -> parse(json, 1))
        .isInstanceOf(SafetensorsException.class)
        .hasMessageMatching("(?s)byte [0-9]+: .*")
        .hasMessageContaining(message)
        .extracting(e -> ((SafetensorsException) e).offset())
        .isEqualTo(8 + offset);
  }

  @Test
  void parse_overlapsAndHoles_nameTensorAndByte() {
    String tensor = "{'dtype':'U8','shape':[2],'data_offsets':[%d,%d]}";
    String a = "{'a':" + tensor.formatted(0, 2);
    assertThatThrownBy(() -> parse(a + ",'b':" + tensor.formatted(1, 3) + "}", 3))
        .hasMessageContaining("\"b\"")
        .hasMessageContaining("overlap");
    assertThatThrownBy(() -> parse(a + ",'b':" + tensor.formatted(3, 5) + "}", 5))
        .hasMessageContaining("\"b\"")
        .hasMessageContaining("hole");
    assertThatThrownBy(() -> parse(a + ",'a':" + tensor.formatted(2, 4) + "}", 4))
        .hasMessageContaining("twice");
  }

  @Test
  void parse_headerLengths_areBounded() {
    for (long length : new long[] {0, 1, 100_000_001L, Long.MAX_VALUE, -1, Long.MIN_VALUE, 3}) {
      byte[] file =
          ByteBuffer.allocate(10)
              .order(ByteOrder.LITTLE_ENDIAN)
              .putLong(length)
              .put((byte) '{')
              .array();
      assertThatThrownBy(() -> SafetensorsHeader.parse(ReadableBytes.of(ByteBuffer.wrap(file))))
          .isInstanceOf(SafetensorsException.class)
          .hasMessageStartingWith("byte 0: ");
    }
    for (int size = 0; size < 8; size++) {
      ByteBuffer file = ByteBuffer.allocate(size);
      assertThatThrownBy(() -> SafetensorsHeader.parse(ReadableBytes.of(file)))
          .isInstanceOf(SafetensorsException.class);
      assertThatThrownBy(() -> SafetensorsHeader.parse(file, 1_000))
          .isInstanceOf(SafetensorsException.class);
    }
  }

  @Test
  void parse_firstBytesOnly_isTheSame() throws IOException {
    String json = "{'a':{'dtype':'U8','shape':[4],'data_offsets':[0,4]}}";
    byte[] file = file(json, 4);
    SafetensorsHeader whole = SafetensorsHeader.parse(ReadableBytes.of(ByteBuffer.wrap(file)));
    ByteBuffer first = ByteBuffer.wrap(file, 0, file.length - 4);
    assertThat(SafetensorsHeader.parse(first, file.length)).isEqualTo(whole);
    assertThatThrownBy(() -> SafetensorsHeader.parse(ByteBuffer.wrap(file, 0, 20), file.length))
        .isInstanceOf(SafetensorsException.class);
  }

  @Test
  void parse_malformedUtf8_namesTheByte() {
    byte[] file = file("{'ab':{}}", 0);
    file[8 + 2] = (byte) 0xc0;
    assertThatThrownBy(() -> SafetensorsHeader.parse(ReadableBytes.of(ByteBuffer.wrap(file))))
        .isInstanceOf(SafetensorsException.class)
        .hasMessage("byte 10: not UTF-8");
  }

  private static SafetensorsHeader parse(String json, int dataBytes) throws IOException {
    return SafetensorsHeader.parse(ReadableBytes.of(ByteBuffer.wrap(file(json, dataBytes))));
  }

  static byte[] file(String json, int dataBytes) {
    byte[] header = json.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(8 + header.length + dataBytes)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(header.length)
        .put(header)
        .array();
  }
}
