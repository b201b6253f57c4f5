package dev.tributary.record;

import dev.tributary.tlog.Hash;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.List;

/// A training example was given.
///
/// @param example of [#digest]
/// @param licence an SPDX expression
/// @param dataset name of the data set
public record ContributionRecord(
    String contributor, Hash example, String licence, String dataset, long timeMicros)
    implements Record {
  private static final byte[] DOMAIN = "tributary-example-v1\n".getBytes(StandardCharsets.US_ASCII);

  /// One of an example's messages.
  public record Message(String role, String content) {}

  public ContributionRecord {
    RecordException.require(timeMicros >= 0, "a time before 1970");
  }

  /// SHA-256("tributary-example-v1\n" || u32 count || per message role and content, each in UTF-8
  /// after its u32 length).
  public static Hash digest(List<Message> messages) {
    return Hash.sha256(
        DOMAIN,
        Encoder.encode(
            out -> out.list(messages, (to, each) -> to.text(each.role()).text(each.content()))));
  }

  @Override
  public Kind kind() {
    return Kind.CONTRIBUTION;
  }

  @Override
  public Sealed seal(SecureRandom random) {
    return Sealed.draw(
        kind(),
        Encoder.encode(out -> out.u32(Record.hour(timeMicros))),
        List.of(
            Encoder.utf8(contributor),
            example.bytes(),
            Encoder.utf8(licence),
            Encoder.utf8(dataset),
            Encoder.encode(out -> out.u63(timeMicros))),
        random);
  }

  public static ContributionRecord of(Sealed sealed) {
    FieldReader in = new FieldReader(sealed, Kind.CONTRIBUTION);
    ContributionRecord record =
        new ContributionRecord(
            in.text(), in.next(Decoder::hash), in.text(), in.text(), in.next(Decoder::u63));
    in.hour(record.timeMicros);
    return record;
  }
}
