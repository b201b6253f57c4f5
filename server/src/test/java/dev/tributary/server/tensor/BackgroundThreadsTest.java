package dev.tributary.server.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

@EnabledOnOs(OS.LINUX)
class BackgroundThreadsTest {
  @Test
  void aBackgroundThread_hasALowerPriorityThanItsMaker() throws Exception {
    int own = nice();
    CompletableFuture<Integer> there = new CompletableFuture<>();
    Thread thread =
        BackgroundThreads.factory("background-").newThread(() -> there.complete(nice()));
    thread.start();
    assertThat(there.join()).isEqualTo(Math.max(own, 10));
    assertThat(thread.isDaemon()).isTrue();
    assertThat(thread.getName()).isEqualTo("background-0");
    assertThat(nice()).isEqualTo(own);
  }

  /// Field 19 of proc(5)'s stat; the name, which may hold spaces, ends with the last bracket.
  private static int nice() {
    try {
      String stat = Files.readString(Path.of("/proc/thread-self/stat"));
      return Integer.parseInt(stat.substring(stat.lastIndexOf(')') + 2).split(" ")[16]);
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }
}
