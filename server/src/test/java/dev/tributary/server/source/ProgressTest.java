package dev.tributary.server.source;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class ProgressTest {
  private static final long SECOND = 1_000_000_000L;

  private final AtomicLong clock = new AtomicLong();
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);

  private String written() {
    return bytes.toString(StandardCharsets.UTF_8);
  }

  @Test
  void terminal_redrawsOneLine() {
    Progress progress = new Progress(out, true, clock::get);
    progress.start("model.gguf", 0, 100_000_000);
    clock.addAndGet(2 * SECOND);
    progress.add(25_000_000);
    clock.addAndGet(2 * SECOND);
    progress.add(75_000_000);
    progress.end();
    assertThat(written())
        .isEqualTo(
            "\rmodel.gguf [....................] 0% of 100.0 MB, 0 B/s\033[K"
                + "\rmodel.gguf [#####...............] 25% of 100.0 MB, 12.5 MB/s, 6 s left\033[K"
                + "\rmodel.gguf [####################] 100% of 100.0 MB, 25.0 MB/s, 0 s left\033[K"
                + "\r\033[Kmodel.gguf: 100.0 MB in 4 s\n");
  }

  @Test
  void terminal_redrawsAtMostTenTimesASecond() {
    Progress progress = new Progress(out, true, clock::get);
    progress.start("m", 0, 1_000_000);
    for (int i = 0; i < 1000; i++) {
      clock.addAndGet(SECOND / 1000);
      progress.add(1000);
    }
    assertThat(written().chars().filter(c -> c == '\r').count()).isEqualTo(11);
  }

  @Test
  void terminal_aLineEndsTheBar() {
    Progress progress = new Progress(out, true, clock::get);
    progress.start("m", 0, -1);
    progress.line("cut");
    assertThat(written()).isEqualTo("\rm 0 B, 0 B/s\033[K\ncut\n");
  }

  @Test
  void noTerminal_saysALineNowAndThen() {
    Progress progress = new Progress(out, false, clock::get);
    progress.start("a-model-with-quite-a-long-name.gguf", 500_000, 10_000_000_000L);
    for (int i = 0; i < 11; i++) {
      clock.addAndGet(SECOND);
      progress.add(20_000_000);
    }
    progress.end();
    assertThat(written())
        .isEqualTo(
            """
            ...th-quite-a-long-name.gguf: 1% of 10.0 GB, 20.0 MB/s, 8:15 min left
            ...th-quite-a-long-name.gguf: 2% of 10.0 GB, 20.0 MB/s, 8:10 min left
            ...th-quite-a-long-name.gguf: 220.5 MB in 11 s
            """);
  }

  @Test
  void size_usesDecimalUnits() {
    assertThat(Progress.size(999)).isEqualTo("999 B");
    assertThat(Progress.size(1000)).isEqualTo("1.0 kB");
    assertThat(Progress.size(999_999)).isEqualTo("1.0 MB");
    assertThat(Progress.size(98_200_000)).isEqualTo("98.2 MB");
    assertThat(Progress.size(5_000_000_000_000_000L)).isEqualTo("5000.0 TB");
  }
}
