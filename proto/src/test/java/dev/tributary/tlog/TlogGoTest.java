package dev.tributary.tlog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tributary.tlog.Vectors.Cosigned;
import dev.tributary.tlog.Vectors.Inclusion;
import dev.tributary.tlog.Vectors.Proof;
import dev.tributary.tlog.Vectors.SignedNote;
import dev.tributary.tlog.Vectors.Tree;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Each side reads what the other wrote: here this package, there Go's `sumdb` and the `formats`
/// and `tessera` of transparency-dev. `TRIBUTARY_TEST_TLOG_GO` is the path of the program that
/// `.ci/tlog` builds; without it these tests are skipped.
class TlogGoTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private static Path folder;

  private static Path program = Path.of("");

  private record Answer(int status, String output) {}

  @BeforeAll
  static void setUp() {
    String path = System.getenv("TRIBUTARY_TEST_TLOG_GO");
    assumeTrue(path != null, "TRIBUTARY_TEST_TLOG_GO names no program of .ci/tlog");
    program = Path.of(path);
  }

  private static Answer run(String command, Path file, String... more)
      throws IOException, InterruptedException {
    List<String> words = new ArrayList<>(List.of(program.toString(), command, file.toString()));
    words.addAll(List.of(more));
    Process process = new ProcessBuilder(words).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Answer(process.waitFor(), output);
  }

  @Test
  void go_takesWhatIsWrittenHere() throws IOException, InterruptedException {
    Path file = folder.resolve("java.json");
    JSON.writeValue(file.toFile(), new VectorMaker(1).vectors(300));
    Answer answer = run("check", file);
    assertThat(answer.status()).as(answer.output()).isZero();
    assertThat(answer.output().lines()).hasSize(8).allMatch(line -> line.startsWith("ok "));
  }

  /// So that the test above can fail: one vector changed, and Go says which.
  @ParameterizedTest
  @CsvSource({
    "notes, text, notes",
    "checkpoints, root, checkpoints",
    "cosignatures, time, cosignatures",
    "inclusions, index, inclusion proofs",
    "consistencies, oldRoot, consistency proofs",
    "proofs, leaf, proof files",
    "policies, quorum, policies",
    "paths, width, paths"
  })
  void go_refusesWhatWasChanged(String kind, String field, String named)
      throws IOException, InterruptedException {
    ObjectNode vectors = JSON.valueToTree(new VectorMaker(2).vectors(3));
    ObjectNode changed = (ObjectNode) ((ArrayNode) vectors.get(kind)).get(2);
    switch (field) {
      case "text" -> changed.put(field, "another\n");
      case "root", "oldRoot", "leaf" ->
          changed.put(field, Merkle.leaf(new byte[] {9, 9, 9}).base64());
      case "quorum" -> changed.put(field, !changed.get(field).booleanValue());
      case "width" -> changed.put(field, changed.get(field).intValue() % 255 + 1);
      default -> changed.put(field, changed.get(field).longValue() ^ 1);
    }
    Path file = folder.resolve(kind + ".json");
    JSON.writeValue(file.toFile(), vectors);
    Answer answer = run("check", file);
    assertThat(answer.status()).as(answer.output()).isEqualTo(1);
    assertThat(answer.output()).contains(named + ": number 2: ");
  }

  @Test
  void whatGoWrites_isTakenHere() throws IOException, InterruptedException {
    Path file = folder.resolve("go.json");
    Answer answer = run("make", file);
    assertThat(answer.status()).as(answer.output()).isZero();
    Vectors vectors = JSON.readValue(file.toFile(), Vectors.class);
    assertThat(vectors.notes()).hasSizeGreaterThan(100).allSatisfy(TlogGoTest::checkNote);
    assertThat(vectors.checkpoints()).hasSizeGreaterThan(100).allSatisfy(TlogGoTest::checkTree);
    assertThat(vectors.cosignatures())
        .hasSizeGreaterThan(100)
        .allSatisfy(TlogGoTest::checkCosigned);
    assertThat(vectors.inclusions()).hasSizeGreaterThan(100).allSatisfy(TlogGoTest::checkInclusion);
    assertThat(vectors.consistencies())
        .hasSizeGreaterThan(100)
        .allMatch(
            proof ->
                Merkle.consistent(
                    proof.oldSize(),
                    Hash.ofBase64(proof.oldRoot()),
                    proof.size(),
                    Hash.ofBase64(proof.root()),
                    hashes(proof.hashes())));
    assertThat(vectors.proofs()).hasSizeGreaterThan(100).allSatisfy(TlogGoTest::checkProof);
    assertThat(vectors.paths())
        .hasSizeGreaterThan(100)
        .allSatisfy(
            path ->
                assertThat(TilePath.parse(path.text()))
                    .isEqualTo(new TilePath(path.level(), path.index(), path.width()))
                    .hasToString(path.text()));
  }

  /// Both sides of the borders at which tiles are full, and levels begin.
  @ParameterizedTest
  @ValueSource(ints = {1, 255, 256, 257, 1_000, 65_535, 65_536, 66_000})
  void tessera_readsALogByItsTiles(int size, @TempDir Path log)
      throws IOException, InterruptedException {
    SigningKey key = SigningKey.generate("example.com/log", new SecureRandom());
    StaticLog.write(log, key, size);
    Answer answer = run("export", log, key.verifierKey().toString());
    assertThat(answer.status()).as(answer.output()).isZero();
    assertThat(answer.output()).contains("ok a log of " + size + " entries");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "checkpoint",
        "tile/entries/001",
        "tile/entries/003.p/232",
        "tile/0/002",
        "tile/0/003.p/232",
        "tile/1/000.p/3"
      })
  void tessera_refusesALogThatWasChanged(String file, @TempDir Path log)
      throws IOException, InterruptedException {
    SigningKey key = SigningKey.generate("example.com/log", new SecureRandom());
    StaticLog.write(log, key, 1_000);
    byte[] bytes = Files.readAllBytes(log.resolve(file));
    bytes[bytes.length / 2] ^= 1;
    Files.write(log.resolve(file), bytes);
    assertThat(run("export", log, key.verifierKey().toString()).status()).isEqualTo(1);
  }

  private static void checkNote(SignedNote vector) {
    Note note = Note.parse(vector.note());
    assertThat(note).hasToString(vector.note());
    assertThat(note.text()).isEqualTo(vector.text());
    assertThat(note.signatures()).hasSameSizeAs(vector.keys());
    for (int i = 0; i < vector.keys().size(); i++) {
      VerifierKey key = VerifierKey.parse(vector.keys().get(i));
      assertThat(note.signedBy(key)).isTrue();
      SigningKey secret = SigningKey.parse(vector.secrets().get(i));
      assertThat(secret.verifierKey()).isEqualTo(key);
      assertThat(secret.sign(vector.text())).isEqualTo(note.signatures().get(i));
    }
  }

  private static void checkTree(Tree vector) {
    Verdict verdict = Policy.of(VerifierKey.parse(vector.key())).check(Note.parse(vector.note()));
    assertThat(verdict.holds()).isTrue();
    assertThat(verdict.checkpoint())
        .isEqualTo(new Checkpoint(vector.origin(), vector.size(), Hash.ofBase64(vector.root())));
  }

  private static void checkCosigned(Cosigned vector) {
    Policy policy =
        new Policy(
            List.of(new Policy.Log(VerifierKey.parse(vector.log()), Optional.empty())),
            List.of(new Policy.Witness("w", VerifierKey.parse(vector.witness()), Optional.empty())),
            List.of(),
            "w");
    Verdict verdict = policy.check(Note.parse(vector.note()));
    assertThat(verdict.holds()).isTrue();
    assertThat(verdict.problems()).isEmpty();
    assertThat(verdict.cosigned()).containsEntry("w", vector.time());
  }

  private static void checkInclusion(Inclusion vector) {
    Hash leaf = Hash.ofBase64(vector.leaf());
    Hash root = Hash.ofBase64(vector.root());
    List<Hash> proof = hashes(vector.hashes());
    assertThat(Merkle.included(leaf, vector.index(), vector.size(), proof, root)).isTrue();
  }

  private static void checkProof(Proof vector) {
    TlogProof proof = TlogProof.parse(vector.text());
    assertThat(proof).hasToString(vector.text());
    assertThat(proof.includes(Hash.ofBase64(vector.leaf()))).isTrue();
    assertThat(proof.checkpoint().signedBy(VerifierKey.parse(vector.key()))).isTrue();
  }

  private static List<Hash> hashes(List<String> texts) {
    return texts.stream().map(Hash::ofBase64).toList();
  }
}
