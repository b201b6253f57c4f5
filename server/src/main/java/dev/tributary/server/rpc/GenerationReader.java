package dev.tributary.server.rpc;

import com.google.protobuf.ByteString;
import dev.tributary.server.engine.Job;
import dev.tributary.server.engine.Sampling;
import dev.tributary.server.schedule.Priority;
import dev.tributary.v1.AttributionLevel;
import dev.tributary.v1.AttributionOptions;
import dev.tributary.v1.Format;
import dev.tributary.v1.GenerateRequest;
import dev.tributary.v1.OutputOptions;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;

/// Reads every field of a GenerateRequest: what is out of range is INVALID_ARGUMENT, what isn't
/// built UNIMPLEMENTED. Looks nothing up.
final class GenerationReader {
  /// Bytes of `request_id` and `affinity_key`.
  private static final int MAX_KEY_BYTES = 128;

  /// A request as it was asked.
  ///
  /// @param requestId empty where the caller chose none
  /// @param shares whether the caller wants to hear of shares
  /// @param whole whether it asked to hear of them, and so waits where all comes in one message
  record Asked(
      String requestId,
      String affinityKey,
      Input input,
      List<AdapterChoice> adapters,
      Sampling sampling,
      OptionalInt logprobs,
      boolean echo,
      OptionalLong timeLimitNanos,
      Priority priority,
      boolean repeatable,
      boolean shares,
      boolean whole) {}

  private final SamplingReader samplings;
  private final RequestLimits limits;

  GenerationReader(SamplingReader samplings, RequestLimits limits) {
    this.samplings = samplings;
    this.limits = limits;
  }

  Asked read(GenerateRequest request) {
    checkKey(request.getRequestIdBytes(), "request_id");
    checkKey(request.getAffinityKeyBytes(), "affinity_key");
    AttributionLevel level = level(request.getAttribution());
    OutputOptions output = request.getOutput();
    if (output.hasFormat()) {
      checkFormat(output.getFormat());
    }
    return new Asked(
        request.getRequestId(),
        request.getAffinityKey(),
        Input.of(request),
        AdapterChoice.read(request.getAdaptersList(), limits.maxAdapters()),
        samplings.resolve(request.getSampling()),
        output.hasLogprobs()
            ? OptionalInt.of(checkTop(output.getLogprobs(), "output.logprobs"))
            : OptionalInt.empty(),
        output.getEcho(),
        request.hasTimeLimit()
            ? OptionalLong.of(Times.positiveNanos(request.getTimeLimit(), "time_limit"))
            : OptionalLong.empty(),
        priority(request.getPriority()),
        request.getRepeatable(),
        level != AttributionLevel.ATTRIBUTION_LEVEL_NONE,
        level == AttributionLevel.ATTRIBUTION_LEVEL_SPANS
            || level == AttributionLevel.ATTRIBUTION_LEVEL_INFLUENCE);
  }

  /// How many alternatives a token.
  static int checkTop(int count, String field) {
    if (count < 0 || count > Job.MAX_LOGPROBS) {
      throw Statuses.invalid(field, "is " + count + ", must be between 0 and " + Job.MAX_LOGPROBS);
    }
    return count;
  }

  static Priority priority(dev.tributary.v1.Priority priority) {
    return switch (priority) {
      case PRIORITY_UNSPECIFIED, PRIORITY_NORMAL -> Priority.NORMAL;
      case PRIORITY_LOW -> Priority.LOW;
      case PRIORITY_HIGH -> Priority.HIGH;
      case UNRECOGNIZED -> throw Statuses.invalid("priority", "is unknown");
    };
  }

  static void checkKey(ByteString key, String field) {
    if (key.size() > MAX_KEY_BYTES) {
      throw Statuses.invalid(
          field, "has " + key.size() + " bytes, must have at most " + MAX_KEY_BYTES);
    }
  }

  private static void checkFormat(Format format) {
    switch (format.getKindCase()) {
      case TEXT -> {}
      case JSON_SCHEMA -> throw Statuses.unbuiltField("output.format.json_schema");
      case REGEX -> throw Statuses.unbuiltField("output.format.regex");
      case GRAMMAR -> throw Statuses.unbuiltField("output.format.grammar");
      case KIND_NOT_SET ->
          throw Statuses.invalid(
              "output.format", "is empty: set one of text, json_schema, regex and grammar");
    }
  }

  private static AttributionLevel level(AttributionOptions attribution) {
    if (attribution.getLevel() == AttributionLevel.UNRECOGNIZED) {
      throw Statuses.invalid("attribution.level", "is unknown");
    }
    return attribution.getLevel();
  }
}
