package dev.tributary.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.LoggingEvent;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;
import org.slf4j.event.KeyValuePair;

class LogsTest {
  private static final Instant AT = Instant.parse("2026-01-02T03:04:05.678Z");

  private static LoggingEvent event(String message, @Nullable Throwable error) {
    Logger logger = new LoggerContext().getLogger("dev.tributary.some");
    LoggingEvent event = new LoggingEvent("", logger, Level.INFO, message, error, new Object[0]);
    event.setInstant(AT);
    return event;
  }

  private static JsonNode json(LoggingEvent event) throws IOException {
    String line = new String(new JsonLines().encode(event), StandardCharsets.UTF_8);
    assertThat(line).as("one line").endsWith("}\n").hasLineCount(1);
    return new ObjectMapper().readTree(line);
  }

  @Test
  void aJsonLine_hasTheEventsOwnKeys() throws IOException {
    LoggingEvent event = event("a \"quoted\"\nmessage", null);
    event.addKeyValuePair(new KeyValuePair("generation_id", "an-id"));
    event.addKeyValuePair(new KeyValuePair("total_ms", 1.5));
    event.addKeyValuePair(new KeyValuePair("level", "forged"));

    JsonNode line = json(event);

    assertThat(line.get("time").asText()).isEqualTo("2026-01-02T03:04:05.678Z");
    assertThat(line.get("level").asText()).as("not to be forged").isEqualTo("INFO");
    assertThat(line.get("logger").asText()).isEqualTo("dev.tributary.some");
    assertThat(line.get("message").asText()).isEqualTo("a \"quoted\"\nmessage");
    assertThat(line.get("generation_id").asText()).isEqualTo("an-id");
    assertThat(line.get("total_ms").asDouble()).isEqualTo(1.5);
    assertThat(line.has("error")).isFalse();
  }

  @Test
  void aJsonLine_hasTheStackTrace() throws IOException {
    JsonNode line = json(event("broken", new IllegalStateException("why")));
    assertThat(line.get("error").asText()).contains("IllegalStateException: why", "LogsTest");
  }

  @Test
  void levels_areOursOrANamedLoggers() {
    assertThat(Logs.levels(List.of("WARN", "io.grpc=debug")))
        .isEqualTo(Map.of("dev.tributary", Level.WARN, "io.grpc", Level.DEBUG));
    for (String wrong : List.of("loud", "=info", "io.grpc=", "")) {
      assertThatThrownBy(() -> Logs.levels(List.of(wrong)))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void setLevels_andBack() {
    List<String> start = List.of("info");
    List<String> other = List.of("debug", "some.library=trace");
    try {
      Logs.setLevels(start, other);
      assertThat(LoggerFactory.getLogger("dev.tributary.server.x").isDebugEnabled()).isTrue();
      assertThat(LoggerFactory.getLogger("some.library.x").isTraceEnabled()).isTrue();
    } finally {
      Logs.setLevels(other, start);
    }
    assertThat(LoggerFactory.getLogger("dev.tributary.server.x").isDebugEnabled()).isFalse();
    assertThat(LoggerFactory.getLogger("some.library.x").isInfoEnabled()).isFalse();
  }
}
