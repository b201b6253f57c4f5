package dev.tributary.server.source;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class ProgressTest {
  private final ByteArrayOutputStream said = new ByteArrayOutputStream();
  private long nanos;

  private Progress progress(boolean terminal) {
    return new Progress(new PrintStream(said, true), terminal, () -> nanos);
  }

  private String said() {
    return said.toString(StandardCharsets.UTF_8);
  }

  @Test
  void reached_noTerminal_saysALineEachTenth() {
    Progress progress = progress(false);
    progress.begin("m.gguf", 100_000_000, 10_000_000);
    for (int megabytes = 11; megabytes <= 100; megabytes++) {
      nanos += 100_000_000;
      progress.reached(megabytes * 1_000_000L);
    }
    progress.end();

    assertThat(said().lines())
        .hasSize(10)
        .startsWith(
            "m.gguf: 100.0 MB, 10.0 MB are here",
            "m.gguf 20%, 20.0 of 100.0 MB, 10.0 MB/s, 8 s left")
        .endsWith("m.gguf 100%, 100.0 of 100.0 MB, 10.0 MB/s");
  }

  @Test
  void reached_terminal_redrawsOneLineTenTimesASecond() {
    Progress progress = progress(true);
    progress.begin("m.gguf", 1_000_000_000, 0);
    for (int step = 1; step <= 100; step++) {
      nanos += 10_000_000;
      progress.reached(step * 1_000_000L);
    }
    progress.end();

    assertThat(said().split("\r")).hasSizeBetween(11, 13);
    assertThat(said())
        .contains("[==                      ] m.gguf 10%, 100.0 of 1000.0 MB, 100.0 MB/s, 9 s left")
        .endsWith("\n")
        .containsOnlyOnce("\n");
  }

  @Test
  void line_whileDrawing_takesTheLineOver() {
    Progress progress = progress(true);
    progress.begin("m.gguf", 10, 0);
    progress.reached(1);
    progress.line("trying again");
    assertThat(said()).endsWith("\r\u001b[Ktrying again\n");
  }

  @Test
  void reached_nothingToDo_isComplete() {
    Progress progress = progress(true);
    progress.begin("empty", 0, 0);
    progress.end();
    assertThat(said()).contains("[========================] empty 100%, 0.0 of 0.0 MB");
  }
}
