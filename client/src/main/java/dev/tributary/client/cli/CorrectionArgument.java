package dev.tributary.client.cli;

import dev.tributary.v1.CorrectCreditRequest.Share;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/// Reads `CONTRIBUTOR@TENANT/ADAPTER=PERCENT`; a contributor's name may have any of its signs.
final class CorrectionArgument implements ITypeConverter<Share> {
  @Override
  public Share convert(String text) {
    int equals = text.lastIndexOf('=');
    int at = text.lastIndexOf('@', equals);
    if (at < 1 || !text.substring(at + 1, equals).matches("[^/]+/[^/]+")) {
      throw new TypeConversionException(
          "'%s' is not CONTRIBUTOR@TENANT/ADAPTER=PERCENT, as in ann@acme/town=12.5%%"
              .formatted(text));
    }
    return Share.newBuilder()
        .setContributor(text.substring(0, at))
        .setAdapter(text.substring(at + 1, equals))
        .setPpm(new ShareArgument().convert(text.substring(equals + 1)))
        .build();
  }
}
