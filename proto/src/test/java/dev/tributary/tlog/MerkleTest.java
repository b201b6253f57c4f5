package dev.tributary.tlog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class MerkleTest {
  /// Every size up to this.
  private static final int SIZES = 1024;

  private static final List<Hash> LEAVES =
      IntStream.range(0, SIZES)
          .mapToObj(i -> Merkle.leaf(Integer.toString(i).getBytes(StandardCharsets.UTF_8)))
          .toList();

  /// Keeps the perfect subtrees, as a log does.
  private static final Merkle.Nodes NODES = cached();

  private static Merkle.Nodes cached() {
    List<List<Hash>> levels = new ArrayList<>(List.of(LEAVES));
    while (levels.getLast().size() > 1) {
      List<Hash> below = levels.getLast();
      levels.add(
          IntStream.range(0, below.size() / 2)
              .mapToObj(i -> Merkle.node(below.get(2 * i), below.get(2 * i + 1)))
              .toList());
    }
    return (level, index) -> levels.get(level).get(Math.toIntExact(index));
  }

  /// The definition of RFC 6962 word by word.
  private static Hash definition(List<Hash> leaves) {
    if (leaves.size() == 1) {
      return leaves.getFirst();
    }
    int k = 1;
    while (2 * k < leaves.size()) {
      k *= 2;
    }
    return Merkle.node(
        definition(leaves.subList(0, k)), definition(leaves.subList(k, leaves.size())));
  }

  /// The vectors of the RFC 6962 reference implementation's tests.
  @Test
  void root_ofKnownTrees() {
    List<byte[]> entries =
        List.of(
                "",
                "00",
                "10",
                "2021",
                "3031",
                "40414243",
                "5051525354555657",
                "606162636465666768696a6b6c6d6e6f")
            .stream()
            .map(HexFormat.of()::parseHex)
            .toList();
    List<Hash> leaves = entries.stream().map(Merkle::leaf).toList();
    assertThat(Merkle.root(List.of()).text())
        .isEqualTo("sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assertThat(Merkle.root(leaves.subList(0, 1)).text())
        .isEqualTo("sha256:6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
    assertThat(Merkle.root(leaves.subList(0, 7)).text())
        .isEqualTo("sha256:ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c");
    assertThat(Merkle.root(leaves).text())
        .isEqualTo("sha256:5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
  }

  @Test
  void root_isTheDefinitions() {
    for (int size = 1; size <= SIZES; size++) {
      assertThat(Merkle.root(size, NODES)).isEqualTo(definition(LEAVES.subList(0, size)));
    }
    assertThat(Merkle.root(LEAVES.subList(0, 77))).isEqualTo(Merkle.root(77, NODES));
  }

  @Test
  void inclusion_holdsForEveryLeafOfEverySize() {
    for (int size = 1; size <= SIZES; size++) {
      Hash root = Merkle.root(size, NODES);
      for (int index = 0; index < size; index += size < 130 ? 1 : 1 + index % 17) {
        List<Hash> proof = Merkle.inclusionProof(index, size, NODES);
        assertThat(Merkle.included(LEAVES.get(index), index, size, proof, root)).isTrue();
        assertThat(Merkle.included(LEAVES.get(index), index ^ 1, size, proof, root))
            .as("leaf %d of %d as its neighbour", index, size)
            .isEqualTo(false);
      }
    }
  }

  @Test
  void consistency_holdsBetweenAllSizes() {
    for (int size = 0; size <= SIZES; size++) {
      Hash root = Merkle.root(size, NODES);
      for (int old = 0; old <= size; old += size < 130 ? 1 : 1 + old % 17) {
        Hash oldRoot = Merkle.root(old, NODES);
        List<Hash> proof = Merkle.consistencyProof(old, size, NODES);
        assertThat(Merkle.consistent(old, oldRoot, size, root, proof)).isTrue();
        if (old > 1 && old < size) {
          assertThat(Merkle.consistent(old, Merkle.root(old - 1, NODES), size, root, proof))
              .isFalse();
          assertThat(Merkle.consistent(old, oldRoot, size, oldRoot, proof)).isFalse();
        }
      }
    }
  }

  @Test
  void aProofThatWasChanged_isRefused() {
    Random random = new Random(1);
    for (int round = 0; round < 2_000; round++) {
      int size = 2 + random.nextInt(SIZES - 1);
      int index = random.nextInt(size);
      Hash root = Merkle.root(size, NODES);
      List<Hash> proof = changed(Merkle.inclusionProof(index, size, NODES), random);
      assertThat(Merkle.included(LEAVES.get(index), index, size, proof, root)).isFalse();
      int old = 1 + random.nextInt(size - 1);
      List<Hash> steps = changed(Merkle.consistencyProof(old, size, NODES), random);
      assertThat(Merkle.consistent(old, Merkle.root(old, NODES), size, root, steps)).isFalse();
    }
  }

  /// One hash flipped, removed, added or repeated.
  private static List<Hash> changed(List<Hash> proof, Random random) {
    List<Hash> changed = new ArrayList<>(proof);
    int at = random.nextInt(proof.size());
    switch (random.nextInt(3)) {
      case 0 -> {
        byte[] bytes = proof.get(at).bytes();
        bytes[random.nextInt(Hash.BYTES)] ^= (byte) (1 << random.nextInt(8));
        changed.set(at, Hash.of(bytes));
      }
      case 1 -> changed.remove(at);
      default -> changed.add(at, proof.get(at));
    }
    return changed;
  }

  @Test
  void outOfRange_isRefused() {
    Hash root = Merkle.root(5, NODES);
    List<Hash> proof = Merkle.inclusionProof(4, 5, NODES);
    assertThat(Merkle.included(LEAVES.get(4), 5, 5, proof, root)).isFalse();
    assertThat(Merkle.included(LEAVES.get(4), -1, 5, proof, root)).isFalse();
    assertThat(Merkle.consistent(6, root, 5, root, List.of())).isFalse();
    assertThatIllegalArgumentException().isThrownBy(() -> Merkle.inclusionProof(5, 5, NODES));
    assertThatIllegalArgumentException().isThrownBy(() -> Merkle.consistencyProof(6, 5, NODES));
  }
}
