package dev.tributary.tlog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PolicyTest {
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final SigningKey LOG = SigningKey.generate("example.com/log", RANDOM);
  private static final List<SigningKey> WITNESSES =
      IntStream.range(0, 6).mapToObj(i -> SigningKey.generate("witness/" + i, RANDOM)).toList();
  private static final String TREE = new Checkpoint(LOG.name(), 0, Merkle.EMPTY).text();

  /// The example of the specification, with keys.
  private static final Policy EXAMPLE =
      Policy.parse(
          keys(
              """
      # two levels of groups
      log $LOG https://example.com/log
      \t
      witness X1 $W0
      witness X2   $W1\thttps://x2.example/
      witness X3 $W2
      group X-witnesses 2 X1 X2 X3

        witness Y1 $W3
      witness Y2 $W4
      witness Y3 $W5\t
      \t# at least one of those
      group Y-witnesses any Y1 Y2 Y3

      group X-and-Y all X-witnesses Y-witnesses
      quorum X-and-Y
      """));

  private static String keys(String text) {
    String keyed = text.replace("$LOG", LOG.verifierKey().toString());
    for (int i = 0; i < WITNESSES.size(); i++) {
      keyed = keyed.replace("$W" + i, WITNESSES.get(i).cosignerKey().toString());
    }
    return keyed;
  }

  private static Note cosigned(int... witnesses) {
    Note note = LOG.signed(TREE);
    for (int witness : witnesses) {
      note = note.with(WITNESSES.get(witness).cosign(TREE, 1_000 + witness));
    }
    return note;
  }

  @Test
  void parse_theExample() {
    assertThat(EXAMPLE.logs())
        .containsExactly(new Policy.Log(LOG.verifierKey(), Optional.of("https://example.com/log")));
    assertThat(EXAMPLE.witnesses()).hasSize(6);
    assertThat(EXAMPLE.witnesses().get(1))
        .isEqualTo(
            new Policy.Witness(
                "X2", WITNESSES.get(1).cosignerKey(), Optional.of("https://x2.example/")));
    assertThat(EXAMPLE.groups())
        .containsExactly(
            new Policy.Group("X-witnesses", 2, List.of("X1", "X2", "X3")),
            new Policy.Group("Y-witnesses", 1, List.of("Y1", "Y2", "Y3")),
            new Policy.Group("X-and-Y", 2, List.of("X-witnesses", "Y-witnesses")));
    assertThat(EXAMPLE.quorum()).isEqualTo("X-and-Y");
    assertThat(EXAMPLE.asksForWitnesses()).isTrue();
    assertThat(Policy.parse(EXAMPLE.text())).isEqualTo(EXAMPLE);
    assertThat(Policy.parse(EXAMPLE.bytes()).text()).isEqualTo(EXAMPLE.text());
  }

  @Test
  void check_everySetOfWitnesses() {
    for (int set = 0; set < 64; set++) {
      int bits = set;
      int[] witnesses = IntStream.range(0, 6).filter(i -> (bits >> i & 1) == 1).toArray();
      Verdict verdict = EXAMPLE.check(cosigned(witnesses));
      boolean quorum = Integer.bitCount(set & 7) >= 2 && (set >> 3) != 0;
      assertThat(verdict.quorum())
          .as("witnesses %s", Integer.toBinaryString(set))
          .isEqualTo(quorum);
      assertThat(verdict.holds()).isEqualTo(quorum);
      assertThat(verdict.problems()).isEmpty();
      assertThat(verdict.cosigned()).hasSize(witnesses.length);
    }
  }

  @Test
  void check_saysWhoAndWhen() {
    Verdict verdict = EXAMPLE.check(cosigned(4, 0));
    assertThat(verdict.log()).contains(LOG.verifierKey());
    assertThat(verdict.cosigned())
        .containsExactly(Map.entry("Y2", 1_004L), Map.entry("X1", 1_000L));
    assertThat(verdict.checkpoint().origin()).isEqualTo("example.com/log");
  }

  /// Groups of random members; the quorum by counting leaves of the tree that they make.
  @Test
  void check_randomGroups() {
    Random random = new Random(1);
    for (int round = 0; round < 300; round++) {
      List<Policy.Witness> witnesses =
          IntStream.range(0, 6)
              .mapToObj(
                  i ->
                      new Policy.Witness("w" + i, WITNESSES.get(i).cosignerKey(), Optional.empty()))
              .toList();
      List<String> free = new ArrayList<>(witnesses.stream().map(Policy.Witness::name).toList());
      List<Policy.Group> groups = new ArrayList<>();
      while (free.size() > 1) {
        List<String> members = new ArrayList<>();
        int count = 1 + random.nextInt(free.size());
        for (int i = 0; i < count; i++) {
          members.add(free.remove(random.nextInt(free.size())));
        }
        Policy.Group group =
            new Policy.Group("g" + groups.size(), 1 + random.nextInt(count), members);
        groups.add(group);
        free.add(group.name());
      }
      Policy policy =
          new Policy(
              List.of(new Policy.Log(LOG.verifierKey(), Optional.empty())),
              witnesses,
              groups,
              free.getFirst());
      assertThat(Policy.parse(policy.text())).isEqualTo(policy);
      Set<String> cosigned = new HashSet<>();
      random.ints(random.nextInt(7), 0, 6).forEach(i -> cosigned.add("w" + i));
      assertThat(policy.reached(cosigned)).isEqualTo(reached(policy.quorum(), groups, cosigned));
    }
  }

  private static boolean reached(String name, List<Policy.Group> groups, Set<String> cosigned) {
    Map<String, Policy.Group> byName = new HashMap<>();
    groups.forEach(group -> byName.put(group.name(), group));
    Policy.Group group = byName.get(name);
    return group == null
        ? cosigned.contains(name)
        : group.members().stream().filter(m -> reached(m, groups, cosigned)).count()
            >= group.threshold();
  }

  @Test
  void check_aLineThatIsNotOfThePolicy_isAProblem() {
    SigningKey stranger = SigningKey.generate("example.com/log", RANDOM);
    Verdict verdict = EXAMPLE.check(cosigned(0, 1, 3).with(stranger.sign(TREE)));
    assertThat(verdict.holds()).isTrue();
    assertThat(verdict.problems())
        .extracting(Verdict.Problem::cause)
        .containsExactly(Verdict.Cause.UNKNOWN_KEY);
    assertThat(verdict.problems().getFirst().sentence()).contains("\"example.com/log\"");
    // A witness's plain signature is not a cosignature.
    Verdict plain = EXAMPLE.check(cosigned(0, 1).with(WITNESSES.get(3).sign(TREE)));
    assertThat(plain.quorum()).isFalse();
    assertThat(plain.problems()).hasSize(1);
  }

  @Test
  void check_aForgedLine_isNeverIgnored() {
    NoteSignature of = WITNESSES.get(2).cosign(TREE, 5);
    byte[] bytes = of.bytes();
    bytes[7]++; // a second later
    NoteSignature forged = new NoteSignature(of.name(), of.id(), bytes);
    Verdict verdict = EXAMPLE.check(cosigned(0, 1, 3).with(forged));
    assertThat(verdict.quorum()).isTrue();
    assertThat(verdict.holds()).isFalse();
    assertThat(verdict.problems())
        .extracting(Verdict.Problem::cause)
        .containsExactly(Verdict.Cause.FORGED);
    assertThat(verdict.cosigned()).doesNotContainKey("X3");
  }

  @Test
  void check_repeatedLines_countOnce() {
    Note note = cosigned(0, 3).with(WITNESSES.get(0).cosign(TREE, 9)).with(LOG.sign(TREE));
    Verdict verdict = EXAMPLE.check(note);
    assertThat(verdict.quorum()).isFalse();
    assertThat(verdict.cosigned()).containsEntry("X1", 1_000L);
    assertThat(verdict.problems())
        .extracting(Verdict.Problem::cause)
        .containsExactly(Verdict.Cause.REPEATED, Verdict.Cause.REPEATED);
  }

  @Test
  void check_anotherLogsCheckpoint_isNotSigned() {
    String other = new Checkpoint("example.com/other", 0, Merkle.EMPTY).text();
    Verdict verdict = Policy.of(LOG.verifierKey()).check(LOG.signed(other));
    assertThat(verdict.log()).isEmpty();
    assertThat(verdict.holds()).isFalse();
    assertThat(verdict.problems())
        .extracting(Verdict.Problem::cause)
        .containsExactly(Verdict.Cause.OTHER_ORIGIN);
    Note witnessed = new Note(TREE, List.of(WITNESSES.get(0).cosign(TREE, 1)));
    assertThat(EXAMPLE.check(witnessed).log()).isEmpty();
    assertThatExceptionOfType(TlogException.class)
        .isThrownBy(() -> EXAMPLE.check(LOG.signed("no checkpoint\n")));
  }

  @Test
  void of_aPinnedKey() {
    Policy policy = Policy.of(LOG.verifierKey());
    assertThat(policy.asksForWitnesses()).isFalse();
    assertThat(policy.check(LOG.signed(TREE)).holds()).isTrue();
    assertThat(Policy.parse(policy.text())).isEqualTo(policy);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "log $LOG",
        "quorum nobody",
        "quorum",
        "quorum none none",
        "quorum none\nquorum none",
        "Quorum none",
        "log $LOG\nlog $LOG\nquorum none",
        "log $W0\nquorum none",
        "log $LOG a b\nquorum none",
        "witness a $LOG\nquorum a",
        "witness a $W0\nwitness a $W1\nquorum a",
        "witness a $W0\nwitness b $W0\nquorum a",
        "witness none $W0\nquorum none",
        "quorum a\nwitness a $W0",
        "group g any a\nwitness a $W0\nquorum g",
        "group g any g\nquorum g",
        "witness a $W0\ngroup g any\nquorum g",
        "witness a $W0\ngroup g 0 a\nquorum g",
        "witness a $W0\ngroup g 2 a\nquorum g",
        "witness a $W0\ngroup g 01 a\nquorum g",
        "witness a $W0\ngroup g 4294967297 a\nquorum g",
        "witness a $W0\ngroup g any none\nquorum g",
        "witness a $W0\ngroup g any a a\nquorum g",
        "witness a $W0\ngroup g any a\ngroup h any a\nquorum g",
        "witness a $W0\ngroup a any a\nquorum a",
        "quorum none # comment",
        "quorum none\r\n",
        "quorum none\n\u0001",
        "quorum none\n\u007f"
      })
  void parse_notAPolicy_isRefused(String text) {
    assertThatExceptionOfType(TlogException.class).isThrownBy(() -> Policy.parse(keys(text)));
  }

  @Test
  void parse_saysTheLine() {
    assertThatExceptionOfType(TlogException.class)
        .isThrownBy(() -> Policy.parse("# first\n\nwitness a\nquorum a\n"))
        .withMessageStartingWith("line 3 of the policy: ");
  }

  @Test
  void parse_atTheBounds() {
    List<Policy.Group> groups = new ArrayList<>();
    for (int i = 0; i < Policy.MAX_EACH; i++) {
      groups.add(new Policy.Group("g" + i, 1, List.of(i == 0 ? "w" : "g" + (i - 1))));
    }
    List<Policy.Witness> one =
        List.of(new Policy.Witness("w", WITNESSES.getFirst().cosignerKey(), Optional.empty()));
    Policy most = new Policy(List.of(), one, groups, "g255");
    assertThat(Policy.parse(most.text()).reached(Set.of("w"))).isTrue();
    assertThat(most.reached(Set.of())).isFalse();
    groups.add(new Policy.Group("more", 1, List.of("g255")));
    assertThatExceptionOfType(TlogException.class)
        .isThrownBy(() -> new Policy(List.of(), one, groups, "more"));
    assertThatExceptionOfType(TlogException.class)
        .isThrownBy(() -> Policy.parse(new byte[Policy.MAX_BYTES + 1]));
    assertThatExceptionOfType(TlogException.class)
        .isThrownBy(() -> Policy.parse(new byte[] {'#', (byte) 0xff, '\n'}));
  }
}
