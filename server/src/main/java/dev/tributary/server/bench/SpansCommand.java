package dev.tributary.server.bench;

import dev.tributary.server.attribution.SpanIndex;
import dev.tributary.server.attribution.SpanIndexBuilder;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// How fast texts are indexed and an answer's words are found in them.
@Command(
    name = "spans",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Indexes texts of random words, some much more frequent than others, and of phrases that"
          + " occur in several, and looks up answers half of which are copied from them.",
      ""
    })
final class SpansCommand implements Callable<Integer> {
  private static final int VOCABULARY = 49_152;
  private static final double EXPONENT = 1;
  private static final int SEED = 7;
  private static final int SHORTEST = 50;
  private static final int LONGEST = 500;
  private static final int ANSWER = 500;
  private static final int PHRASES = 4_096;
  private static final int LONGEST_PHRASE = 40;
  private static final int WARM_UP = 200;

  /// A token of every so many begins a phrase that was there before.
  private static final int PHRASE_EVERY = 60;

  /// @param peak most that the process ever held, in bytes
  /// @param queryCpuMillis what of it the thread ran: less where others use the processors
  /// @param spans found in an answer, the mean
  record Figures(
      int tokens,
      double buildSeconds,
      long fileBytes,
      long heapLimit,
      long peak,
      Samples.Summary queryMillis,
      Samples.Summary queryCpuMillis,
      double spans) {}

  @Option(
      names = "--tokens",
      defaultValue = "20000000",
      description = "Of all texts. Default: ${DEFAULT-VALUE}.")
  private int tokens = 20_000_000;

  @Option(
      names = "--queries",
      defaultValue = "2000",
      description = "Answers that are looked up, of 500 tokens. Default: ${DEFAULT-VALUE}.")
  private int queries = 2_000;

  @Option(
      names = "--folder",
      paramLabel = "DIR",
      description = "Where the index is put. Default: a temporary one.")
  private @Nullable Path folder;

  @Option(names = "--json", paramLabel = "FILE", description = "Write the figures there, too.")
  private @Nullable Path json;

  private final SplittableRandom random = new SplittableRandom(SEED);
  private final Zipf words = new Zipf(VOCABULARY, EXPONENT);

  /// Of the texts, each as long as a phrase can be.
  private final int[][] phrases = new int[PHRASES][];

  private int phrasesKept;

  @Override
  public Integer call() throws Exception {
    try (TemporaryFolder temporary = TemporaryFolder.make()) {
      Path file = (folder == null ? temporary.path() : folder).resolve("spans.bin");
      SpanIndexBuilder builder = new SpanIndexBuilder(VOCABULARY);
      int made = 0;
      for (int text = 0; made < tokens; text++) {
        int[] next = text(SHORTEST + random.nextInt(LONGEST - SHORTEST));
        builder.add(text, next);
        made += next.length;
      }
      long start = System.nanoTime();
      builder.write(file);
      double seconds = (System.nanoTime() - start) / 1e9;
      SpanIndex index = SpanIndex.open(file);
      Figures figures = figures(index, seconds, Files.size(file));
      System.out.print(text(figures));
      new Report("spans", Instant.now()).put("figures", figures).write(json);
    }
    return 0;
  }

  private Figures figures(SpanIndex index, double seconds, long bytes) throws Exception {
    Samples times = new Samples();
    Samples cpu = new Samples();
    ThreadMXBean thread = ManagementFactory.getThreadMXBean();
    long spans = 0;
    for (int i = -WARM_UP; i < queries; i++) {
      int[] answer = answer();
      long startCpu = thread.getCurrentThreadCpuTime();
      long start = System.nanoTime();
      // Here every token begins a word.
      int found = index.spans(answer, token -> true).size();
      long nanos = System.nanoTime() - start;
      if (i >= 0) {
        times.add(nanos);
        cpu.add(thread.getCurrentThreadCpuTime() - startCpu);
        spans += found;
      }
    }
    return new Figures(
        index.tokens(),
        seconds,
        bytes,
        Runtime.getRuntime().maxMemory(),
        ResidentMemory.peak(),
        times.summary(),
        cpu.summary(),
        (double) spans / queries);
  }

  private int[] text(int length) {
    int[] text = new int[length];
    for (int at = 0; at < length; ) {
      if (phrasesKept > 0 && random.nextInt(PHRASE_EVERY) == 0) {
        at += copy(text, at, 3 + random.nextInt(LONGEST_PHRASE - 3));
      } else {
        text[at++] = words.next(random);
      }
    }
    if (length > LONGEST_PHRASE && (phrasesKept < PHRASES || random.nextInt(16) == 0)) {
      int from = random.nextInt(length - LONGEST_PHRASE);
      int place = phrasesKept < PHRASES ? phrasesKept++ : random.nextInt(PHRASES);
      phrases[place] = Arrays.copyOfRange(text, from, from + LONGEST_PHRASE);
    }
    return text;
  }

  /// Tokens of a phrase, as many as fit.
  private int copy(int[] to, int at, int length) {
    int[] phrase = phrases[random.nextInt(phrasesKept)];
    int some = Math.min(length, to.length - at);
    System.arraycopy(phrase, 0, to, at, some);
    return some;
  }

  /// Half of it copied from the texts, a phrase at a time.
  private int[] answer() {
    int[] answer = new int[ANSWER];
    for (int at = 0; at < ANSWER; ) {
      at += copy(answer, at, 10 + random.nextInt(LONGEST_PHRASE - 10));
      int own = Math.min(ANSWER - at, 10 + random.nextInt(LONGEST_PHRASE - 10));
      for (int i = 0; i < own; i++) {
        answer[at++] = words.next(random);
      }
    }
    return answer;
  }

  private static String text(Figures of) {
    return "%,d tokens sorted and written in %.1f s, %,d MB; the process held %,d MB at most (heap %,d MB)%n"
            .formatted(
                of.tokens,
                of.buildSeconds,
                of.fileBytes / 1_000_000,
                of.peak / 1_000_000,
                of.heapLimit / 1_000_000)
        + "%,d answers of %d tokens: p50 %.3f ms, p99 %.3f ms, max %.3f ms (of the processor %.3f, %.3f); %.1f spans each%n"
            .formatted(
                of.queryMillis.count(),
                ANSWER,
                of.queryMillis.p50(),
                of.queryMillis.p99(),
                of.queryMillis.max(),
                of.queryCpuMillis.p50(),
                of.queryCpuMillis.p99(),
                of.spans);
  }
}
