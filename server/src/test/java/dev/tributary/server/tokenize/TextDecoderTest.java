package dev.tributary.server.tokenize;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TextDecoderTest {
  private static final Tokenizer BYTES =
      Tokenizer.fromHuggingFace(TestData.directory("directories/byte-level"));
  private static final Tokenizer PIECES =
      Tokenizer.fromHuggingFace(TestData.directory("directories/sentence-piece"));

  @Test
  void push_splitCharacter_waitsUntilItIsWhole() {
    TextDecoder decoder = BYTES.decoder();
    int[] ids = singleBytes("😀");
    assertThat(decoder.push(ids[0])).isEmpty();
    assertThat(decoder.push(ids[1])).isEmpty();
    assertThat(decoder.push(ids[2])).isEmpty();
    assertThat(decoder.push(ids[3])).isEqualTo("😀");
    assertThat(decoder.finish()).isEmpty();
  }

  @Test
  void finish_brokenCharacter_isOneReplacement() {
    TextDecoder decoder = BYTES.decoder();
    int[] ids = singleBytes("😀");
    decoder.push(ids[0]);
    decoder.push(ids[1]);
    assertThat(decoder.finish()).isEqualTo("\uFFFD");
    decoder.push(ids[0]);
    assertThat(decoder.push(singleBytes("a")[0])).isEqualTo("\uFFFDa");
  }

  @Test
  void decoder_afterContext_continuesIt() {
    int[] before = PIECES.encode("Hello world", false);
    int[] after = PIECES.encode(" Hello", false);
    int[] all = IntStream.concat(Arrays.stream(before), Arrays.stream(after)).toArray();
    String whole = decode(PIECES.decoder(), all);
    assertThat(decode(PIECES.decoder(), before) + decode(PIECES.decoder(before), after))
        .isEqualTo(whole);
    assertThat(decode(PIECES.decoder(before), after)).startsWith(" ");
    int[] smile = singleBytes("😀");
    TextDecoder midway = BYTES.decoder(smile[0], smile[1]);
    assertThat(midway.push(smile[2]) + midway.push(smile[3])).isEqualTo("😀");
  }

  @Test
  void push_bytesOfAnyText_giveTheText() {
    Random random = new Random(1);
    for (int i = 0; i < 500; i++) {
      StringBuilder text = new StringBuilder();
      for (int c = random.nextInt(12); c >= 0; c--) {
        int codePoint =
            random.nextInt(new int[] {0x80, 0x800, 0xD800, 0x110000}[random.nextInt(4)]);
        text.appendCodePoint(codePoint >= 0xD800 && codePoint < 0xE000 ? 'x' : codePoint);
      }
      assertThat(decode(BYTES.decoder(), singleBytes(text.toString()))).isEqualTo(text.toString());
    }
  }

  @Test
  void push_unknownAndControlIds_addNothing() {
    TextDecoder decoder = BYTES.decoder();
    int beyond = BYTES.vocabularySize();
    assertThat(decoder.push(-1) + decoder.push(Integer.MAX_VALUE) + decoder.push(beyond)).isEmpty();
    BitSet stops = BYTES.stopIds();
    assertThat(decoder.push(stops.nextSetBit(0))).isEmpty();
    stops.clear();
    assertThat(BYTES.stopIds().isEmpty()).isFalse();
  }

  @Test
  void encode_manyThreads_giveTheSameIds() throws Exception {
    List<String> texts = List.of("Hello, world!", "日本語 😀", "def f(x):\n    return 1", "<|end|>");
    List<int[]> expected = texts.stream().map(text -> BYTES.encode(text, true)).toList();
    try (ExecutorService pool = Executors.newFixedThreadPool(4)) {
      List<Future<Boolean>> results = new ArrayList<>();
      for (int t = 0; t < 4; t++) {
        results.add(
            pool.submit(
                () ->
                    IntStream.range(0, 400)
                        .allMatch(
                            i ->
                                Arrays.equals(
                                    BYTES.encode(texts.get(i % 4), true), expected.get(i % 4)))));
      }
      for (Future<Boolean> result : results) {
        assertThat(result.get()).isTrue();
      }
    }
  }

  private static String decode(TextDecoder decoder, int[] ids) {
    StringBuilder text = new StringBuilder();
    for (int id : ids) {
      text.append(decoder.push(id));
    }
    return text.append(decoder.finish()).toString();
  }

  /// Ids of tokens that are one byte each.
  private static int[] singleBytes(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    int[] ids = new int[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      byte wanted = bytes[i];
      ids[i] =
          IntStream.range(0, BYTES.vocabularySize())
              .filter(id -> !BYTES.isControl(id))
              .filter(id -> Arrays.equals(BYTES.bytes(id), new byte[] {wanted}))
              .findFirst()
              .orElseThrow();
    }
    return ids;
  }
}
