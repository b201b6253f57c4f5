package dev.tributary.server.bench;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReportTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @Test
  void write_isTheTableForPrograms(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("figures.json");
    Machine machine = new Machine("a processor", List.of("avx2"), 2, "25", 50.5, 400, "NONE");
    new Report("decode", Instant.parse("2026-01-02T03:04:05.678Z"))
        .put("machine", machine)
        .put("rank", 16)
        .put("nothing", null)
        .write(file);
    assertThat(JSON.readTree(Files.readString(file)))
        .isEqualTo(
            JSON.readTree(
                """
                {"command": "decode", "time": "2026-01-02T03:04:05Z",
                 "machine": {"processor": "a processor", "features": ["avx2"], "threads": 2,
                   "java": "25", "gigabytes_per_second": 50.5, "gigaflops": 400.0,
                   "attribution": "NONE"},
                 "rank": 16, "nothing": null}
                """));
  }

  @Test
  void loadFigures_haveUnitsInTheirNames() throws IOException {
    LoadFigures figures =
        new LoadStats().figures(Duration.ofSeconds(2), 10, new ResidentMemory.Growth(1, 2, 3, 4));
    JsonNode root = JSON.readTree(new Report("load", Instant.EPOCH).put("figures", figures).text());
    JsonNode written = root.get("figures");
    assertThat(written.get("tokens_per_second").asDouble()).isEqualTo(5);
    assertThat(written.get("resident_bytes").get("middle").asLong()).isEqualTo(2);
    for (String key : List.of("first_token_ms", "inter_token_ms", "queue_ms", "load_ms")) {
      assertThat(written.get(key).fieldNames())
          .toIterable()
          .containsExactly("count", "mean", "p50", "p95", "p99", "max");
    }
  }

  @Test
  void table_alignsItsColumns() {
    String text = new Table("", "ms").add("decode", "1.25").add("p", "100.00").text();
    assertThat(text.lines()).containsExactly("            ms", "decode    1.25", "p       100.00");
  }

  @Test
  void peerLine_reachesItsTarget() {
    assertThat(PeerLine.race("decode", 130, 100, 1.3).reached()).isTrue();
    assertThat(PeerLine.race("decode", 129, 100, 1.3).reached()).isFalse();
    assertThat(PeerLine.cost("tax", "part", 0.10, 0.10).reached()).isTrue();
    assertThat(PeerLine.cost("tax", "part", 0.11, 0.10).reached()).isFalse();
  }
}
