package dev.tributary.server.ledger;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tributary.tlog.Checkpoint;
import dev.tributary.tlog.Hash;
import dev.tributary.tlog.Merkle;
import dev.tributary.tlog.NoteSignature;
import dev.tributary.tlog.SigningKey;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TestWitnessTest {
  private static final SigningKey LOG = SigningKey.generate("test.example/log", new SecureRandom());
  private static final SigningKey KEY = SigningKey.generate("witness.example", new SecureRandom());
  private static final List<Hash> LEAVES =
      IntStream.range(0, 50).mapToObj(i -> Merkle.leaf(new byte[] {(byte) i})).toList();
  private static final Merkle.Nodes NODES = Merkle.of(LEAVES);

  @TempDir private Path folder;
  private TestWitness witness;

  @BeforeEach
  void start() throws IOException {
    witness = TestWitness.start(KEY, List.of(LOG.verifierKey()), folder.resolve("state"), 0);
  }

  @AfterEach
  void close() {
    witness.close();
  }

  private static String checkpoint(long size) {
    return new Checkpoint(LOG.name(), size, Merkle.root(size, NODES)).text();
  }

  private static String request(long old, List<Hash> proof, String note) {
    StringBuilder text = new StringBuilder("old " + old + "\n");
    proof.forEach(hash -> text.append(hash.base64()).append('\n'));
    return text.append('\n').append(note).toString();
  }

  private TestWitness.Answer add(long old, long size) throws IOException {
    List<Hash> proof = old > size ? List.of() : Merkle.consistencyProof(old, size, NODES);
    return witness.addCheckpoint(request(old, proof, LOG.signed(checkpoint(size)).toString()));
  }

  @Test
  void whatFollowsOnItself_isCosigned() throws IOException {
    long[] sizes = {0, 3, 3, 17, 50};
    for (int i = 1; i < sizes.length; i++) {
      TestWitness.Answer answer = add(sizes[i - 1], sizes[i]);
      assertThat(answer.status()).isEqualTo(200);
      NoteSignature signature = NoteSignature.parse(answer.body().stripTrailing());
      byte[] text = checkpoint(sizes[i]).getBytes(StandardCharsets.UTF_8);
      assertThat(KEY.cosignerKey().verifies(text, signature)).isTrue();
    }
  }

  @Test
  void anotherOldSize_isAConflictAcrossRestarts() throws IOException {
    add(0, 17);
    witness.close();
    start();
    for (long old : new long[] {0, 3, 18}) {
      TestWitness.Answer answer = add(old, 50);
      assertThat(answer.status()).isEqualTo(409);
      assertThat(answer.type()).isEqualTo("text/x.tlog.size");
      assertThat(answer.body()).isEqualTo("17\n");
    }
    assertThat(add(17, 50).status()).isEqualTo(200);
  }

  @Test
  void anotherRoot_isRefused() throws IOException {
    add(0, 17);
    String fork = new Checkpoint(LOG.name(), 17, Merkle.leaf(new byte[0])).text();
    assertThat(witness.addCheckpoint(request(17, List.of(), LOG.signed(fork).toString())).status())
        .isEqualTo(409);
    String later = new Checkpoint(LOG.name(), 18, Merkle.leaf(new byte[0])).text();
    List<Hash> proof = Merkle.consistencyProof(17, 18, NODES);
    assertThat(witness.addCheckpoint(request(17, proof, LOG.signed(later).toString())).status())
        .isEqualTo(422);
    assertThat(add(17, 18).status()).isEqualTo(200);
  }

  @Test
  void strangersAndNonsense_areRefused() throws IOException {
    SigningKey other = SigningKey.generate(LOG.name(), new SecureRandom());
    SigningKey stranger = SigningKey.generate("stranger.example", new SecureRandom());
    String text = checkpoint(3);
    assertThat(witness.addCheckpoint(request(0, List.of(), other.signed(text).toString())).status())
        .isEqualTo(403);
    String strange = new Checkpoint(stranger.name(), 3, Merkle.root(3, NODES)).text();
    assertThat(
            witness
                .addCheckpoint(request(0, List.of(), stranger.signed(strange).toString()))
                .status())
        .isEqualTo(404);
    String note = LOG.signed(text).toString();
    assertThat(witness.addCheckpoint(request(4, List.of(), note)).status()).isEqualTo(400);
    String good = request(0, List.of(), note);
    for (String bad :
        List.of(
            "",
            "old 0\n",
            good.replace("old 0", "old 00"),
            good.replace("old 0", "old"),
            good.replace("old 0\n", "old 0\nAAAA\n"),
            good.replace("\n\n", "\n"),
            good + "\n",
            request(0, Collections.nCopies(64, Merkle.EMPTY), note))) {
      assertThat(witness.addCheckpoint(bad).status()).as(bad).isEqualTo(400);
    }
    assertThat(witness.addCheckpoint(good).status()).isEqualTo(200);
  }
}
