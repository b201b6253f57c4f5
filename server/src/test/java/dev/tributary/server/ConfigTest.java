package dev.tributary.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import picocli.CommandLine;

class ConfigTest {
  @Test
  void numerics_areReplayableUnlessAskedToBeRepeatable() {
    assertThat(CommandLine.populateCommand(new Config()).repeatable()).isFalse();
    assertThat(config("--numerics=replayable").repeatable()).isFalse();
    assertThat(config("--numerics=repeatable").repeatable()).isTrue();
    assertThatThrownBy(() -> config("--numerics=exact").repeatable())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("--numerics exact");
  }

  private static Config config(String... args) {
    return CommandLine.populateCommand(new Config(), args);
  }
}
