package dev.tributary.client.cli;

import com.google.protobuf.Timestamp;
import dev.tributary.v1.AdapterUse;
import dev.tributary.v1.AdapterVersion;
import dev.tributary.v1.Alias;
import dev.tributary.v1.Tier;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/// How single values are written for people.
final class Texts {
  private static final int MICRO_DIGITS = 6;

  private static final String[] BYTE_UNITS = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};

  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss'Z'", Locale.ROOT);

  private Texts() {}

  /// `public/town-guide` as `town-guide`: so it can be typed back.
  static String name(String fullName) {
    return fullName.startsWith("public/") ? fullName.substring("public/".length()) : fullName;
  }

  /// `device`, `host`, ...
  static String tier(Tier tier) {
    return tier.name().substring("TIER_".length()).toLowerCase(Locale.ROOT);
  }

  /// `device, pinned`; `-` where the server does not tell.
  static String tier(AdapterVersion version) {
    return version.getTier() == Tier.TIER_UNSPECIFIED
        ? "-"
        : tier(version.getTier()) + (version.getPinned() ? ", pinned" : "");
  }

  /// `base`, or `pirate@1*0.5 (device) + haiku@2 (host)`.
  static String adapters(List<AdapterUse> uses) {
    return uses.isEmpty()
        ? "base"
        : uses.stream().map(Texts::adapter).collect(Collectors.joining(" + "));
  }

  private static String adapter(AdapterUse use) {
    String scale = use.getScale() == 1 ? "" : "*" + number(use.getScale());
    return "%s@%d%s (%s)"
        .formatted(name(use.getName()), use.getVersion(), scale, tier(use.getTier()));
  }

  /// `3 95%, 4 5%`; a single version without its share; `nothing` without targets.
  static String targets(Alias alias) {
    if (alias.getTargetsCount() == 0) {
      return "nothing";
    }
    String targets =
        alias.getTargetsCount() == 1
            ? Integer.toString(alias.getTargets(0).getNumber())
            : alias.getTargetsList().stream()
                .map(target -> target.getNumber() + " " + share(alias, target))
                .collect(Collectors.joining(", "));
    return alias.hasShadow()
        ? "%s (shadow %d %s)"
            .formatted(
                targets,
                alias.getShadow().getNumber(),
                percent(alias.getShadow().getSharePpm() / 1e4))
        : targets;
  }

  /// What part of an alias's requests a target gets, `5%`.
  static String share(Alias alias, Alias.Target target) {
    long total = alias.getTargetsList().stream().mapToLong(Alias.Target::getWeight).sum();
    return percent(total == 0 ? 0 : 100.0 * target.getWeight() / total);
  }

  /// Parts per million as `12.5%`.
  static String ppm(long ppm) {
    return percent(ppm / 1e4);
  }

  /// Millionths as `1.5 EUR`.
  static String amount(long micros, String currency) {
    BigDecimal amount = BigDecimal.valueOf(micros, MICRO_DIGITS).stripTrailingZeros();
    return (amount.toPlainString() + " " + currency).strip();
  }

  private static String percent(double value) {
    return BigDecimal.valueOf(value)
            .setScale(4, RoundingMode.HALF_UP)
            .stripTrailingZeros()
            .toPlainString()
        + "%";
  }

  /// `2026-01-02 03:04:05Z`, or `-` for no time.
  static String time(boolean known, Timestamp time) {
    return known
        ? TIME.format(Instant.ofEpochSecond(time.getSeconds()).atOffset(ZoneOffset.UTC))
        : "-";
  }

  /// `ready`, `quarantined`, ...
  static String state(AdapterVersion.State state) {
    return state.name().substring("STATE_".length()).toLowerCase(Locale.ROOT);
  }

  /// `1` instead of `1.0`.
  static String number(float value) {
    return value == Math.rint(value) && Math.abs(value) < 1e6f
        ? Integer.toString((int) value)
        : Float.toString(value);
  }

  /// `4.9 MB`, in decimal units.
  static String bytes(long bytes) {
    double value = bytes;
    int unit = 0;
    while (value >= 999.5 && unit < BYTE_UNITS.length - 1) {
      value /= 1000;
      unit++;
    }
    return unit == 0
        ? bytes + " B"
        : String.format(Locale.ROOT, value < 9.95 ? "%.1f %s" : "%.0f %s", value, BYTE_UNITS[unit]);
  }

  /// `85 ms`, `1.4 s`.
  static String duration(com.google.protobuf.Duration duration) {
    double milliseconds = duration.getSeconds() * 1e3 + duration.getNanos() / 1e6;
    return milliseconds < 999.5
        ? String.format(Locale.ROOT, milliseconds < 9.95 ? "%.1f ms" : "%.0f ms", milliseconds)
        : String.format(Locale.ROOT, "%.1f s", milliseconds / 1e3);
  }

  /// The digest's first twelve digits, enough to tell adapters apart by eye.
  static String shortDigest(String digest) {
    String hex = digest.startsWith("sha256:") ? digest.substring("sha256:".length()) : digest;
    return hex.length() <= 12 ? hex : hex.substring(0, 12);
  }

  /// A token's or completion's text on one line, in quotes.
  static String quoted(String text) {
    StringBuilder quoted = new StringBuilder("\"");
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '\n' -> quoted.append("\\n");
        case '\t' -> quoted.append("\\t");
        case '\r' -> quoted.append("\\r");
        case '"' -> quoted.append("\\\"");
        case '\\' -> quoted.append("\\\\");
        default -> quoted.append(Character.isISOControl(c) ? '\ufffd' : c);
      }
    }
    return quoted.append('"').toString();
  }
}
