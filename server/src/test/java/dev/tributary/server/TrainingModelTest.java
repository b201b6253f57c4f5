package dev.tributary.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tributary.identity.AdapterDigest;
import dev.tributary.identity.ComputePath;
import dev.tributary.identity.ReadableBytes;
import dev.tributary.identity.SafetensorsHeader;
import dev.tributary.server.adapter.AdapterRef;
import dev.tributary.server.adapter.BaseIdentity;
import dev.tributary.server.adapter.Lease;
import dev.tributary.server.adapter.TestStore;
import dev.tributary.server.model.AdapterUse;
import dev.tributary.server.model.GradientPass;
import dev.tributary.server.model.Llama;
import dev.tributary.server.model.LlamaLoader;
import dev.tributary.server.model.Span;
import dev.tributary.server.tensor.Libtorch;
import dev.tributary.server.tensor.Matrix;
import dev.tributary.server.tensor.Ops;
import dev.tributary.server.train.Cadence;
import dev.tributary.server.train.Capacity;
import dev.tributary.server.train.Device;
import dev.tributary.server.train.Example;
import dev.tributary.server.train.LoraShape;
import dev.tributary.server.train.Member;
import dev.tributary.server.train.Optimization;
import dev.tributary.server.train.Outcome;
import dev.tributary.server.train.RunSettings;
import dev.tributary.server.train.Trainer;
import dev.tributary.server.train.TrainingBase;
import dev.tributary.server.train.TrainingReport;
import dev.tributary.server.weights.Checkpoint;
import dev.tributary.tlog.Hash;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Training through a real, tiny base: from examples to an adapter that is served.
class TrainingModelTest {
  private static final Path MODEL = Path.of("src/test/resources/goldens/tiny/llama-untied");
  private static final Path PEFT = Path.of("src/test/resources/goldens/train/peft");
  private static final String DIGEST = "sha256:" + "cd".repeat(32);
  private static final int VOCABULARY = 272;

  @TempDir private Path folder;

  private static final List<Member> MEMBERS =
      List.of(
          member("plain", new LoraShape(4, 8, false, List.of()), 1),
          member("narrow", new LoraShape(2, 4, true, List.of("q_proj", "v_proj")), 2),
          member("wide", new LoraShape(8, 8, false, List.of("down_proj", "o_proj")), 3));

  /// Examples that can be learnt: the answer counts on from the prompt's last token.
  private static List<Example> examples(int count, long seed) {
    Random random = new Random(seed);
    List<Example> examples = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int prompt = random.nextInt(3, 9);
      int[] tokens = random.ints(prompt + random.nextInt(2, 5), 3, 60).toArray();
      for (int j = prompt; j < tokens.length; j++) {
        tokens[j] = tokens[j - 1] + 1;
      }
      Hash digest = Hash.sha256((seed + "/" + i).getBytes(StandardCharsets.UTF_8));
      examples.add(new Example(i + 1, "c" + i % 3, digest, tokens, prompt));
    }
    return examples;
  }

  private static Member member(String name, LoraShape shape, long seed) {
    return member(name, shape, seed, 3);
  }

  private static Member member(String name, LoraShape shape, long seed, int epochs) {
    Optimization optimization = new Optimization(1e-2, epochs, 0, 8, 2, 1, 0, 0);
    return new Member(
        name,
        new RunSettings(shape, optimization, 32, 0, seed),
        examples(40, seed),
        examples(6, 100));
  }

  /// Learns its examples by heart, and something of the others.
  private static Member learner() {
    return member("plain", new LoraShape(8, 16, false, List.of()), 1, 15);
  }

  private static Device here() {
    return pieces -> {
      while (pieces.getAsBoolean()) {
        Thread.onSpinWait();
      }
      return CompletableFuture.completedFuture(null);
    };
  }

  private static Llama llama(Ops ops) throws IOException {
    ops.claimThread();
    Checkpoint checkpoint = Checkpoint.open(MODEL);
    return LlamaLoader.load(checkpoint, LlamaLoader.config(checkpoint), ops, 16, 128);
  }

  private static Trainer trainer(Llama llama, GradientPass pass) {
    return new Trainer(
        pass,
        here(),
        new TrainingBase(DIGEST, "tests/tiny", llama.config(), "test"),
        new Capacity(64, 160),
        Cadence.DEFAULT,
        List.of(new int[] {5, 6, 7, 8, 9}));
  }

  private List<TrainingReport> train(
      int threads, long activations, Path own, List<Member> members, BooleanSupplier cancelled)
      throws IOException {
    try (Ops ops = Ops.cpu(Libtorch.bundled(), threads)) {
      Llama llama = llama(ops);
      try (GradientPass pass = new GradientPass(llama, 160, activations)) {
        List<TrainingReport> reports = new ArrayList<>();
        for (Outcome outcome :
            trainer(llama, pass).train(own, members, progress -> {}, cancelled)) {
          if (outcome instanceof Outcome.Trained trained) {
            reports.add(trained.report());
          }
        }
        return reports;
      }
    }
  }

  private static List<String> digests(List<TrainingReport> reports) {
    return reports.stream().map(TrainingReport::adapterDigest).toList();
  }

  @Test
  void train_aloneInCompanyOrInterrupted_givesTheSameBits() throws IOException {
    List<String> together = digests(train(2, 1 << 24, folder.resolve("all"), MEMBERS, () -> false));
    assertThat(together).hasSize(3).doesNotHaveDuplicates();
    List<String> alone = new ArrayList<>();
    for (Member member : MEMBERS) {
      alone.addAll(digests(train(1, 0, folder.resolve("alone"), List.of(member), () -> false)));
    }
    assertThat(alone).isEqualTo(together);
    Path cut = folder.resolve("cut");
    int[] asked = {0};
    assertThat(train(2, 1 << 24, cut, MEMBERS, () -> asked[0]++ == 7)).isEmpty();
    assertThat(digests(train(2, 1 << 24, cut, MEMBERS, () -> false))).isEqualTo(together);
  }

  @Test
  void train_result_isServedWithTheLossThatWasReported() throws IOException {
    Member member = learner();
    TrainingReport report = train(2, 1 << 24, folder, List.of(member), () -> false).getFirst();
    double before = Objects.requireNonNull(report.heldOutBefore());
    double after = Objects.requireNonNull(report.heldOutAfter());
    assertThat(after).isLessThan(0.9 * before);
    try (Ops ops = Ops.cpu(Libtorch.bundled(), 2)) {
      Llama llama = llama(ops);
      assertThat(loss(llama, member.heldOut(), List.of())).isCloseTo(before, within(0.01));
      try (TestStore store =
          TestStore.offering(
              folder.resolve("plain"),
              llama,
              new BaseIdentity(DIGEST, Set.of()),
              new DirectProbe(llama),
              1 << 20)) {
        AdapterRef ref = new AdapterRef("result", new AdapterRef.Number(1));
        try (Lease lease = store.lease(store.resolve("public", ref)).join()) {
          assertThat(lease.weights().pairs()).hasSize(14);
          assertThat(loss(llama, member.heldOut(), List.of(lease.use(1))))
              .isCloseTo(after, within(0.01));
        }
      }
    }
  }

  /// The golden is what this test's first version made of [#learner], and PEFT of that.
  @Test
  void train_folder_isOfTheFormThatPeftLoads() throws IOException {
    train(2, 1 << 24, folder, List.of(learner()), () -> false);
    Path result = folder.resolve("plain").resolve("result");
    assertThat(result.resolve(AdapterDigest.CONFIG_FILE))
        .hasSameBinaryContentAs(PEFT.resolve("result").resolve(AdapterDigest.CONFIG_FILE));
    assertThat(header(result)).isEqualTo(header(PEFT.resolve("result")));
  }

  private static SafetensorsHeader header(Path adapter) throws IOException {
    try (FileChannel file = FileChannel.open(adapter.resolve(AdapterDigest.WEIGHTS_FILE))) {
      return SafetensorsHeader.parse(ReadableBytes.of(file));
    }
  }

  @Test
  void serving_aTrainedFolder_answersAsPeftDoes() throws IOException {
    Golden golden = new Golden(PEFT.resolve("logits.safetensors"));
    int[] ids = golden.ints("ids");
    float[] expected = golden.floats("logits");
    try (Ops ops = Ops.cpu(Libtorch.bundled(), 2)) {
      Llama llama = llama(ops);
      BaseIdentity identity = new BaseIdentity(DIGEST, Set.of());
      try (TestStore store =
          TestStore.offering(PEFT, llama, identity, new DirectProbe(llama), 1 << 20)) {
        AdapterRef ref = new AdapterRef("result", new AdapterRef.Number(1));
        try (Lease lease = store.lease(store.resolve("public", ref)).join()) {
          int[] pages = {0};
          Span span = new Span(ids, 0, pages, List.of(lease.use(1)), ComputePath.NARROW, 0);
          Matrix logits = llama.run(List.of(span));
          // From the base, PEFT's answers are 3.8 nats away.
          assertThat(kl(expected, logits)).isBetween(0.0, 2e-3);
        }
      }
    }
  }

  /// Mean KL(expected || ours) over rows.
  private static double kl(float[] expected, Matrix ours) {
    double sum = 0;
    for (int row = 0; row < ours.rows(); row++) {
      float[] q = new float[VOCABULARY];
      ours.row(row, q);
      float[] p = Arrays.copyOfRange(expected, row * VOCABULARY, (row + 1) * VOCABULARY);
      double logP = logSum(p);
      double logQ = logSum(q);
      for (int i = 0; i < VOCABULARY; i++) {
        sum += Math.exp(p[i] - logP) * (p[i] - logP - (q[i] - logQ));
      }
    }
    return sum / ours.rows();
  }

  private static double logSum(float[] logits) {
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp(logit);
    }
    return Math.log(sum);
  }

  /// Mean -ln p of the targets, as serving computes it.
  private static double loss(Llama llama, List<Example> examples, List<AdapterUse> adapters) {
    double sum = 0;
    int targets = 0;
    for (Example example : examples) {
      int[] read = Arrays.copyOf(example.tokens(), example.tokens().length - 1);
      Matrix logits =
          llama.run(
              List.of(
                  new Span(
                      read,
                      0,
                      new int[] {0},
                      adapters,
                      ComputePath.NARROW,
                      example.targetsFrom() - 1)));
      for (int i = 0; i < example.targets(); i++) {
        float[] row = new float[VOCABULARY];
        logits.row(i, row);
        sum += logSum(row) - row[example.tokens()[example.targetsFrom() + i]];
        targets++;
      }
    }
    return sum / targets;
  }
}
