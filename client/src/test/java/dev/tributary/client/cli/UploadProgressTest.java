package dev.tributary.client.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tributary.client.FakeServer;
import dev.tributary.v1.UploadVersionResponse.Accepted;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class UploadProgressTest {
  private static final long SECOND = 1_000_000_000L;
  private static final Accepted ACCEPTED = Accepted.newBuilder().setUploadId("u-1").build();

  private final ByteArrayOutputStream err = new ByteArrayOutputStream();
  private final AtomicLong clock = new AtomicLong(77 * SECOND);
  private FakeServer server;

  @BeforeEach
  void start() throws IOException {
    server = new FakeServer();
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private UploadProgress progress(CommandRun run, long total) {
    return new UploadProgress(run.tributary(new ByteArrayOutputStream(), err), total, clock::get);
  }

  private String said() {
    return err.toString(StandardCharsets.UTF_8);
  }

  @Test
  void sent_onAScreen_isDrawnOverItself() {
    UploadProgress progress = progress(new CommandRun(server).interactive(false), 2_000_000_000);
    progress.accepted(ACCEPTED, 0);
    clock.addAndGet(10 * SECOND);
    progress.sent(500_000_000);
    // Too soon to be drawn again.
    clock.addAndGet(1_000);
    progress.sent(501_000_000);
    clock.addAndGet(30 * SECOND - 1_000);
    progress.sent(2_000_000_000);
    progress.checking();
    assertThat(said())
        .isEqualTo(
            "upload u-1, 2.0 GB; if it is cut off, repeat the command with --resume u-1\n"
                + "\r[######..................]   25%  500 MB of 2.0 GB  50 MB/s  30 s left"
                + "\r[########################]  100%  2.0 GB of 2.0 GB  50 MB/s  0 s left "
                + "\nall is sent; the server checks it\n");
  }

  @Test
  void sent_elsewhere_isALineForEachTenth() {
    UploadProgress progress = progress(new CommandRun(server), 1_000);
    progress.accepted(ACCEPTED, 250);
    for (int bytes = 251; bytes <= 1_000; bytes++) {
      clock.addAndGet(SECOND);
      progress.sent(bytes);
    }
    assertThat(said().lines().skip(1))
        .hasSize(8)
        .contains(" 30%  300 B of 1.0 kB  1 B/s  11 min 40 s left");
    assertThat(said()).contains("the server has 250 B");
  }

  @Test
  void sent_withinAMoment_isNotSaid() {
    UploadProgress progress = progress(new CommandRun(server), 1_000);
    progress.accepted(ACCEPTED, 0);
    clock.addAndGet(SECOND - 1);
    progress.sent(900);
    assertThat(said().lines()).hasSize(1);
    clock.addAndGet(1);
    progress.sent(1_000);
    assertThat(said()).endsWith("\n100%  1.0 kB of 1.0 kB  1.0 kB/s  0 s left\n");
  }

  @Test
  void sent_nothingToSend_isWhole() {
    UploadProgress progress = progress(new CommandRun(server).interactive(false), 0);
    progress.accepted(ACCEPTED, 0);
    progress.sent(0);
    progress.end();
    progress.end();
    assertThat(said()).endsWith("\r[########################]  100%  0 B of 0 B\n");
  }
}
