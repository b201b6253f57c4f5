package dev.tributary.record;

import dev.tributary.tlog.Hash;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Writes values in their only form: big-endian, lengths and counts as u32 before what they count.
final class Encoder {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  static byte[] encode(Consumer<Encoder> values) {
    Encoder encoder = new Encoder();
    values.accept(encoder);
    return encoder.out.toByteArray();
  }

  Encoder u8(int value) {
    RecordException.require(value >>> 8 == 0, value + " is not in a byte");
    out.write(value);
    return this;
  }

  Encoder u16(int value) {
    RecordException.require(value >>> 16 == 0, value + " is not in two bytes");
    out.write(value >>> 8);
    out.write(value);
    return this;
  }

  Encoder flag(boolean value) {
    return u8(value ? 1 : 0);
  }

  Encoder u32(long value) {
    RecordException.require(value >>> 32 == 0, value + " is not in four bytes");
    return i32((int) value);
  }

  /// Two's complement.
  Encoder i32(int value) {
    return u16(value >>> 16).u16(value & 0xffff);
  }

  /// The IEEE 754 bits.
  Encoder f32(float value) {
    RecordException.require(Float.isFinite(value), value + " is not finite");
    return i32(Float.floatToRawIntBits(value));
  }

  /// A count, an index or a time: below 2^63.
  Encoder u63(long value) {
    RecordException.require(value >= 0, value + " is negative");
    return u64(value);
  }

  /// Any 64 bits.
  Encoder u64(long value) {
    return i32((int) (value >>> 32)).i32((int) value);
  }

  Encoder hash(Hash value) {
    return raw(value.bytes());
  }

  /// 0, or 1 and the value.
  Encoder optional(@Nullable Hash value) {
    return value == null ? flag(false) : flag(true).hash(value);
  }

  Encoder raw(byte[] value) {
    out.writeBytes(value);
    return this;
  }

  Encoder bytes(byte[] value) {
    return u32(value.length).raw(value);
  }

  Encoder text(String value) {
    return bytes(utf8(value));
  }

  /// By its place in the enumeration from 1.
  Encoder choice(Enum<?> value) {
    return u8(value.ordinal() + 1);
  }

  <T> Encoder list(List<T> values, BiConsumer<Encoder, T> element) {
    u32(values.size());
    values.forEach(value -> element.accept(this, value));
    return this;
  }

  static byte[] utf8(String value) {
    try {
      ByteBuffer bytes = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(value));
      byte[] all = new byte[bytes.remaining()];
      bytes.get(all);
      return all;
    } catch (CharacterCodingException e) {
      throw new RecordException("a text is not Unicode", e);
    }
  }
}
