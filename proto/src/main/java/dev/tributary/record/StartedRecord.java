package dev.tributary.record;

import java.security.SecureRandom;
import java.util.List;

/// A generation is about to send its first token.
///
/// @param id of the generation
/// @param tenant of its caller
/// @param adapters that it is made with, in the request's order
/// @param timeMicros of this record
public record StartedRecord(String id, String tenant, List<AdapterUse> adapters, long timeMicros)
    implements Record {
  public StartedRecord {
    adapters = List.copyOf(adapters);
    RecordException.require(timeMicros >= 0, "a time before 1970");
  }

  @Override
  public Kind kind() {
    return Kind.STARTED;
  }

  @Override
  public Sealed seal(SecureRandom random) {
    return Sealed.draw(
        kind(),
        Encoder.encode(out -> out.u32(Record.hour(timeMicros))),
        List.of(
            Encoder.utf8(id),
            Encoder.utf8(tenant),
            Encoder.encode(out -> out.list(adapters, (to, use) -> use.encode(to))),
            Encoder.encode(out -> out.u63(timeMicros))),
        random);
  }

  public static StartedRecord of(Sealed sealed) {
    FieldReader in = new FieldReader(sealed, Kind.STARTED);
    StartedRecord record =
        new StartedRecord(
            in.text(),
            in.text(),
            in.next(field -> field.list(AdapterUse::decode)),
            in.next(Decoder::u63));
    in.hour(record.timeMicros);
    return record;
  }
}
