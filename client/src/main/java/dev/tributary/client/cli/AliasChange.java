package dev.tributary.client.cli;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import com.google.protobuf.util.JsonFormat;
import dev.tributary.client.Rollout;
import dev.tributary.v1.Alias;

/// Shows what an alias led to before and leads to now.
final class AliasChange {
  private AliasChange() {}

  static void print(Tributary tributary, Rollout.Change change) {
    if (tributary.json()) {
      tributary.printJson(
          Struct.newBuilder()
              .putFields("adapter", Value.newBuilder().setStringValue(change.adapter()).build())
              .putFields("before", json(change.before()))
              .putFields("after", json(change.after()))
              .build());
      return;
    }
    String name = Texts.name(change.adapter()) + "@" + change.after().getName();
    tributary
        .terminal()
        .facts(
            new Table()
                .row(name, "before", Texts.targets(change.before()))
                .row("", "now", Texts.targets(change.after())));
  }

  private static Value json(Alias alias) {
    Struct.Builder fields = Struct.newBuilder();
    try {
      JsonFormat.parser().merge(JsonFormat.printer().print(alias), fields);
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("a message whose JSON is not JSON", e);
    }
    return Value.newBuilder().setStructValue(fields).build();
  }
}
