package dev.tributary.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConfigWatchTest {
  @TempDir private Path folder;

  private final List<Config> taken = new ArrayList<>();
  private Path file;
  private ConfigWatch watch;

  @BeforeEach
  void start() throws IOException {
    file = folder.resolve("server.conf");
    write("grace = 5", "threads = 1");
    watch = new ConfigWatch(file, read(), this::read, (before, now) -> taken.add(now));
  }

  @AfterEach
  void stop() {
    watch.close();
  }

  private ConfigWatch.Read read() {
    return Main.parse(new String[] {"--config=" + file, "--drain-delay=1"}, Map.of()).read();
  }

  private void write(String... lines) throws IOException {
    Files.write(file, List.of(lines));
  }

  @Test
  void look_withoutAChange_doesNothing() throws IOException {
    assertThat(watch.look()).isFalse();
    write("grace = 5", "threads = 1");
    assertThat(watch.look()).isFalse();
    assertThat(taken).isEmpty();
  }

  @Test
  void look_takesOverWhatMayChange() throws IOException {
    write("grace = 7", "log-level = debug", "web-host = a.example");
    assertThat(watch.look()).isTrue();
    assertThat(taken).hasSize(1);
    assertThat(taken.getFirst().grace).isEqualTo(7);
    assertThat(taken.getFirst().logLevels).containsExactly("debug");
    assertThat(taken.getFirst().webHosts).containsExactly("a.example");
    assertThat(watch.look()).as("once").isFalse();
  }

  @Test
  void look_whatNeedsARestart_isNotTakenOver() throws IOException {
    write("grace = 5", "threads = 2");
    assertThat(watch.look()).isFalse();
    assertThat(taken).isEmpty();
  }

  @Test
  void look_aFlag_stillWins() throws IOException {
    write("grace = 5", "threads = 1", "drain-delay = 9");
    assertThat(watch.look()).isFalse();
  }

  @Test
  void look_aWrongFile_changesNothingUntilItIsRight() throws IOException {
    write("grace = 7", "thread = 1");
    assertThat(watch.look()).isFalse();
    Files.delete(file);
    assertThat(watch.look()).isFalse();
    assertThat(taken).isEmpty();
    write("grace = 8");
    assertThat(watch.look()).isTrue();
    assertThat(taken.getFirst().grace).isEqualTo(8);
  }
}
