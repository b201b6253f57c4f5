package dev.tributary.record;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tributary.tlog.Hash;
import dev.tributary.tlog.Merkle;
import dev.tributary.tlog.SigningKey;
import dev.tributary.tlog.VerifierKey;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Against `.ci/goldens/records.py`, which writes the same records without this code.
class RecordGoldenTest {
  private static final long TIME = 1_790_000_000_123_456L;
  private static final long HOUR = Record.hour(TIME);
  private static final JsonNode GOLDENS = read();

  private static JsonNode read() {
    try {
      return new ObjectMapper().readTree(file("records.json"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static byte[] file(String name) {
    try (InputStream in = RecordGoldenTest.class.getResourceAsStream(name)) {
      return Objects.requireNonNull(in, name).readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// What the script draws: a digest of what it is for.
  private static SecureRandom drawn(Kind kind, int continuations) {
    Deque<byte[]> draws = new ArrayDeque<>();
    for (int i = 0; i < 3 && kind == Kind.SETTLEMENT; i++) {
      draws.add(sha("salt/line/" + i).bytes());
    }
    kind.tags().forEach(tag -> draws.add(sha("salt/" + tag).bytes()));
    String nonce = "nonce/" + kind.word();
    IntStream.range(0, continuations).forEach(i -> draws.add(sha(nonce + "/" + i).bytes()));
    draws.add(sha(nonce).bytes());
    return new SecureRandom() {
      private static final long serialVersionUID = 1L;

      @Override
      public void nextBytes(byte[] out) {
        System.arraycopy(draws.remove(), 0, out, 0, out.length);
      }
    };
  }

  private static Hash sha(String text) {
    return Hash.sha256(text.getBytes(StandardCharsets.UTF_8));
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "CONTINUATION")
  void seal_theBytesOfTheScript(Kind kind) {
    JsonNode golden = GOLDENS.get(kind.word());
    byte[] bytes = HexFormat.of().parseHex(golden.get("sealed").asText());
    SecureRandom random = drawn(kind, 0);
    Record record = record(kind, random);
    Sealed sealed = record.seal(random);

    assertThat(HexFormat.of().formatHex(sealed.leaf().encode()))
        .isEqualTo(golden.get("leaves").get(0).asText());
    assertThat(sealed.encode()).isEqualTo(bytes);
    assertThat(sealed.leaf().hash().text()).isEqualTo(golden.get("hash").asText());
    Sealed.decode(bytes).check();
    assertThat(Record.of(Sealed.decode(bytes))).isEqualTo(record);
  }

  /// At the border of what a leaf holds, and beyond.
  @ParameterizedTest
  @ValueSource(strings = {"full", "over", "three"})
  void seal_long_theDigestsOfTheScript(String name) {
    JsonNode golden = GOLDENS.get(name);
    int count = name.equals("three") ? 7000 : 3272;
    String method = "m".repeat(name.equals("three") ? 1 : name.equals("full") ? 13 : 14);
    int continuations = golden.get("lengths").size() - 1;
    Sealed sealed = longAttribution(count, method).seal(drawn(Kind.ATTRIBUTION, continuations));

    assertThat(sealed.leaves().stream().map(leaf -> leaf.encode().length))
        .containsExactlyElementsOf(
            IntStream.rangeClosed(0, continuations)
                .mapToObj(i -> golden.get("lengths").get(i).asInt())
                .toList());
    assertThat(sealed.leaves().stream().map(leaf -> leaf.hash().text()))
        .containsExactlyElementsOf(
            IntStream.rangeClosed(0, continuations)
                .mapToObj(i -> golden.get("hashes").get(i).asText())
                .toList());
    assertThat(Hash.sha256(sealed.encode()).text()).isEqualTo(golden.get("sealed_digest").asText());
    assertThat(AttributionRecord.of(Sealed.decode(sealed.encode())))
        .isEqualTo(longAttribution(count, method));
  }

  /// Written by one who only has the package's text.
  @Test
  void verify_theScriptsReceipt_holds() {
    byte[] receipt = file("receipt.txt");
    String vkey = new String(file("receipt.vkey"), StandardCharsets.US_ASCII).strip();

    assertThat(Receipt.parse(receipt).bytes()).isEqualTo(receipt);
    assertThat(GenerationRecord.of(Receipt.parse(receipt).generation().sealed().orElseThrow()))
        .isEqualTo(generation());
    assertThat(ReceiptVerifier.verify(receipt, new Trust.Pinned(VerifierKey.parse(vkey))))
        .hasSize(Check.Name.values().length)
        .allMatch(Check::ok);
  }

  @Test
  void seal_fullAndOver_atTheBorder() {
    assertThat(GOLDENS.get("full").get("lengths")).hasSize(1);
    assertThat(GOLDENS.get("full").get("lengths").get(0).asInt()).isEqualTo(Leaf.MAX_BYTES);
    assertThat(GOLDENS.get("over").get("lengths")).hasSize(3);
    assertThat(GOLDENS.get("over").get("lengths").get(0).asInt()).isEqualTo(Leaf.MAX_BYTES);
  }

  private static AttributionRecord longAttribution(int count, String method) {
    List<String> names = IntStream.range(0, count).mapToObj(i -> "c" + i).toList();
    List<Shares.Share> shares = names.stream().map(name -> share(name, 100)).toList();
    return new AttributionRecord(
        new AttributionRecord.Open(
            HOUR, 12, method, new Shares(shares, 0, Shares.WHOLE - 100 * count)),
        names,
        List.of(),
        new byte[0]);
  }

  private static Record record(Kind kind, SecureRandom random) {
    return switch (kind) {
      case CONTRIBUTION ->
          new ContributionRecord(
              "ada",
              ContributionRecord.digest(
                  List.of(
                      new ContributionRecord.Message("user", "Where?"),
                      new ContributionRecord.Message("assistant", "\u00dcberall."))),
              "CC-BY-4.0",
              "town",
              TIME);
      case WITHDRAWAL ->
          new WithdrawalRecord(new WithdrawalRecord.Open(HOUR, 7), "ada", "mine", TIME);
      case ERASURE ->
          new ErasureRecord(
              new ErasureRecord.Open(HOUR, Long.MAX_VALUE), "acme", "retention", TIME);
      case ADAPTER_BUILD -> build();
      case STARTED -> new StartedRecord("gen-1", "acme", adapters(), TIME);
      case GENERATION -> generation();
      case ATTRIBUTION -> attribution();
      case AUDIT ->
          new AuditRecord(
              new AuditRecord.Open(
                  HOUR,
                  12,
                  AuditRecord.What.COUNTERFACTUAL,
                  AuditRecord.Drawn.OPERATOR_CHOSEN,
                  "IDENTICAL"),
              "acme",
              TIME,
              "");
      case PRICE_RULE ->
          new PriceRuleRecord(
              new PriceRuleRecord.Open(HOUR, "EUR", 250_000, 1_000_000_000_000_000_000L, 700_000),
              "",
              "from now on");
      case SETTLEMENT -> settlement(random);
      case CORRECTION ->
          new CorrectionRecord(
              new CorrectionRecord.Open(
                  HOUR, 12, 13, new Shares(List.of(share("bob", Shares.WHOLE)), 0, 0)),
              "wrong",
              List.of("bob"),
              TIME);
      case KEY_ROTATION -> rotation();
      case CONTINUATION -> throw new AssertionError();
    };
  }

  private static AdapterBuildRecord build() {
    Hash manifest =
        Merkle.root(List.of(Merkle.leaf(new byte[] {'a'}), Merkle.leaf(new byte[] {'b'})));
    return new AdapterBuildRecord(
        new AdapterBuildRecord.Open(
            HOUR,
            sha("adapter"),
            sha("base"),
            manifest,
            AdapterBuildRecord.Provenance.REPRODUCED,
            "spans/1",
            "ngram=8",
            sha("index")),
        "acme",
        "town-guide",
        3,
        "epochs=2",
        pseudonymKey());
  }

  private static GenerationRecord generation() {
    SamplingParameters sampling =
        new SamplingParameters(
            512,
            0.7f,
            40,
            0.9f,
            0.05f,
            1.1f,
            -0.5f,
            2,
            -1,
            List.of("\n\n", "\u00e9nd"),
            List.of(2, 0),
            new TreeMap<>(Map.of(7, 1.5f, 5, -100f)));
    return new GenerationRecord(
        "gen-1",
        11,
        "acme",
        sha("base"),
        adapters(),
        sampling,
        List.of(1, 2, 49_151),
        List.of(9, 8, Integer.MAX_VALUE),
        new GenerationRecord.Usage(3, 2, 3),
        EndReason.STOP_SEQUENCE,
        "cpu-1",
        List.of(new GenerationRecord.PathRun(true, 3), new GenerationRecord.PathRun(false, 2)),
        20,
        sha("logprobs"),
        false,
        true,
        TIME - 5_000_000,
        TIME);
  }

  private static AttributionRecord attribution() {
    return new AttributionRecord(
        new AttributionRecord.Open(
            HOUR,
            12,
            "spans/1",
            new Shares(List.of(share("ada", 600_000), share("bob", 1)), 399_000, 999)),
        List.of("ada", "bob"),
        List.of(
            new AttributionRecord.Span(0, 5, List.of(0)),
            new AttributionRecord.Span(5, 2000, List.of(1, 0))),
        new byte[] {0, -1});
  }

  private static SettlementRecord settlement(SecureRandom random) {
    return SettlementRecord.draw(
        HOUR,
        HOUR - 24,
        HOUR,
        0,
        99,
        "EUR",
        100,
        20,
        List.of(
            new SettlementRecord.Line("acme", "ada", sha("adapter"), 4, 1_200_000, 77),
            new SettlementRecord.Line("acme", "bob", sha("adapter"), 1, 1, 0),
            new SettlementRecord.Line("bolt", "ada", sha("other"), 1, 5, 3)),
        random);
  }

  /// The signatures are the script's own, too.
  private static KeyRotationRecord rotation() {
    KeyRotationRecord record = KeyRotationRecord.sign(key(1), key(2), 50);
    assertThat(record.signed()).isTrue();
    return record;
  }

  private static SigningKey key(int seed) {
    byte[] bytes = new byte[32];
    Arrays.fill(bytes, (byte) seed);
    return SigningKey.generate(
        "log.example/tributary",
        new SecureRandom() {
          private static final long serialVersionUID = 1L;

          @Override
          public void nextBytes(byte[] out) {
            System.arraycopy(bytes, 0, out, 0, out.length);
          }
        });
  }

  private static List<AdapterUse> adapters() {
    return List.of(
        new AdapterUse("acme/town-guide", 3, sha("adapter"), 0.5f),
        new AdapterUse("public/\u6c34", 1, sha("other"), -8));
  }

  private static Shares.Share share(String contributor, int ppm) {
    return new Shares.Share(Pseudonym.of(pseudonymKey(), contributor), ppm);
  }

  private static byte[] pseudonymKey() {
    byte[] key = new byte[AdapterBuildRecord.KEY_BYTES];
    for (int i = 0; i < key.length; i++) {
      key[i] = (byte) i;
    }
    return key;
  }
}
