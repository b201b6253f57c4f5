package dev.tributary.server.metrics;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;
import org.slf4j.spi.LoggingEventBuilder;

/// One line when a call has ended: at level info for calls that used the base or an adapter, at
/// debug for all others. It holds names, counts and times; never text.
final class AnswerLog {
  private static final Logger log = LoggerFactory.getLogger("dev.tributary.server.answers");

  private static final double MILLI = 1e6;

  private AnswerLog() {}

  static void write(CallRecord call, String code, String reason, long nanos) {
    LoggingEventBuilder line = log.atLevel(call.isAnswer() ? Level.INFO : Level.DEBUG);
    line = line.addKeyValue("generation_id", call.id()).addKeyValue("tenant", call.tenant());
    if (call.isAnswer()) {
      line =
          line.addKeyValue("adapters", call.adapterNames())
              .addKeyValue("outcome", call.outcome().label())
              .addKeyValue("prompt_tokens", call.promptTokens())
              .addKeyValue("cached_tokens", call.cachedTokens())
              .addKeyValue("completion_tokens", call.completionTokens())
              .addKeyValue("first_token_ms", call.firstTokenNanos() / MILLI);
    }
    line = line.addKeyValue("total_ms", nanos / MILLI).addKeyValue("code", code);
    if (!reason.equals(code)) {
      line = line.addKeyValue("reason", reason);
    }
    if (!call.traceId().isEmpty()) {
      line = line.addKeyValue("trace_id", call.traceId());
    }
    line.log(call.method());
  }
}
