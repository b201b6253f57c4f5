package dev.tributary.client.cli;

import dev.tributary.v1.AdapterSelector;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/// Reads `NAME[@VERSION][*SCALE]`, where a version is a number, an alias, or a digest.
final class AdapterArgument implements ITypeConverter<AdapterSelector> {
  static final String SYNTAX = "NAME[@VERSION][*SCALE]";

  private static final Pattern PATTERN =
      Pattern.compile("(?<name>[^@*\\s]+)(@(?<version>[^@*\\s]+))?(\\*(?<scale>[^@*\\s]+))?");

  @Override
  public AdapterSelector convert(String text) {
    Matcher matcher = PATTERN.matcher(text);
    if (!matcher.matches()) {
      throw new TypeConversionException("'%s' is not %s".formatted(text, SYNTAX));
    }
    AdapterSelector.Builder selector = AdapterSelector.newBuilder().setName(matcher.group("name"));
    String version = matcher.group("version");
    if (version != null) {
      setVersion(selector, version);
    }
    String scale = matcher.group("scale");
    if (scale != null) {
      selector.setScale(scale(scale));
    }
    return selector.build();
  }

  /// The same text for a selector, as [#convert] reads it.
  static String text(AdapterSelector selector) {
    String version =
        switch (selector.getVersionCase()) {
          case NUMBER -> "@" + selector.getNumber();
          case ALIAS -> "@" + selector.getAlias();
          case DIGEST -> "@" + selector.getDigest();
          case VERSION_NOT_SET -> "";
        };
    return selector.getName()
        + version
        + (selector.hasScale() ? "*" + Texts.number(selector.getScale()) : "");
  }

  private static void setVersion(AdapterSelector.Builder selector, String version) {
    if (version.startsWith("sha256:")) {
      selector.setDigest(version);
    } else if (version.matches("[0-9]{1,9}")) {
      selector.setNumber(Integer.parseInt(version));
    } else {
      selector.setAlias(version);
    }
  }

  private static float scale(String text) {
    try {
      float scale = Float.parseFloat(text);
      if (Float.isFinite(scale)) {
        return scale;
      }
    } catch (NumberFormatException e) {
      // Said below, together with what is a number but not finite.
    }
    throw new TypeConversionException("'%s' is not a scale".formatted(text));
  }
}
