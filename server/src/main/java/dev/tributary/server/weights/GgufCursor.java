package dev.tributary.server.weights;

import dev.tributary.server.tensor.Bytes;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/// Reads GGUF's values one after another, each checked against the end of the file.
final class GgufCursor {
  /// Arrays in arrays: real files have none.
  private static final int MAX_NESTING = 2;

  private static final int MAX_STRING = 64 << 20;
  private static final int UINT8 = 0;
  private static final int INT8 = 1;
  private static final int UINT16 = 2;
  private static final int INT16 = 3;
  private static final int UINT32 = 4;
  private static final int INT32 = 5;
  private static final int FLOAT32 = 6;
  private static final int BOOL = 7;
  private static final int STRING = 8;
  private static final int ARRAY = 9;
  private static final int UINT64 = 10;
  private static final int INT64 = 11;
  private static final int FLOAT64 = 12;

  private static final List<String> TYPE_NAMES =
      List.of(
          "F32", "F16", "Q4_0", "Q4_1", "4", "5", "Q5_0", "Q5_1", "Q8_0", "Q8_1", "Q2_K", "Q3_K",
          "Q4_K", "Q5_K", "Q6_K", "Q8_K", "IQ2_XXS", "IQ2_XS", "IQ3_XXS", "IQ1_S", "IQ4_NL",
          "IQ3_S", "IQ2_S", "IQ4_XS", "I8", "I16", "I32", "I64", "F64", "IQ1_M", "BF16", "31", "32",
          "33", "TQ1_0", "TQ2_0", "36", "37", "38", "MXFP4");

  private final String file;
  private final Bytes bytes;
  private long offset;

  GgufCursor(String file, Bytes bytes) {
    this.file = file;
    this.bytes = bytes;
  }

  /// ggml's name of a tensor type.
  static String typeName(int id) {
    return id >= 0 && id < TYPE_NAMES.size() ? TYPE_NAMES.get(id) : Integer.toUnsignedString(id);
  }

  long offset() {
    return offset;
  }

  long size() {
    return bytes.size();
  }

  Bytes slice(long from, long size) {
    return bytes.slice(from, size);
  }

  FormatException fault(long at, String problem) {
    return new FormatException(file, at, problem);
  }

  void require(long count, String what) {
    if (count < 0 || count > bytes.size() - offset) {
      throw fault(
          offset,
          "the file ends (at "
              + bytes.size()
              + ") inside "
              + what
              + ", which takes "
              + Long.toUnsignedString(count)
              + " bytes");
    }
  }

  int int32(String what) {
    require(4, what);
    int value = bytes.getInt(offset);
    offset += 4;
    return value;
  }

  long int64(String what) {
    require(8, what);
    long value = bytes.getLong(offset);
    offset += 8;
    return value;
  }

  /// A count of items that take at least `least` bytes each.
  long count(String what, int least) {
    long at = offset;
    long count = int64(what);
    if (count < 0 || count > (bytes.size() - offset) / least) {
      throw fault(
          at, what + " = " + Long.toUnsignedString(count) + " is more than the file can hold");
    }
    return count;
  }

  String string(String what, int longest) {
    long at = offset;
    long length = int64("length of " + what);
    if (length < 0 || length > longest) {
      throw fault(at, what + " of " + Long.toUnsignedString(length) + " bytes is too long");
    }
    require(length, what);
    byte[] text = new byte[(int) length];
    bytes.get(offset, text, 0, text.length);
    offset += length;
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(text)).toString();
    } catch (CharacterCodingException e) {
      throw fault(at + 8, what + " is not UTF-8");
    }
  }

  /// A value of GGUF type `type`.
  Object value(int type, String key, int depth) {
    long at = offset;
    return switch (type) {
      case UINT8 -> (long) (int8(key) & 0xff);
      case INT8 -> (long) int8(key);
      case UINT16 -> (long) (int16(key) & 0xffff);
      case INT16 -> (long) int16(key);
      case UINT32 -> Integer.toUnsignedLong(int32(key));
      case INT32 -> (long) int32(key);
      case INT64 -> int64(key);
      case UINT64 -> {
        long value = int64(key);
        if (value < 0) {
          throw fault(at, key + " = " + Long.toUnsignedString(value) + " is too large");
        }
        yield value;
      }
      case FLOAT32 -> (double) Float.intBitsToFloat(int32(key));
      case FLOAT64 -> Double.longBitsToDouble(int64(key));
      case BOOL -> {
        byte value = int8(key);
        if (value != 0 && value != 1) {
          throw fault(at, key + " = " + value + " is neither true (1) nor false (0)");
        }
        yield value == 1;
      }
      case STRING -> string(key, MAX_STRING);
      case ARRAY -> array(key, depth);
      default -> throw fault(at, key + " has the unknown type " + Integer.toUnsignedString(type));
    };
  }

  private List<Object> array(String key, int depth) {
    long at = offset;
    if (depth == MAX_NESTING) {
      throw fault(at, key + " is nested too deeply");
    }
    int type = int32("element type of " + key);
    long count = count("length of " + key, leastBytes(type));
    List<Object> values = new ArrayList<>((int) Math.min(count, 1 << 20));
    for (long i = 0; i < count; i++) {
      values.add(value(type, key, depth + 1));
    }
    return Collections.unmodifiableList(values);
  }

  private static int leastBytes(int type) {
    return switch (type) {
      case UINT16, INT16 -> 2;
      case UINT32, INT32, FLOAT32 -> 4;
      case UINT64, INT64, FLOAT64, STRING -> 8;
      case ARRAY -> 12;
      default -> 1;
    };
  }

  private byte int8(String what) {
    require(1, what);
    return bytes.get(offset++);
  }

  private short int16(String what) {
    require(2, what);
    short value = bytes.getShort(offset);
    offset += 2;
    return value;
  }
}
