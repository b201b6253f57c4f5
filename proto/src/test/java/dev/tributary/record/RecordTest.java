package dev.tributary.record;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class RecordTest {
  private static final int ROUNDS = 200;

  private static void forAll(int rounds, Consumer<Record> property) {
    for (int seed = 0; seed < rounds; seed++) {
      new Samples(seed).all().forEach(property);
    }
  }

  @Test
  void of_sealed_theSameRecord() {
    forAll(
        ROUNDS,
        record -> {
          Sealed sealed = record.seal(Samples.seeded(1));
          sealed.check();
          Sealed kept = Sealed.decode(sealed.encode());

          assertThat(kept).isEqualTo(sealed);
          assertThat(kept.encode()).isEqualTo(sealed.encode());
          assertThat(Record.of(kept)).isEqualTo(record).hasSameHashCodeAs(record);
          assertThat(kept.leaf().kind()).isEqualTo(record.kind());
        });
  }

  @Test
  void leafDecode_encoded_theSameLeaf() {
    forAll(
        ROUNDS,
        record -> {
          Leaf leaf = record.seal(Samples.seeded(2)).leaf();
          byte[] bytes = leaf.encode();

          assertThat(Leaf.decode(bytes)).isEqualTo(leaf);
          assertThat(Leaf.decode(bytes).encode()).isEqualTo(bytes);
        });
  }

  @Test
  void seal_twice_nothingInCommon() {
    forAll(
        5,
        record -> {
          Sealed one = record.seal(Samples.seeded(3));
          Sealed two = record.seal(Samples.seeded(4));

          assertThat(one.leaf().nonce()).isNotEqualTo(two.leaf().nonce());
          for (int i = 0; i < one.fields().size(); i++) {
            SaltedField field = one.fields().get(i);
            assertThat(field.data()).isEqualTo(two.fields().get(i).data());
            assertThat(field.commitment()).isNotEqualTo(two.fields().get(i).commitment());
          }
        });
  }

  /// Every salt of its own, so that an opened field helps nobody to guess another.
  @Test
  void seal_saltsAreAllDifferent() {
    List<String> salts = new ArrayList<>();
    forAll(
        5,
        record ->
            record.seal(new SecureRandom()).fields().stream()
                .map(field -> HexFormat.of().formatHex(field.salt()))
                .forEach(salts::add));

    assertThat(salts).hasSizeGreaterThan(100).doesNotHaveDuplicates();
  }

  @Test
  void decode_cutOrLonger_refused() {
    new Samples(1)
        .all()
        .forEach(
            record -> {
              byte[] bytes = record.seal(Samples.seeded(5)).encode();
              for (int length = 0; length < bytes.length; length++) {
                byte[] cut = Arrays.copyOf(bytes, length);
                assertThatExceptionOfType(RecordException.class)
                    .isThrownBy(() -> Sealed.decode(cut));
              }
              assertThatExceptionOfType(RecordException.class)
                  .isThrownBy(() -> Sealed.decode(Arrays.copyOf(bytes, bytes.length + 1)));
            });
  }

  @Test
  void check_anyByteOfASealedRecordChanged_refusedOrAnotherLeaf() {
    Random random = new Random(6);
    new Samples(2)
        .all()
        .forEach(
            record -> {
              Sealed sealed = record.seal(Samples.seeded(7));
              byte[] bytes = sealed.encode();
              for (int at = 0; at < bytes.length; at++) {
                byte[] changed = bytes.clone();
                changed[at] ^= (byte) (1 + random.nextInt(255));
                assertThat(refused(changed) || !leafOf(changed).hash().equals(sealed.leaf().hash()))
                    .as("byte %d of a %s", at, record.kind())
                    .isTrue();
              }
            });
  }

  private static boolean refused(byte[] sealed) {
    try {
      Sealed.decode(sealed).check();
      return false;
    } catch (RecordException e) {
      return true;
    }
  }

  private static Leaf leafOf(byte[] sealed) {
    return Sealed.decode(sealed).leaf();
  }

  /// What a field decodes to, encoded again, gives the same bytes, or it is refused.
  @Test
  void of_anyDataOfAFieldChanged_refusedOrItsOnlyForm() {
    Random random = new Random(8);
    int[] taken = {0};
    forAll(
        20,
        record -> {
          Sealed sealed = record.seal(Samples.seeded(9));
          for (int i = 0; i < sealed.fields().size(); i++) {
            Sealed changed = withData(sealed, i, mutated(sealed.fields().get(i).data(), random));
            try {
              Record other = Record.of(changed);
              assertThat(data(other.seal(Samples.seeded(9)))).isEqualTo(data(changed));
              taken[0]++;
            } catch (RecordException e) {
              assertThat(e).hasMessageMatching("(?s).{10,}");
            }
          }
        });
    assertThat(taken[0]).isPositive();
  }

  static byte[] mutated(byte[] data, Random random) {
    byte[] changed = Arrays.copyOf(data, Math.max(1, data.length + random.nextInt(3) - 1));
    changed[random.nextInt(changed.length)] ^= (byte) (1 << random.nextInt(8));
    return changed;
  }

  private static Sealed withData(Sealed sealed, int index, byte[] data) {
    List<SaltedField> fields = new ArrayList<>(sealed.fields());
    fields.set(index, new SaltedField(fields.get(index).tag(), fields.get(index).salt(), data));
    return new Sealed(sealed.leaf(), sealed.continuations(), fields);
  }

  private static List<String> data(Sealed sealed) {
    return sealed.fields().stream().map(f -> HexFormat.of().formatHex(f.data())).toList();
  }

  /// Contributors of spans may be without a share, but nobody without a name.
  @Test
  void attribution_withNamesBeyondTheShares_onlyThese() {
    AttributionRecord.Open open =
        new AttributionRecord.Open(
            1, 2, "m", new Shares(List.of(new Shares.Share(new Pseudonym(1, 2), 9)), 0, 999_991));
    List<AttributionRecord.Span> spans = List.of(new AttributionRecord.Span(0, 2, List.of(1, 0)));
    AttributionRecord record =
        new AttributionRecord(open, List.of("ann", "bob"), spans, new byte[0]);
    assertThat(AttributionRecord.of(record.seal(Samples.seeded(12)))).isEqualTo(record);

    assertThatExceptionOfType(RecordException.class)
        .isThrownBy(() -> new AttributionRecord(open, List.of("ann"), spans, new byte[0]))
        .withMessage("a span is of a contributor without a name");
    assertThatExceptionOfType(RecordException.class)
        .isThrownBy(() -> new AttributionRecord(open, List.of(), List.of(), new byte[0]))
        .withMessage("0 names for 1 shares");
  }

  @Test
  void of_anotherKind_refused() {
    Sealed started = new Samples(3).started().seal(Samples.seeded(10));

    assertThatExceptionOfType(RecordException.class)
        .isThrownBy(() -> GenerationRecord.of(started))
        .withMessage("a STARTED is no GENERATION");
  }

  @Test
  void of_hourThatIsNotItsTimes_refused() {
    StartedRecord record = new StartedRecord("g", "t", List.of(), 7 * Record.MICROS_PER_HOUR);
    Sealed sealed = record.seal(Samples.seeded(11));
    byte[] open = sealed.leaf().open();
    open[open.length - 1] ^= 1;
    Leaf leaf = new Leaf(sealed.leaf().kind(), sealed.leaf().nonce(), open, sealed.leaf().root());

    assertThatExceptionOfType(RecordException.class)
        .isThrownBy(() -> StartedRecord.of(new Sealed(leaf, sealed.fields())))
        .withMessage("hour 6 is not that of its time");
  }

  @Test
  void seal_sharesOfMoreOrLessThanAll_refused() {
    for (int base : new int[] {999_999, 1_000_001}) {
      AttributionRecord record =
          new AttributionRecord(
              new AttributionRecord.Open(1, 2, "m", new Shares(List.of(), base, 0)),
              List.of(),
              List.of(),
              new byte[0]);

      assertThatExceptionOfType(RecordException.class)
          .isThrownBy(() -> record.seal(Samples.seeded(12)))
          .withMessage("shares sum to " + base + ", not to 1000000");
    }
  }

  @Test
  void construct_contributorWithTwoShares_refused() {
    Shares.Share share = new Shares.Share(new Pseudonym(1, 2), 3);

    assertThatExceptionOfType(RecordException.class)
        .isThrownBy(() -> new Shares(List.of(share, share), 0, 999_994))
        .withMessage("a contributor has two shares");
  }

  @Test
  void seal_textThatIsNotUnicode_refused() {
    assertThatExceptionOfType(RecordException.class)
        .isThrownBy(() -> new StartedRecord("\ud800", "t", List.of(), 0).seal(Samples.seeded(13)))
        .withMessage("a text is not Unicode");
  }
}
