package dev.tributary.record;

import static dev.tributary.record.Check.Name.KEY;
import static dev.tributary.record.Check.Name.ROTATIONS_IN_LOG;
import static dev.tributary.record.Check.Name.SIGNATURE;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tributary.tlog.Policy;
import dev.tributary.tlog.SigningKey;
import dev.tributary.tlog.VerifierKey;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/// Rotations as receipts have them.
class KeyChainTest {
  private static final List<SigningKey> KEYS =
      IntStream.range(0, 5).mapToObj(TestLog::key).toList();

  private static KeyRotationRecord rotation(int from, int to, long size) {
    return KeyRotationRecord.sign(KEYS.get(from), KEYS.get(to), size);
  }

  private final TestLog log = new TestLog().fill(2);
  private final List<Sealed> rotations = new ArrayList<>();

  private void rotate(Record rotation) {
    rotations.add(log.append(rotation));
    log.fill(2);
  }

  /// The log's usual way: the old key signs for all before the rotation's leaf.
  private void rotate(int from, int to) {
    rotate(rotation(from, to, log.size()));
  }

  private Receipt receipt(SigningKey signer) {
    Sealed generation = log.append(ReceiptSamples.generation(0));
    return new Receipt(
        log.proven(generation),
        Optional.empty(),
        List.of(),
        rotations.stream().map(log::proven).toList(),
        log.signed(signer));
  }

  private static Set<Check.Name> failing(Receipt receipt, VerifierKey pinned) {
    return ReceiptVerifierTest.failing(
        ReceiptVerifier.verify(receipt.bytes(), new Trust.Pinned(pinned)));
  }

  private void brokenBy(String because, int signer) {
    List<Check> checks =
        ReceiptVerifier.verify(
            receipt(KEYS.get(signer)).bytes(), new Trust.Pinned(KEYS.get(0).verifierKey()));
    assertThat(checks)
        .filteredOn(check -> check.name() == KEY)
        .singleElement()
        .satisfies(
            check -> {
              assertThat(check.ok()).isFalse();
              assertThat(check.sentence()).contains(because);
            });
  }

  @Test
  void follow_chains_leadFromAnyOfTheirKeysToTheLast() {
    for (int last = 0; last < 4; last++) {
      if (last > 0) {
        rotate(last - 1, last);
      }
      Receipt receipt = receipt(KEYS.get(last));
      for (int pinned = 0; pinned < KEYS.size(); pinned++) {
        assertThat(failing(receipt, KEYS.get(pinned).verifierKey()).isEmpty())
            .as("%d rotations, key %d is pinned", last, pinned)
            .isEqualTo(pinned <= last);
      }
    }
  }

  /// A key that was replaced has no say any more.
  @Test
  void follow_signedByAReplacedKey_fails() {
    rotate(0, 1);
    rotate(1, 2);

    assertThat(failing(receipt(KEYS.get(0)), KEYS.get(0).verifierKey())).containsExactly(SIGNATURE);
    assertThat(failing(receipt(KEYS.get(1)), KEYS.get(1).verifierKey())).containsExactly(SIGNATURE);
  }

  @Test
  void follow_noRotationOfTheTrustedKey_fails() {
    rotate(1, 2);

    brokenBy("no rotation is of a key that is trusted", 2);
  }

  @Test
  void follow_aLinkMissing_fails() {
    rotate(0, 1);
    rotate(2, 3);

    brokenBy("does not begin with the key that the one before it ended with", 3);
  }

  @Test
  void follow_inAnotherOrder_fails() {
    rotate(0, 1);
    rotate(1, 2);
    rotations.add(rotations.removeFirst());

    brokenBy("does not begin with the key that the one before it ended with", 2);
  }

  @Test
  void follow_notAtALargerSize_fails() {
    rotate(rotation(0, 1, 9));
    rotate(rotation(1, 2, 9));

    brokenBy("is at no larger size than the one before it", 2);
  }

  @Test
  void follow_leafThatTheOldKeyHadNoSayOver_fails() {
    rotate(rotation(0, 1, 1));

    brokenBy("ends the old key at 1 leaves", 1);
  }

  @Test
  void follow_checkpointOfTheOldKeysTime_fails() {
    rotate(rotation(0, 1, 1000));

    brokenBy("the new key has no say at", 1);
  }

  /// Neither key alone can make a rotation.
  @Test
  void follow_signedByOneKeyOnly_fails() {
    KeyRotationRecord good = rotation(0, 1, 2);
    KeyRotationRecord other = rotation(0, 1, 3);
    for (KeyRotationRecord forged :
        List.of(
            new KeyRotationRecord(good.oldKey(), good.newKey(), 2, other.byOld(), good.byNew()),
            new KeyRotationRecord(good.oldKey(), good.newKey(), 2, good.byOld(), other.byNew()))) {
      rotations.clear();
      rotate(forged.seal(Samples.seeded(log.size())));
      brokenBy("is not signed by both of its keys", 1);
    }
  }

  private void rotate(Sealed sealed) {
    rotations.add(log.append(sealed));
    log.fill(9);
  }

  @Test
  void follow_rotationOfAnotherLog_fails() {
    SigningKey one = SigningKey.generate("other.example", Samples.seeded(1));
    SigningKey two = SigningKey.generate("other.example", Samples.seeded(2));
    rotate(KeyRotationRecord.sign(one, two, 2));

    brokenBy("is of another log", 0);
  }

  /// Signed well, but in no tree: an old key that got lost could make it.
  @Test
  void verify_rotationThatIsNotInTheLog_fails() {
    rotate(0, 1);
    Receipt receipt = receipt(KEYS.get(1));
    Proven wrong =
        new Proven(
            List.of(
                new Proven.Placed(
                    rotation(0, 1, log.size() - 1).seal(Samples.seeded(3)).leaf(),
                    receipt.rotations().getFirst().placed().getFirst().place())),
            List.of());
    Receipt forged =
        new Receipt(
            receipt.generation(),
            Optional.empty(),
            List.of(),
            List.of(wrong),
            receipt.checkpoint());

    assertThat(failing(forged, KEYS.get(0).verifierKey())).containsExactly(ROTATIONS_IN_LOG);
  }

  @Test
  void follow_keyThatCameBack_signsAgain() {
    rotate(0, 1);
    rotate(1, 0);

    assertThat(failing(receipt(KEYS.get(0)), KEYS.get(1).verifierKey())).isEmpty();
    assertThat(failing(receipt(KEYS.get(1)), KEYS.get(1).verifierKey())).containsExactly(SIGNATURE);
  }

  /// A policy can name the same key for two logs only once; a rotation must not bring it there.
  @Test
  void replace_newKeyThatAnotherLogHas_failsWithoutAnException() {
    SigningKey shared = SigningKey.generate("other.example", Samples.seeded(5));
    SigningKey next = SigningKey.generate(TestLog.ORIGIN, Samples.seeded(5));
    rotate(KeyRotationRecord.sign(KEYS.get(0), next, log.size()));
    Policy policy =
        Policy.parse(
            "log "
                + KEYS.get(0).verifierKey()
                + "\nlog "
                + shared.verifierKey()
                + "\nquorum none\n");

    assertThat(
            ReceiptVerifierTest.failing(
                ReceiptVerifier.verify(receipt(next).bytes(), new Trust.ByPolicy(policy))))
        .contains(KEY);
  }
}
