package dev.tributary.record;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.tributary.tlog.TlogProof;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ReceiptTest {
  private static final Receipt RECEIPT = ReceiptSamples.receipt();
  private static final String TEXT = text(RECEIPT);

  private static String text(Receipt receipt) {
    return new String(receipt.bytes(), StandardCharsets.UTF_8);
  }

  private static void refused(String file, String because) {
    assertThatExceptionOfType(RecordException.class)
        .isThrownBy(() -> Receipt.parse(file.getBytes(StandardCharsets.UTF_8)))
        .withMessageContaining(because);
  }

  @Test
  void parse_formatted_theSame() {
    assertThat(Receipt.parse(RECEIPT.bytes())).isEqualTo(RECEIPT);
    assertThat(Receipt.parse(RECEIPT.bytes()).bytes()).isEqualTo(RECEIPT.bytes());
    Receipt least =
        new Receipt(
            RECEIPT.generation(), Optional.empty(), List.of(), List.of(), RECEIPT.checkpoint());
    assertThat(Receipt.parse(least.bytes())).isEqualTo(least);
  }

  @Test
  void bytes_areLinesOfKnownWords() {
    List<String> words =
        TEXT.substring(0, TEXT.indexOf("\n\n")).lines().map(l -> l.split(" ", 2)[0]).toList();

    assertThat(words).startsWith("tributary-receipt-v1", "generation", "leaf", "index", "hash");
    assertThat(Set.copyOf(words))
        .containsExactlyInAnyOrder(
            "tributary-receipt-v1",
            "generation",
            "attribution",
            "adapter_build",
            "leaf",
            "index",
            "hash",
            "field",
            "hidden");
    assertThat(TEXT).endsWith(RECEIPT.checkpoint().toString());
  }

  /// 3,000 shares fit in a leaf, 7,000 take three.
  @ParameterizedTest
  @ValueSource(ints = {3_000, 7_000})
  void verify_manyShares_holds(int shares) {
    Receipt receipt = ReceiptSamples.receipt(new TestLog().fill(2), shares);
    byte[] file = receipt.bytes();

    assertThat(Receipt.parse(file)).isEqualTo(receipt);
    assertThat(receipt.attribution().orElseThrow().placed()).hasSize(shares == 3_000 ? 1 : 4);
    assertThat(ReceiptVerifier.verify(file, new Trust.ByPolicy(TestLog.witnessed())))
        .allMatch(Check::ok);
    assertThat(AttributionRecord.of(receipt.attribution().orElseThrow().sealed().orElseThrow()))
        .satisfies(record -> assertThat(record.contributors()).hasSizeGreaterThanOrEqualTo(shares));
  }

  @Test
  void proofOf_everyLeaf_isAProofForOthersTools() {
    RECEIPT
        .records()
        .flatMap(proven -> proven.placed().stream())
        .forEach(
            placed -> {
              TlogProof proof = TlogProof.parse(RECEIPT.proofOf(placed).toString());
              assertThat(proof.includes(placed.leaf().hash())).isTrue();
            });
  }

  @Test
  void hiding_aField_takesItFromTheFileButNotFromTheProof() {
    Receipt hidden =
        new Receipt(
            RECEIPT.generation().hiding(Set.of("generation.tenant", "generation.adapters")),
            RECEIPT.attribution(),
            RECEIPT.builds(),
            RECEIPT.rotations(),
            RECEIPT.checkpoint());

    assertThat(TEXT).contains("field generation.tenant ");
    assertThat(text(hidden)).contains("hidden generation.tenant ");
    assertThat(text(hidden)).doesNotContain("field generation.tenant ");
    SaltedField tenant = RECEIPT.generation().opened("generation.tenant").orElseThrow();
    String salt = Base64.getEncoder().encodeToString(tenant.salt());
    assertThat(TEXT).contains(salt);
    assertThat(text(hidden)).doesNotContain(salt);
    assertThat(Receipt.parse(hidden.bytes()).generation().sealed()).isEmpty();
    assertThat(ReceiptVerifier.verify(hidden.bytes(), new Trust.ByPolicy(TestLog.witnessed())))
        .allMatch(Check::ok)
        .anyMatch(check -> check.sentence().endsWith("; 2 fields are hidden."));
  }

  @Test
  void parse_cutAnywhere_refused() {
    byte[] file = RECEIPT.bytes();
    int lastLine = TEXT.lastIndexOf("\n", TEXT.length() - 2) + 1;
    int witness = TEXT.substring(0, lastLine).getBytes(StandardCharsets.UTF_8).length;
    for (int length = 0; length < file.length; length++) {
      // Without the witness's line it is a receipt that says less.
      if (length != witness) {
        byte[] cut = Arrays.copyOf(file, length);
        assertThatExceptionOfType(RecordException.class).isThrownBy(() -> Receipt.parse(cut));
      }
    }
  }

  @Test
  void parse_anyLineTwiceOrMissingOrSwapped_refusedOrNotBelieved() {
    List<String> lines = List.of(TEXT.split("\n", -1));
    for (int i = 0; i + 1 < lines.size(); i++) {
      List<String> without = new ArrayList<>(lines);
      without.remove(i);
      List<String> twice = new ArrayList<>(lines);
      twice.add(i, lines.get(i));
      List<String> swapped = new ArrayList<>(lines);
      Collections.swap(swapped, i, i + 1);
      // The order of the two signatures says nothing.
      boolean signatures = i == lines.size() - 3;
      for (List<String> changed :
          signatures ? List.of(without, twice) : List.of(without, twice, swapped)) {
        byte[] file = String.join("\n", changed).getBytes(StandardCharsets.UTF_8);
        assertThat(ReceiptVerifier.verify(file, new Trust.ByPolicy(TestLog.witnessed())))
            .as("line %d: %s", i, changed.get(i))
            .anyMatch(check -> !check.ok() || changed.equals(lines));
      }
    }
  }

  @Test
  void parse_otherForms_refused() {
    refused("", "line 1 does not end");
    refused("tributary-receipt-v2\n\n", "line 1 is not tributary-receipt-v1");
    refused("tributary-receipt-v1\n\n" + RECEIPT.checkpoint(), "a receipt is of one generation");
    refused(TEXT.replace("\n", "\r\n"), "line 1 is not");
    refused(TEXT.replaceFirst("index ", "index 0"), "not in the only form");
    refused(TEXT.replaceFirst("index ", "index +"), "not in the only form");
    refused(TEXT.replaceFirst("index \\d+", "index 99999999999999999999"), "is no index");
    refused(TEXT.replaceFirst("index \\d+", "index -1"), "an index of -1");
    refused(TEXT.replaceFirst("index ", "index  "), "line 4 is not \"index\" and 1 more words");
    refused(TEXT.replaceFirst("\ngeneration\n", "\nattribution\n"), "is of another kind");
    refused(TEXT.replaceFirst("\nfield ", "\nnote x\nfield "), "");
    refused(TEXT.replaceFirst("\nfield [^\n]*", ""), "has the fields");
    refused(TEXT.replaceFirst("generation.tenant", "generation.base"), "has the fields");
    refused(TEXT + "\n", "the checkpoint: ");
    refused("\ufeff" + TEXT, "line 1 is not");
  }

  @Test
  void parse_recordsInAnotherOrder_refused() {
    int attribution = TEXT.indexOf("\nattribution\n") + 1;
    int build = TEXT.indexOf("\nadapter_build\n") + 1;
    int end = TEXT.indexOf("\n\n") + 1;
    refused(
        TEXT.substring(0, attribution)
            + TEXT.substring(build, end)
            + TEXT.substring(attribution, build)
            + TEXT.substring(end),
        "not in the only form");
    refused(
        TEXT.substring(0, build) + TEXT.substring(attribution, build) + TEXT.substring(build),
        "at most one attribution");
    refused(TEXT.substring(0, 21) + TEXT.substring(attribution), "is of one generation");
  }

  @Test
  void parse_moreThan16MiB_refused() {
    assertThatExceptionOfType(RecordException.class)
        .isThrownBy(() -> Receipt.parse(new byte[Receipt.MAX_BYTES + 1]))
        .withMessage("a receipt has at most 16 MiB, not 16777217");
  }

  @Test
  void bytes_moreThan16MiB_refused() {
    AttributionRecord record =
        new AttributionRecord(
            new AttributionRecord.Open(0, 0, "m", Shares.unattributed()),
            List.of(),
            List.of(),
            new byte[13 << 20]);
    TestLog log = new TestLog();
    Sealed sealed = log.append(record);
    Receipt receipt =
        new Receipt(
            RECEIPT.generation(),
            Optional.of(log.proven(sealed)),
            List.of(),
            List.of(),
            RECEIPT.checkpoint());

    assertThatExceptionOfType(RecordException.class)
        .isThrownBy(receipt::bytes)
        .withMessage("a receipt has at most 16 MiB");
  }
}
