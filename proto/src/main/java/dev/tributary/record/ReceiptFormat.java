package dev.tributary.record;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Base64;

/// Writes receipts; the package's text has the form.
final class ReceiptFormat {
  static final String HEADER = "tributary-receipt-v1";
  static final String LEAF = "leaf";
  static final String INDEX = "index";
  static final String HASH = "hash";
  static final String OPENED = "field";
  static final String HIDDEN = "hidden";

  /// Stands for no data, since a space at the end of a line gets lost.
  static final String NONE = "-";

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  private ReceiptFormat() {}

  static byte[] bytes(Receipt receipt) {
    ReceiptFormat format = new ReceiptFormat();
    format.line(HEADER);
    receipt.records().forEach(format::record);
    format.line("");
    format.write(receipt.checkpoint().bytes());
    return format.out.toByteArray();
  }

  private void record(Proven proven) {
    for (Proven.Placed placed : proven.placed()) {
      line(placed.leaf().kind().word());
      line(LEAF, base64(placed.leaf().encode()));
      line(INDEX, Long.toString(placed.place().index()));
      placed.place().proof().forEach(hash -> line(HASH, hash.base64()));
    }
    for (Field field : proven.fields()) {
      switch (field) {
        case SaltedField opened ->
            line(OPENED, opened.tag(), base64(opened.salt()), base64(opened.data()));
        case HiddenField hidden -> line(HIDDEN, hidden.tag(), hidden.commitment().base64());
      }
    }
  }

  private static String base64(byte[] bytes) {
    return bytes.length == 0 ? NONE : Base64.getEncoder().encodeToString(bytes);
  }

  private void line(String... words) {
    write((String.join(" ", words) + "\n").getBytes(StandardCharsets.US_ASCII));
  }

  private void write(byte[] bytes) {
    RecordException.require(
        bytes.length <= Receipt.MAX_BYTES - out.size(), "a receipt has at most 16 MiB");
    out.writeBytes(bytes);
  }
}
