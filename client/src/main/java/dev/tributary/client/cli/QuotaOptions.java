package dev.tributary.client.cli;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.FieldMask;
import dev.tributary.v1.Quota;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/// The limits of a quota; each is a number, or `none` for the server's own limit. Their names are
/// those of the contract's fields.
final class QuotaOptions {
  private static final String NUMBER = "N|none";

  @Spec(Spec.Target.MIXEE)
  private CommandSpec command = CommandSpec.create();

  @Option(
      names = "--requests-per-minute",
      paramLabel = NUMBER,
      converter = LimitArgument.class,
      description = "Calls that run the model.")
  private @Nullable Limit requestsPerMinute;

  @Option(
      names = "--tokens-per-minute",
      paramLabel = NUMBER,
      converter = LimitArgument.class,
      description = "Prompt and completion tokens.")
  private @Nullable Limit tokensPerMinute;

  @Option(
      names = "--concurrent-requests",
      paramLabel = NUMBER,
      converter = LimitArgument.class,
      description = "Running at once.")
  private @Nullable Limit concurrentRequests;

  @Option(
      names = "--queued-requests",
      paramLabel = NUMBER,
      converter = LimitArgument.class,
      description = "Waiting, beyond those that run.")
  private @Nullable Limit queuedRequests;

  @Option(
      names = "--adapters",
      paramLabel = NUMBER,
      converter = LimitArgument.class,
      description = "Adapters that it may have.")
  private @Nullable Limit adapters;

  @Option(
      names = "--adapter-bytes",
      paramLabel = "BYTES|none",
      converter = LimitArgument.class,
      description = "On disk, all versions together; kB, MB, GB and TB are understood.")
  private @Nullable Limit adapterBytes;

  @Option(
      names = "--replays-per-hour",
      paramLabel = NUMBER,
      converter = LimitArgument.class,
      description = "Replays of answers.")
  private @Nullable Limit replaysPerHour;

  @Option(
      names = "--resident-bytes",
      paramLabel = "BYTES|none",
      converter = LimitArgument.class,
      description = "Of its adapters in memory; kB, MB, GB and TB are understood.")
  private @Nullable Limit residentBytes;

  @Option(
      names = "--weight",
      paramLabel = NUMBER,
      converter = LimitArgument.class,
      description = "Share of the machine under load, from 1 to 1,000 (without: 100).")
  private @Nullable Limit weight;

  /// A limit as it was typed; without a value: none.
  private record Limit(OptionalLong value) {}

  /// Reads `600`, `10GB` or `none`.
  private static final class LimitArgument implements ITypeConverter<Limit> {
    private static final Map<String, Long> UNITS =
        Map.of(
            "", 1L, "kB", 1_000L, "MB", 1_000_000L, "GB", 1_000_000_000L, "TB", 1_000_000_000_000L);

    @Override
    public Limit convert(String text) {
      if (text.equals("none")) {
        return new Limit(OptionalLong.empty());
      }
      // Six digits of terabytes fit into 63 bits.
      if (!text.matches("[0-9]{1,18}|[0-9]{1,6} ?(kB|MB|GB|TB)")) {
        throw new TypeConversionException("'%s' is not a number or none".formatted(text));
      }
      String digits = text.replaceAll("[^0-9]", "");
      String unit = text.substring(digits.length()).strip();
      long bytes = Objects.requireNonNull(UNITS.get(unit));
      return new Limit(OptionalLong.of(Long.parseLong(digits) * bytes));
    }
  }

  /// The limits that were given, without those that are none.
  Quota quota() {
    Quota.Builder quota = Quota.newBuilder();
    given().forEach((field, limit) -> set(quota, field, limit));
    return quota.build();
  }

  /// The fields that were given, below `quota`.
  FieldMask mask() {
    FieldMask.Builder mask = FieldMask.newBuilder();
    given().keySet().forEach(field -> mask.addPaths("quota." + field.getName()));
    return mask.build();
  }

  /// Rows of what a quota says.
  static void rows(Quota quota, Table table) {
    for (FieldDescriptor field : Quota.getDescriptor().getFields()) {
      String name = field.getName().replace('_', ' ');
      table.row(name, quota.hasField(field) ? quota.getField(field).toString() : "-");
    }
  }

  private Map<FieldDescriptor, Limit> given() {
    Map<FieldDescriptor, Limit> given = new LinkedHashMap<>();
    put(given, "requests_per_minute", requestsPerMinute);
    put(given, "tokens_per_minute", tokensPerMinute);
    put(given, "concurrent_requests", concurrentRequests);
    put(given, "queued_requests", queuedRequests);
    put(given, "adapters", adapters);
    put(given, "adapter_bytes", adapterBytes);
    put(given, "replays_per_hour", replaysPerHour);
    put(given, "weight", weight);
    put(given, "resident_bytes", residentBytes);
    return given;
  }

  private static void put(Map<FieldDescriptor, Limit> given, String name, @Nullable Limit limit) {
    if (limit != null) {
      given.put(Objects.requireNonNull(Quota.getDescriptor().findFieldByName(name)), limit);
    }
  }

  private void set(Quota.Builder quota, FieldDescriptor field, Limit limit) {
    if (limit.value().isEmpty()) {
      return;
    }
    long value = limit.value().getAsLong();
    if (field.getJavaType() == FieldDescriptor.JavaType.LONG) {
      quota.setField(field, value);
    } else if (value <= Integer.MAX_VALUE) {
      quota.setField(field, (int) value);
    } else {
      throw new CommandLine.ParameterException(
          command.commandLine(),
          "--%s is at most %d".formatted(field.getName().replace('_', '-'), Integer.MAX_VALUE));
    }
  }
}
