package dev.tributary.record;

import static dev.tributary.record.Check.Name.ATTRIBUTION_FIELDS;
import static dev.tributary.record.Check.Name.ATTRIBUTION_IN_LOG;
import static dev.tributary.record.Check.Name.ATTRIBUTION_OF_THIS_GENERATION;
import static dev.tributary.record.Check.Name.BUILDS;
import static dev.tributary.record.Check.Name.FORM;
import static dev.tributary.record.Check.Name.GENERATION_FIELDS;
import static dev.tributary.record.Check.Name.GENERATION_IN_LOG;
import static dev.tributary.record.Check.Name.KEY;
import static dev.tributary.record.Check.Name.ROTATIONS_IN_LOG;
import static dev.tributary.record.Check.Name.SHARES;
import static dev.tributary.record.Check.Name.SIGNATURE;
import static dev.tributary.record.Check.Name.WITNESSES;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tributary.tlog.Hash;
import dev.tributary.tlog.Note;
import dev.tributary.tlog.Policy;
import dev.tributary.tlog.SigningKey;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class ReceiptVerifierTest {
  private static final Trust POLICY = new Trust.ByPolicy(TestLog.witnessed());
  private static final Trust PINNED = new Trust.Pinned(TestLog.KEY.verifierKey());

  private static List<Check> verify(Receipt receipt, Trust trust) {
    return ReceiptVerifier.verify(receipt.bytes(), trust);
  }

  static Set<Check.Name> failing(List<Check> checks) {
    return checks.stream()
        .filter(check -> !check.ok())
        .map(Check::name)
        .collect(Collectors.toCollection(() -> EnumSet.noneOf(Check.Name.class)));
  }

  private static String sentence(List<Check> checks, Check.Name name) {
    return checks.stream().filter(c -> c.name() == name).findFirst().orElseThrow().sentence();
  }

  private static Receipt with(Receipt receipt, Note checkpoint) {
    return new Receipt(
        receipt.generation(),
        receipt.attribution(),
        receipt.builds(),
        receipt.rotations(),
        checkpoint);
  }

  private static Receipt with(Receipt receipt, Proven generation, Proven attribution) {
    return new Receipt(
        generation,
        Optional.of(attribution),
        receipt.builds(),
        receipt.rotations(),
        receipt.checkpoint());
  }

  @Test
  void verify_goodReceipt_everyCheckHolds() {
    List<Check> checks = verify(ReceiptSamples.receipt(), POLICY);

    assertThat(failing(checks)).isEmpty();
    assertThat(checks)
        .extracting(Check::name)
        .containsExactly(
            FORM,
            KEY,
            SIGNATURE,
            WITNESSES,
            GENERATION_IN_LOG,
            GENERATION_FIELDS,
            ATTRIBUTION_IN_LOG,
            ATTRIBUTION_FIELDS,
            ATTRIBUTION_OF_THIS_GENERATION,
            SHARES,
            BUILDS);
    assertThat(checks).allSatisfy(c -> assertThat(c.sentence()).matches(".{10,200}\\."));
    assertThat(sentence(checks, WITNESSES))
        .isEqualTo("1 witness cosigned it, which is the policy's quorum.");
  }

  /// Of a receipt with all there can be, and of every byte several values.
  @Test
  void verify_anyByteChanged_caughtByTheCheckOfItsPlace() {
    TestLog log = new TestLog().fill(2);
    Sealed rotation = log.append(KeyRotationRecord.sign(TestLog.key(7), TestLog.KEY, 4));
    byte[] file = ReceiptSamples.receipt(log, List.of(rotation), 2).bytes();
    Policy before =
        new Policy(
            List.of(new Policy.Log(TestLog.key(7).verifierKey(), Optional.empty())),
            TestLog.witnessed().witnesses(),
            List.of(),
            "w");
    Trust trust = new Trust.ByPolicy(before);
    assertThat(failing(ReceiptVerifier.verify(file, trust))).isEmpty();

    Check.Name[] expected = places(new String(file, StandardCharsets.ISO_8859_1));
    Random random = new Random(3);
    Set<Check.Name> reached = EnumSet.noneOf(Check.Name.class);
    for (int at = 0; at < file.length; at++) {
      byte[] values = {
        (byte) (file[at] ^ 1),
        (byte) '\n',
        (byte) "ABCDEFGHIJKLMNOPabcdefgh0123456789+/".charAt(random.nextInt(36))
      };
      for (byte value : values) {
        if (value != file[at]) {
          byte[] changed = file.clone();
          changed[at] = value;
          Set<Check.Name> failing = failing(ReceiptVerifier.verify(changed, trust));
          assertThat(failing)
              .as("byte %d from %d to %d", at, file[at], value)
              .containsAnyOf(FORM, expected[at]);
          reached.addAll(failing);
        }
      }
    }
    assertThat(reached).containsExactlyInAnyOrder(Check.Name.values());
  }

  /// Which check is about which byte.
  private static Check.Name[] places(String file) {
    Map<String, Check.Name> leaves =
        Map.of(
            "generation", GENERATION_IN_LOG,
            "attribution", ATTRIBUTION_IN_LOG,
            "adapter_build", BUILDS,
            "key_rotation", ROTATIONS_IN_LOG);
    Map<Check.Name, Check.Name> fields =
        Map.of(
            GENERATION_IN_LOG, GENERATION_FIELDS,
            ATTRIBUTION_IN_LOG, ATTRIBUTION_FIELDS,
            BUILDS, BUILDS);
    List<Check.Name> note = List.of(FORM, KEY, SIGNATURE, SIGNATURE, FORM, SIGNATURE, WITNESSES);
    Check.Name[] places = new Check.Name[file.length()];
    Check.Name section = FORM;
    int at = 0;
    int inNote = -1;
    for (String line : file.split("\n", 0)) {
      inNote += inNote >= 0 || line.isEmpty() ? 1 : 0;
      section = leaves.getOrDefault(line, section);
      Check.Name place =
          inNote >= 0
              ? note.get(inNote)
              : line.startsWith("field") || line.startsWith("hidden")
                  ? fields.get(section)
                  : section;
      for (int i = 0; i <= line.length(); i++) {
        places[at++] = place;
      }
    }
    assertThat(at).isEqualTo(file.length());
    return places;
  }

  @Test
  void verify_anotherKeyPinned_noSignature() {
    TestLog log = new TestLog();
    Receipt receipt = with(ReceiptSamples.receipt(log, 1), log.signed(TestLog.KEY));

    assertThat(failing(verify(receipt, PINNED))).isEmpty();
    assertThat(failing(verify(receipt, new Trust.Pinned(TestLog.key(2).verifierKey()))))
        .containsExactly(SIGNATURE);
  }

  @Test
  void verify_keyOfAnotherLogPinned_noKey() {
    SigningKey other = SigningKey.generate("other.example", Samples.seeded(1));

    List<Check> checks = verify(ReceiptSamples.receipt(), new Trust.Pinned(other.verifierKey()));

    assertThat(failing(checks)).containsExactlyInAnyOrder(KEY, SIGNATURE);
    assertThat(sentence(checks, KEY))
        .isEqualTo("The log log.example/tributary is not that of the pinned key.");
  }

  @Test
  void verify_noWitnessAskedFor_saysWhatItCannotExclude() {
    TestLog log = new TestLog();
    Receipt receipt = with(ReceiptSamples.receipt(log, 1), log.signed(TestLog.KEY));
    Policy noQuorum = Policy.of(TestLog.KEY.verifierKey());

    for (Trust trust : List.of(PINNED, new Trust.ByPolicy(noQuorum))) {
      List<Check> checks = verify(receipt, trust);
      assertThat(failing(checks)).isEmpty();
      assertThat(sentence(checks, WITNESSES))
          .isEqualTo("operator-signed only: a fork cannot be excluded.");
    }
  }

  @Test
  void verify_quorumNotReached_fails() {
    TestLog log = new TestLog();
    Receipt receipt = with(ReceiptSamples.receipt(log, 1), log.signed(TestLog.KEY));

    List<Check> checks = verify(receipt, POLICY);

    assertThat(failing(checks)).containsExactly(WITNESSES);
    assertThat(sentence(checks, WITNESSES))
        .isEqualTo("0 witnesses cosigned it, which is not the policy's quorum.");
  }

  /// Whoever only pins a key can't tell what a witness's line is worth.
  @Test
  void verify_signatureLineThatIsNotOfThePolicy_fails() {
    Receipt receipt = ReceiptSamples.receipt();
    SigningKey stranger = SigningKey.generate("stranger.example", Samples.seeded(2));
    Note foreign = receipt.checkpoint().with(stranger.sign(receipt.checkpoint().text()));

    List<Check> checks = verify(with(receipt, foreign), POLICY);

    assertThat(failing(checks)).containsExactly(SIGNATURE);
    assertThat(sentence(checks, SIGNATURE)).contains("stranger.example");
    assertThat(failing(verify(receipt, PINNED))).containsExactly(SIGNATURE);
  }

  @Test
  void verify_attributionOfAnotherGeneration_fails() {
    TestLog log = new TestLog().fill(4);
    Sealed generation = log.append(ReceiptSamples.generation(0));
    Sealed attribution = log.append(new Samples(1).attribution(2, 3));
    Receipt receipt =
        new Receipt(
            log.proven(generation),
            Optional.of(log.proven(attribution)),
            List.of(),
            List.of(),
            log.cosigned(TestLog.KEY));

    assertThat(failing(verify(receipt, POLICY))).containsExactly(ATTRIBUTION_OF_THIS_GENERATION);
  }

  @Test
  void verify_proofsSwapped_fails() {
    Receipt receipt = ReceiptSamples.receipt();
    Proven generation = receipt.generation();
    Proven attribution = receipt.attribution().orElseThrow();
    Receipt swapped =
        with(
            receipt,
            at(generation, generation.index(), attribution.placed().getLast().place().proof()),
            at(attribution, attribution.index(), generation.placed().getLast().place().proof()));
    Receipt indices =
        with(
            receipt,
            at(generation, attribution.index(), attribution.placed().getLast().place().proof()),
            at(attribution, generation.index(), generation.placed().getLast().place().proof()));

    assertThat(failing(verify(swapped, POLICY)))
        .containsExactlyInAnyOrder(GENERATION_IN_LOG, ATTRIBUTION_IN_LOG);
    assertThat(failing(verify(indices, POLICY)))
        .contains(GENERATION_IN_LOG, ATTRIBUTION_IN_LOG, ATTRIBUTION_OF_THIS_GENERATION);
  }

  private static Proven at(Proven proven, long index, List<Hash> proof) {
    return new Proven(
        List.of(new Proven.Placed(proven.leaf(), new Proven.Place(index, proof))), proven.fields());
  }

  /// A log could sign that, too.
  @Test
  void verify_sharesOfMoreThanAll_fails() {
    TestLog log = new TestLog().fill(1);
    Sealed generation = log.append(ReceiptSamples.generation(0));
    AttributionRecord.Open open =
        new AttributionRecord.Open(
            0, log.index(generation), "m", new Shares(List.of(), 1, 1_000_000));
    byte[] none = Encoder.encode(out -> out.u32(0));
    Sealed attribution =
        log.append(
            Sealed.draw(
                Kind.ATTRIBUTION,
                Encoder.encode(open::encode),
                List.of(none, none, new byte[0]),
                Samples.seeded(1)));
    Receipt receipt =
        new Receipt(
            log.proven(generation),
            Optional.of(log.proven(attribution)),
            List.of(),
            List.of(),
            log.cosigned(TestLog.KEY));

    List<Check> checks = verify(receipt, POLICY);

    assertThat(failing(checks)).containsExactly(SHARES);
    assertThat(sentence(checks, SHARES)).isEqualTo("The shares sum to 1000001 millionths.");
  }

  /// Leaves that a log has, but that no record makes.
  @Test
  void verify_leavesThatSayNothing_failWithoutAnException() {
    for (Kind kind :
        List.of(Kind.GENERATION, Kind.ATTRIBUTION, Kind.ADAPTER_BUILD, Kind.KEY_ROTATION)) {
      TestLog log = new TestLog().fill(1);
      List<byte[]> values = new ArrayList<>();
      kind.tags().forEach(tag -> values.add(new byte[] {1, 2, 3}));
      Proven nonsense =
          proven(log, Sealed.draw(kind, new byte[] {9, 9}, values, Samples.seeded(1)));
      Receipt good = ReceiptSamples.receipt();
      Receipt receipt =
          new Receipt(
              kind == Kind.GENERATION ? nonsense : good.generation(),
              Optional.of(kind == Kind.ATTRIBUTION ? nonsense : good.attribution().orElseThrow()),
              kind == Kind.ADAPTER_BUILD ? List.of(nonsense) : good.builds(),
              kind == Kind.KEY_ROTATION ? List.of(nonsense) : List.of(),
              good.checkpoint());

      assertThat(failing(verify(receipt, POLICY)))
          .containsAnyOf(GENERATION_FIELDS, ATTRIBUTION_FIELDS, BUILDS, KEY);
    }
  }

  private static Proven proven(TestLog log, Sealed sealed) {
    log.append(sealed);
    return log.proven(sealed);
  }

  @Test
  void verify_buildThatIsNotOfTheGeneration_fails() {
    TestLog log = new TestLog();
    Hash other = new Samples(9).hash();
    Sealed another = log.append(new Samples(5).build(other, ReceiptSamples.BASE));
    Sealed anotherBase = log.append(new Samples(5).build(ReceiptSamples.ADAPTER, other));
    Sealed generation = log.append(ReceiptSamples.generation(0));
    Sealed late = log.append(ReceiptSamples.build());

    for (Map.Entry<Sealed, String> build :
        Map.of(
                another, "is of an adapter that the generation did not use",
                anotherBase, "is for another base",
                late, "came after the generation")
            .entrySet()) {
      Receipt receipt =
          new Receipt(
              log.proven(generation),
              Optional.empty(),
              List.of(log.proven(build.getKey())),
              List.of(),
              log.cosigned(TestLog.KEY));
      List<Check> checks = verify(receipt, POLICY);
      assertThat(failing(checks)).containsExactly(BUILDS);
      assertThat(sentence(checks, BUILDS)).contains(build.getValue());
    }
  }

  @Test
  void verify_startedAfterItsEnd_fails() {
    TestLog log = new TestLog().fill(2);
    Sealed generation = log.append(ReceiptSamples.generation(2));
    Receipt receipt =
        new Receipt(
            log.proven(generation),
            Optional.empty(),
            List.of(),
            List.of(),
            log.cosigned(TestLog.KEY));

    assertThat(failing(verify(receipt, POLICY))).containsExactly(GENERATION_FIELDS);
  }
}
