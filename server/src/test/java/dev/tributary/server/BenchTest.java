package dev.tributary.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tributary.server.bench.Bench;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The measuring commands as a user calls them. What they measure here means nothing.
class BenchTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path folder;

  private JsonNode json(Path file) throws IOException {
    return JSON.readTree(Files.readString(file));
  }

  @ParameterizedTest
  @ValueSource(strings = {"decode", "prefill", "step", "load", "adapters", "peer"})
  void everyCommand_hasHelp(String command) {
    assertThat(Bench.execute(command, "--help")).isZero();
  }

  @Test
  void wrongUsage_isStatus2() {
    assertThat(Bench.execute()).isEqualTo(2);
    assertThat(Bench.execute("decode")).isEqualTo(2);
    assertThat(Bench.execute("load", "--model", "m.gguf")).isEqualTo(2);
    assertThat(Bench.execute("load", "--model", "m", "--target", "h:1", "--rate", "1"))
        .isEqualTo(2);
    assertThat(Bench.execute("decode", "m.gguf", "--adapters", "some")).isEqualTo(2);
  }

  @Test
  void aModelThatIsNotThere_isStatus1() {
    assertThat(Bench.execute("adapters", folder.resolve("none.gguf").toString(), folder.toString()))
        .isEqualTo(1);
  }

  @Test
  void decode_writesAFigureForEachKindOfStep() throws IOException {
    Path file = folder.resolve("decode.json");
    String model = RealModel.require().toString();
    String rows = "--rows=1,3";
    assertThat(Bench.execute("decode", model, rows, "--seconds=0.01", "--json=" + file)).isZero();
    // For one row, a LoRA each is one LoRA.
    assertThat(json(file).get("figures")).hasSize(5);
    for (JsonNode figure : json(file).get("figures")) {
      assertThat(figure.get("tokens_per_second").asDouble()).isPositive();
      assertThat(figure.get("of_bandwidth").asDouble()).isPositive();
    }
  }

  @Test
  void prefill_writesAFigureWithAndWithoutAdapter() throws IOException {
    Path file = folder.resolve("prefill.json");
    String model = RealModel.require().toString();
    assertThat(Bench.execute("prefill", model, "--tokens=40", "--seconds=0.01", "--json=" + file))
        .isZero();
    assertThat(json(file).get("figures")).hasSize(2);
  }

  @Test
  void step_writesWhatTheEngineAdds() throws IOException {
    Path file = folder.resolve("step.json");
    String model = RealModel.require().toString();
    assertThat(Bench.execute("step", model, "--rows=2", "--seconds=0.3", "--json=" + file))
        .isZero();
    for (JsonNode line : json(file).get("lines")) {
      assertThat(line.get("millis").get("steps").asInt()).isPositive();
      assertThat(line.get("millis").get("outside").asDouble()).isBetween(0.0, 1.0);
    }
  }

  @Test
  void load_startsAServerAndCallsIt() throws IOException {
    Path file = folder.resolve("load.json");
    Path adapters = folder.resolve("adapters");
    assertThat(
            Bench.execute(
                "load",
                "--model=" + RealModel.require(),
                "--callers=2",
                "--adapters=2",
                "--rank=2",
                "--adapter-folder=" + adapters,
                "--prompt-tokens=4-8",
                "--max-tokens=3",
                "--duration=1s",
                "--warm-up=0s",
                "--server-flag=--kv-memory=256",
                "--json=" + file))
        .isZero();
    JsonNode figures = json(file).get("figures");
    assertThat(figures.get("statuses").get("OK").asInt())
        .isEqualTo(figures.get("requests").asInt())
        .isGreaterThanOrEqualTo(2);
    assertThat(figures.get("tiers").get("TIER_DISK").asInt()).isBetween(1, 2);
    assertThat(figures.get("resident_bytes").get("most").asLong()).isPositive();
    assertThat(adapters.resolve("bench-0002")).isDirectory();
  }
}
