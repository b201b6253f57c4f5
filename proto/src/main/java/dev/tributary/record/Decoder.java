package dev.tributary.record;

import dev.tributary.tlog.Hash;
import dev.tributary.tlog.TlogException;
import dev.tributary.tlog.VerifierKey;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// Reads what [Encoder] writes and refuses all else, naming `what` is read.
final class Decoder {
  private final String what;
  private final ByteBuffer in;

  private Decoder(String what, byte[] bytes) {
    this.what = what;
    in = ByteBuffer.wrap(bytes);
  }

  /// @param value must read all of `bytes`
  static <T> T decode(String what, byte[] bytes, Function<Decoder, T> value) {
    Decoder decoder = new Decoder(what, bytes);
    T decoded = value.apply(decoder);
    decoder.check(!decoder.in.hasRemaining(), decoder.in.remaining() + " bytes too many");
    return decoded;
  }

  void check(boolean holds, String otherwise) {
    RecordException.require(holds, what + ": " + otherwise);
  }

  int u8() {
    return Byte.toUnsignedInt(need(1).get());
  }

  int u16() {
    return Short.toUnsignedInt(need(2).getShort());
  }

  boolean flag() {
    int value = u8();
    check(value <= 1, value + " is neither 0 nor 1");
    return value == 1;
  }

  long u32() {
    return Integer.toUnsignedLong(i32());
  }

  /// A count or an identifier: below 2^31.
  int u31() {
    int value = i32();
    check(value >= 0, Integer.toUnsignedString(value) + " is too large");
    return value;
  }

  int i32() {
    return need(4).getInt();
  }

  float f32() {
    float value = need(4).getFloat();
    check(Float.isFinite(value), value + " is not finite");
    return value;
  }

  long u63() {
    long value = u64();
    check(value >= 0, Long.toUnsignedString(value) + " is too large");
    return value;
  }

  long u64() {
    return need(8).getLong();
  }

  Hash hash() {
    return Hash.of(raw(Hash.BYTES));
  }

  VerifierKey vkey() {
    try {
      return VerifierKey.parse(text());
    } catch (TlogException e) {
      throw new RecordException(what + ": " + e.getMessage(), e);
    }
  }

  byte[] raw(int length) {
    need(length);
    byte[] bytes = new byte[length];
    in.get(bytes);
    return bytes;
  }

  byte[] rest() {
    return raw(in.remaining());
  }

  byte[] bytes() {
    return raw(u31());
  }

  String text() {
    return utf8(bytes());
  }

  String restAsText() {
    return utf8(rest());
  }

  /// One of an enumeration, by its place in it from 1.
  <E extends Enum<E>> E choice(Class<E> type) {
    E[] all = type.getEnumConstants();
    int code = u8();
    check(code >= 1 && code <= all.length, "no " + type.getSimpleName() + " has code " + code);
    return all[code - 1];
  }

  /// Null after a 0, else the value after a 1.
  <T> @Nullable T optional(Function<Decoder, T> value) {
    return flag() ? value.apply(this) : null;
  }

  /// Null at the end of the bytes.
  <T> @Nullable T orAbsent(Function<Decoder, T> value) {
    return in.hasRemaining() ? value.apply(this) : null;
  }

  <T> List<T> list(Function<Decoder, T> element) {
    int count = u31();
    check(count <= in.remaining(), count + " elements do not fit in " + in.remaining() + " bytes");
    List<T> values = new ArrayList<>(Math.min(count, 1024));
    for (int i = 0; i < count; i++) {
      values.add(element.apply(this));
    }
    return values;
  }

  /// Elements up to the end.
  <T> List<T> all(Function<Decoder, T> element) {
    List<T> values = new ArrayList<>();
    while (in.hasRemaining()) {
      values.add(element.apply(this));
    }
    return values;
  }

  private ByteBuffer need(int bytes) {
    check(bytes <= in.remaining(), "ends " + (bytes - in.remaining()) + " bytes too early");
    return in;
  }

  private String utf8(byte[] bytes) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw new RecordException(what + ": a text is not UTF-8", e);
    }
  }
}
