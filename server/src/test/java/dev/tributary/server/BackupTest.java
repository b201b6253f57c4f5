package dev.tributary.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tributary.server.state.Quota;
import dev.tributary.server.state.State;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BackupTest {
  @TempDir Path folder;

  @Test
  void backup_whileAServerHasTheState_isWhatItHas() {
    Path copy = folder.resolve("copy.db");
    try (State state = State.open(folder.resolve("state.db"), InstantSource.system())) {
      var unused = state.tenants().create("acme", "", Quota.NONE);
      assertThat(run(copy)).isZero();
      assertThat(run(copy)).as("a copy is not overwritten").isOne();
    }
    try (State state = State.open(copy, InstantSource.system())) {
      assertThat(state.tenants().get("acme")).isPresent();
    }
  }

  @Test
  void backup_ofNoState_fails() {
    assertThat(run(folder.resolve("copy.db"))).isOne();
    assertThat(folder.resolve("copy.db")).doesNotExist();
  }

  private int run(Path copy) {
    return Main.run(
        new String[] {"--data", folder.toString(), "--backup", copy.toString()}, Map.of());
  }
}
