package dev.tributary.tlog;

import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;

/// Makes [Vectors] at random with this package. Trees of up to 2,000 different leaves, and such
/// with up to 2^62 leaves that are all the same.
final class VectorMaker {
  private static final int LEAVES = 2_000;
  private static final int LEVELS = 63;
  private static final String ORIGIN = "example.com/\u00e9/log";

  private final Random random;
  private final SigningKey log = SigningKey.generate(ORIGIN, new SecureRandom());
  private final List<SigningKey> witnesses =
      IntStream.range(0, 5)
          .mapToObj(i -> SigningKey.generate("witness.example/w" + i, new SecureRandom()))
          .toList();

  private final List<Hash> leaves =
      IntStream.range(0, LEAVES)
          .mapToObj(i -> Merkle.leaf(("leaf " + i).getBytes(StandardCharsets.UTF_8)))
          .toList();
  private final List<Hash> uniform = new ArrayList<>(List.of(Merkle.leaf(new byte[0])));

  VectorMaker(long seed) {
    random = new Random(seed);
    while (uniform.size() < LEVELS) {
      uniform.add(Merkle.node(uniform.getLast(), uniform.getLast()));
    }
  }

  Vectors vectors(int rounds) {
    Vectors vectors =
        new Vectors(
            new ArrayList<>(),
            new ArrayList<>(),
            new ArrayList<>(),
            new ArrayList<>(),
            new ArrayList<>(),
            new ArrayList<>(),
            new ArrayList<>(),
            new ArrayList<>());
    for (int i = 0; i < rounds; i++) {
      vectors.notes().add(note());
      proofs(vectors, i % 2 == 0);
      Note tree = tree();
      vectors.checkpoints().add(checkpoint(tree));
      vectors.cosignatures().add(cosigned(tree));
      vectors.policies().add(judged(tree));
      vectors.paths().add(path());
    }
    return vectors;
  }

  private Vectors.SignedNote note() {
    List<SigningKey> keys =
        IntStream.range(0, 1 + random.nextInt(3))
            .mapToObj(i -> SigningKey.generate("k\u00e9y/" + i, new SecureRandom()))
            .toList();
    String text = Texts.random(random, 100, "\n\n ab+\u2014\u00e9\u2028\u0085\ud83d\ude00") + "\n";
    Note note = new Note(text, keys.stream().map(key -> key.sign(text)).toList());
    return new Vectors.SignedNote(
        keys.stream().map(SigningKey::text).toList(),
        keys.stream().map(key -> key.verifierKey().toString()).toList(),
        text,
        note.toString());
  }

  /// Of up to 2^63 - 1 leaves; now and then of none.
  private Note tree() {
    byte[] root = new byte[Hash.BYTES];
    random.nextBytes(root);
    long size = random.nextLong() >>> (1 + random.nextInt(63));
    return log.signed(
        new Checkpoint(ORIGIN, size, size == 0 ? Merkle.EMPTY : Hash.of(root)).text());
  }

  private Vectors.Tree checkpoint(Note note) {
    Checkpoint tree = Checkpoint.parse(note.text());
    return new Vectors.Tree(
        log.verifierKey().toString(), ORIGIN, tree.size(), tree.root().base64(), note.toString());
  }

  private Vectors.Cosigned cosigned(Note tree) {
    SigningKey witness = witnesses.get(random.nextInt(witnesses.size()));
    long time = random.nextLong() >>> (1 + random.nextInt(63));
    return new Vectors.Cosigned(
        log.verifierKey().toString(),
        witness.cosignerKey().toString(),
        time,
        tree.with(witness.cosign(tree.text(), time)).toString());
  }

  private void proofs(Vectors vectors, boolean small) {
    long size = small ? 1 + random.nextInt(LEAVES) : 1 + (random.nextLong() >>> 2);
    Merkle.Nodes nodes = small ? Merkle.of(leaves) : (level, index) -> uniform.get(level);
    Hash root = Merkle.root(size, nodes);
    long index = random.nextLong(size);
    List<Hash> hashes = Merkle.inclusionProof(index, size, nodes);
    Hash leaf = nodes.node(0, index);
    vectors
        .inclusions()
        .add(new Vectors.Inclusion(leaf.base64(), index, size, root.base64(), texts(hashes)));
    Note note = log.signed(new Checkpoint(ORIGIN, size, root).text());
    String file = new TlogProof(index, hashes, note).toString();
    vectors.proofs().add(new Vectors.Proof(log.verifierKey().toString(), leaf.base64(), file));
    long oldSize = 1 + random.nextLong(size);
    vectors
        .consistencies()
        .add(
            new Vectors.Consistency(
                oldSize,
                Merkle.root(oldSize, nodes).base64(),
                size,
                root.base64(),
                texts(Merkle.consistencyProof(oldSize, size, nodes))));
  }

  private static List<String> texts(List<Hash> hashes) {
    return hashes.stream().map(Hash::base64).toList();
  }

  /// Two groups under a third, at random thresholds; some witnesses cosign.
  private Vectors.Judged judged(Note tree) {
    List<Policy.Witness> all = new ArrayList<>();
    for (int i = 0; i < witnesses.size(); i++) {
      all.add(
          new Policy.Witness(
              "w" + i, witnesses.get(i).cosignerKey(), Optional.of("https://w" + i + ".example/")));
    }
    Policy policy =
        new Policy(
            List.of(new Policy.Log(log.verifierKey(), Optional.empty())),
            all,
            List.of(
                new Policy.Group("a", 1 + random.nextInt(3), List.of("w0", "w1", "w2")),
                new Policy.Group("b", 1 + random.nextInt(2), List.of("w3", "a")),
                new Policy.Group("c", 1 + random.nextInt(2), List.of("b", "w4"))),
            List.of("a", "b", "c", "w2", Policy.NONE).get(random.nextInt(5)));
    Note note = tree;
    for (SigningKey witness : witnesses) {
      note = random.nextBoolean() ? note.with(witness.cosign(tree.text(), 1)) : note;
    }
    return new Vectors.Judged(policy.text(), note.toString(), policy.check(note).quorum());
  }

  private Vectors.Path path() {
    TilePath path =
        new TilePath(
            random.nextInt(65) - 1,
            random.nextLong() >>> (1 + random.nextInt(63)),
            1 + random.nextInt(TilePath.WIDTH));
    return new Vectors.Path(path.level(), path.index(), path.width(), path.toString());
  }
}
