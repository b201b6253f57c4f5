package dev.tributary.server.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/// The kernels give the same bits interpreted, compiled by C1 and compiled by C2: each in a JVM of
/// its own, on the same inputs.
class CompiledBitsTest {
  @Test
  void kernels_interpretedOrCompiled_haveTheSameBits() throws Exception {
    String interpreted = digest(1, "-Xint");
    assertThat(interpreted).hasSize(64);
    assertThat(digest(30, "-XX:TieredStopAtLevel=1")).isEqualTo(interpreted);
    // Long enough that C2 has replaced every loop by the last of the rounds.
    assertThat(digest(600)).isEqualTo(interpreted);
  }

  private static String digest(int rounds, String... flags)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of(flags));
    command.addAll(
        List.of(
            "--add-modules=jdk.incubator.vector",
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            System.getProperty("java.class.path"),
            Digest.class.getName(),
            Integer.toString(rounds)));
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    try (InputStream output = process.getInputStream()) {
      String text = new String(output.readAllBytes(), StandardCharsets.UTF_8).strip();
      assertThat(process.waitFor()).as("exit status of java %s", List.of(flags)).isZero();
      return text;
    }
  }

  /// Prints the SHA-256 of what the kernels compute, having checked that every round gives it.
  static final class Digest {
    private Digest() {}

    public static void main(String[] args) {
      String first = round();
      for (int i = 1; i < Integer.parseInt(args[0]); i++) {
        if (!round().equals(first)) {
          throw new IllegalStateException("round " + i + " has other bits");
        }
      }
      System.out.println(first);
    }

    private static String round() {
      Random random = new Random(1);
      MessageDigest digest = sha256();
      Scratch shared = new Scratch();
      Scratch scratch = new Scratch();
      for (int rows : new int[] {1, 6}) {
        lora(random, rows, shared, scratch, digest);
        attention(random, rows, scratch, digest);
        elements(random, rows, scratch, digest);
      }
      backward(random, scratch, digest);
      return HexFormat.of().formatHex(digest.digest());
    }

    private static void lora(
        Random random, int rows, Scratch shared, Scratch scratch, MessageDigest digest) {
      for (DType type : DType.values()) {
        Matrix x = LoraKernelTest.matrix(random, DType.F32, rows, 75);
        Matrix y = LoraKernelTest.matrix(random, DType.F32, rows, 90);
        LoraSegment.Term term =
            new LoraSegment.Term(
                LoraKernelTest.matrix(random, type, 6, 75),
                LoraKernelTest.matrix(random, type, 6, 70),
                0.3f,
                7);
        float[] scale = LoraKernelTest.floats(random, 90);
        LoraSegment segment = new LoraSegment(0, rows, List.of(term), scale);
        LoraKernel kernel = new LoraKernel(x, y, List.of(segment), shared);
        for (int tile = 0; tile < kernel.tiles(); tile++) {
          kernel.run(tile, scratch);
        }
        digest.update(LoraKernelTest.bytes(y));
      }
    }

    /// Rows at both sides of the border of two blocks.
    private static void attention(Random random, int count, Scratch scratch, MessageDigest digest) {
      AttentionShape shape = new AttentionShape(3, 1, 38);
      KvCache cache = new KvCache(1, 17, shape);
      for (long at = 0; at < cache.keys().size(); at += 4) {
        cache.keys().putFloat(at, random.nextFloat());
        cache.values().putFloat(at, random.nextFloat());
      }
      int[] positions = new int[count];
      int[][] pages = new int[count][];
      int[] table = new int[17];
      for (int i = 0; i < table.length; i++) {
        table[i] = 16 - i;
      }
      for (int i = 0; i < count; i++) {
        positions[i] = 254 + i;
        pages[i] = table;
      }
      Rows rows = new Rows(positions, pages);
      double[] frequencies = new double[19];
      for (int i = 0; i < frequencies.length; i++) {
        frequencies[i] = random.nextDouble();
      }
      Rotary rotary = new Rotary(frequencies, 1, 300);
      Ops.HeadNorms norms =
          new Ops.HeadNorms(
              LoraKernelTest.floats(random, 38), LoraKernelTest.floats(random, 38), 1e-6f);
      Matrix qkv = LoraKernelTest.matrix(random, DType.F32, count, shape.width());
      Matrix y = Matrix.allocate(DType.F32, count, shape.queryWidth());
      RotaryKernel rotation = new RotaryKernel(qkv, rows, cache, 0);
      for (int i = 0; i < count; i++) {
        rotation.run(i, rotary.at(positions[i]), norms);
      }
      AttentionKernel kernel = new AttentionKernel(qkv, rows, cache, 0);
      for (int item = 0; item < kernel.items(); item++) {
        kernel.attend(item, y, scratch);
      }
      digest.update(LoraKernelTest.bytes(qkv));
      digest.update(LoraKernelTest.bytes(y));
    }

    private static void elements(Random random, int rows, Scratch scratch, MessageDigest digest) {
      Matrix gateUp = LoraKernelTest.matrix(random, DType.F32, rows, 150);
      Matrix y = Matrix.allocate(DType.F32, rows, 75);
      float[] weight = LoraKernelTest.floats(random, 75);
      for (int row = 0; row < rows; row++) {
        ElementKernels.swiglu(gateUp, y, row);
        ElementKernels.addBias(y, weight, row);
        ElementKernels.add(y, y, row);
        ElementKernels.rmsNorm(y, row, 0, weight, 1e-5f, y);
      }
      digest.update(LoraKernelTest.bytes(y));
    }

    /// Whole vectors, the rest after them, and a sequence of two tiles.
    private static void backward(Random random, Scratch scratch, MessageDigest digest) {
      AttentionShape shape = new AttentionShape(2, 1, 38);
      Matrix qkv = Samples.f32(random, 70, shape.width());
      Matrix attended = Samples.f32(random, 70, shape.queryWidth());
      Matrix dAttended = Samples.f32(random, 70, shape.queryWidth());
      Matrix dqkv = Matrix.allocate(DType.F32, 70, shape.width());
      Scratch shared = new Scratch();
      AttentionBackward attention =
          new AttentionBackward(
              qkv,
              attended,
              dAttended,
              List.of(new RowRun(0, 3, 0, 0), new RowRun(3, 67, 0, 3)),
              shape,
              dqkv,
              shared);
      for (int item = 0; item < attention.items(); item++) {
        attention.run(item, scratch);
      }
      for (int row = 0; row < 70; row++) {
        attention.merge(row);
      }
      digest.update(LoraKernelTest.bytes(dqkv));
      Matrix dx = Matrix.allocate(DType.F32, 70, shape.queryWidth());
      LoraGradient.Term term =
          new LoraGradient.Term(
              new LoraSegment.Term(Samples.f32(random, 5, 76), Samples.f32(random, 5, 90), 0.7f, 3),
              Samples.f32(random, 5, 76),
              Samples.f32(random, 5, 90));
      LoraBackward lora =
          new LoraBackward(
              attended, qkv, dx, List.of(new LoraGradient(1, 70, List.of(term))), shared);
      IntStream.range(0, lora.turns()).forEach(item -> lora.turn(item, scratch));
      IntStream.range(0, lora.rows()).forEach(item -> lora.row(item, scratch));
      IntStream.range(0, lora.ends()).forEach(item -> lora.end(item, scratch));
      List.of(dx, term.a(), term.bt()).forEach(m -> digest.update(LoraKernelTest.bytes(m)));
      float[] weight = Samples.floats(random, 76);
      for (int row = 0; row < 70; row++) {
        BackwardKernels.rmsNorm(attended, row, weight, 1e-5f, dAttended, dx);
        BackwardKernels.swiglu(qkv, dx, qkv, row);
        double loss = BackwardKernels.crossEntropy(dx.rowRange(row, row + 1), row, 0.3f, true);
        digest.update(Double.toString(loss).getBytes(StandardCharsets.UTF_8));
      }
      List.of(dx, qkv).forEach(m -> digest.update(LoraKernelTest.bytes(m)));
      AdamStep step = new AdamStep(1e-3f, 0.9f, 0.99f, 1e-8f, 0.1f, 0.1f, 0.01f, 0.5f);
      Bytes[] moments = {Bytes.allocate(4 * 5320), Bytes.allocate(4 * 5320)};
      OptimiserKernels.adam(
          attended.data().segment(),
          dx.data().segment(),
          moments[0].segment(),
          moments[1].segment(),
          0,
          5319,
          step);
      digest.update(LoraKernelTest.bytes(attended));
      float squares = OptimiserKernels.sumOfSquares(attended.data().segment(), 3, 5000);
      digest.update(Float.toString(squares).getBytes(StandardCharsets.UTF_8));
    }

    private static MessageDigest sha256() {
      try {
        return MessageDigest.getInstance("SHA-256");
      } catch (NoSuchAlgorithmException e) {
        throw new IllegalStateException(e);
      }
    }
  }
}
