package dev.tributary.client.cli;

import com.google.protobuf.ListValue;
import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import dev.tributary.client.Finding;
import dev.tributary.client.Head;
import dev.tributary.v1.Checkpoint;
import java.util.List;

/// How checkpoints, and what was found under them, are written.
final class Heads {
  private Heads() {}

  /// `log.example/1 1234 entries root sha256:...`.
  static String text(Head head) {
    return "%s  %d entries  root %s"
        .formatted(head.origin(), head.size(), head.checkpoint().root());
  }

  static Checkpoint json(Head head) {
    return Checkpoint.newBuilder()
        .setNote(head.note().toString())
        .setOrigin(head.origin())
        .setSize(head.size())
        .setRootDigest(head.checkpoint().root().text())
        .build();
  }

  /// One object with the checkpoint and what was found.
  static Struct.Builder json(Head head, List<Finding> findings) {
    ListValue.Builder list = ListValue.newBuilder();
    for (Finding finding : findings) {
      Struct.Builder one = Struct.newBuilder().putFields("sentence", text(finding.sentence()));
      finding.leafIndex().ifPresent(leaf -> one.putFields("leafIndex", number(leaf)));
      list.addValues(Value.newBuilder().setStructValue(one));
    }
    return Struct.newBuilder()
        .putFields("origin", text(head.origin()))
        .putFields("size", number(head.size()))
        .putFields("root", text(head.checkpoint().root().text()))
        .putFields("findings", Value.newBuilder().setListValue(list).build());
  }

  static Value text(String text) {
    return Value.newBuilder().setStringValue(text).build();
  }

  /// As protobuf's JSON has 64 bits: a text.
  static Value number(long number) {
    return text(Long.toString(number));
  }
}
