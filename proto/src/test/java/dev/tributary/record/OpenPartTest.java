package dev.tributary.record;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.tributary.tlog.Hash;
import dev.tributary.tlog.Merkle;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OpenPartTest {
  private static final Hash ROOT = new Samples(1).hash();

  private static List<Leaf> split(byte[] open) {
    return OpenPart.split(Kind.ATTRIBUTION, open, ROOT, Samples.seeded(2));
  }

  /// A leaf has 53 bytes besides its open part, of which one says whether it is whole, or 36 are a
  /// continuation's root, number and count.
  @ParameterizedTest
  @CsvSource({
    "0, 1",
    "1, 1",
    "65480, 1",
    "65481, 1",
    "65482, 3",
    "130891, 3",
    "130892, 3",
    "130893, 4",
    "196338, 4",
    "196339, 5",
    "8377088, 129"
  })
  void split_atTheBorders_joinedAgain(int length, int leaves) {
    byte[] open = new Samples(length).bytes(length);
    List<Leaf> split = split(open);

    assertThat(split).hasSize(leaves);
    assertThat(split).allMatch(leaf -> leaf.encode().length <= 65_535);
    assertThat(split.getLast().kind()).isEqualTo(Kind.ATTRIBUTION);
    assertThat(split.getLast().root()).isEqualTo(ROOT);
    assertThat(split.subList(0, leaves - 1))
        .allMatch(leaf -> leaf.kind() == Kind.CONTINUATION && leaf.root().equals(Merkle.EMPTY));
    List<Leaf> read = split.stream().map(leaf -> Leaf.decode(leaf.encode())).toList();
    assertThat(OpenPart.join(read)).isEqualTo(open);
  }

  @Test
  void split_fullLeaves_haveAsManyBytesAsAnEntryMay() {
    assertThat(split(new byte[65_481]).getFirst().encode()).hasSize(65_535);
    assertThat(split(new byte[65_482]).getFirst().encode()).hasSize(65_535);
  }

  @Test
  void split_moreThanAReceiptHolds_refused() {
    assertThatExceptionOfType(RecordException.class)
        .isThrownBy(() -> split(new byte[8_377_089]))
        .withMessage("open fields of 8377089 bytes are too many");
  }

  @Test
  void decode_leafOfMoreThanAnEntry_refused() {
    assertThatExceptionOfType(RecordException.class)
        .isThrownBy(() -> Leaf.decode(new byte[65_536]))
        .withMessage("a leaf has at most 65535 bytes, not 65536");
  }

  @Test
  void join_continuationsMissingSwappedOrAnothers_refused() {
    List<Leaf> whole = split(new Samples(3).bytes(200_000));
    List<List<Leaf>> wrong = new ArrayList<>();
    for (int i = 0; i < whole.size(); i++) {
      List<Leaf> without = new ArrayList<>(whole);
      without.remove(i);
      wrong.add(without);
    }
    List<Leaf> swapped = new ArrayList<>(whole);
    Collections.swap(swapped, 0, 1);
    wrong.add(swapped);
    List<Leaf> others = new ArrayList<>(split(new Samples(4).bytes(200_000)));
    others.set(others.size() - 1, whole.getLast());
    wrong.add(others);
    List<Leaf> twice = new ArrayList<>(whole);
    twice.addFirst(whole.getFirst());
    wrong.add(twice);
    List<Leaf> notNeeded = new ArrayList<>(split(new byte[9]));
    notNeeded.addFirst(whole.getFirst());
    wrong.add(notNeeded);

    for (List<Leaf> leaves : wrong) {
      assertThatExceptionOfType(RecordException.class).isThrownBy(() -> OpenPart.join(leaves));
    }
  }

  /// A record has one form: what fits is not continued, and chunks are full but for the last.
  @Test
  void join_anotherSplitOfTheSame_refused() {
    byte[] open = new Samples(5).bytes(100_000);
    for (int chunk : new int[] {50_000, OpenPart.CHUNK - 1}) {
      assertThatExceptionOfType(RecordException.class)
          .isThrownBy(() -> OpenPart.join(splitInto(open, chunk)));
    }
    assertThatExceptionOfType(RecordException.class)
        .isThrownBy(() -> OpenPart.join(splitInto(new byte[1000], OpenPart.CHUNK)));
    assertThat(OpenPart.join(splitInto(open, OpenPart.CHUNK))).isEqualTo(open);
  }

  private static List<Leaf> splitInto(byte[] open, int chunk) {
    int count = (open.length + chunk - 1) / chunk;
    List<byte[]> chunks =
        IntStream.range(0, count)
            .mapToObj(
                i -> Arrays.copyOfRange(open, i * chunk, Math.min(open.length, (i + 1) * chunk)))
            .toList();
    Hash over = Merkle.root(chunks.stream().map(Merkle::leaf).toList());
    List<Leaf> leaves = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int number = i;
      leaves.add(
          new Leaf(
              Kind.CONTINUATION,
              new byte[16],
              Encoder.encode(out -> out.hash(over).u16(number).u16(count).raw(chunks.get(number))),
              Merkle.EMPTY));
    }
    leaves.add(
        new Leaf(
            Kind.ATTRIBUTION,
            new byte[16],
            Encoder.encode(out -> out.u8(1).u32(open.length).u16(count).hash(over)),
            ROOT));
    return leaves;
  }
}
