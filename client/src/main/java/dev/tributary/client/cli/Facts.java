package dev.tributary.client.cli;

import com.google.protobuf.ListValue;
import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/// Named values in their order, for people and for machines.
final class Facts {
  private final Map<String, Value> values = new LinkedHashMap<>();

  Facts put(String name, String text) {
    values.put(name, Heads.text(text));
    return this;
  }

  Facts put(String name, long number) {
    values.put(name, Heads.number(number));
    return this;
  }

  Facts tokens(String name, List<Integer> ids) {
    ListValue.Builder list = ListValue.newBuilder();
    ids.forEach(id -> list.addValues(Value.newBuilder().setNumberValue(id)));
    values.put(name, Value.newBuilder().setListValue(list).build());
    return this;
  }

  Facts texts(String name, List<String> texts) {
    ListValue.Builder list = ListValue.newBuilder();
    texts.forEach(text -> list.addValues(Heads.text(text)));
    values.put(name, Value.newBuilder().setListValue(list).build());
    return this;
  }

  Struct json() {
    return Struct.newBuilder().putAllFields(values).build();
  }

  /// A row for each, `-` for an empty list.
  Table table() {
    Table table = new Table();
    values.forEach((name, value) -> table.row("  " + name, text(value)));
    return table;
  }

  private static String text(Value value) {
    return switch (value.getKindCase()) {
      case NUMBER_VALUE -> Integer.toString((int) value.getNumberValue());
      case LIST_VALUE ->
          value.getListValue().getValuesCount() == 0
              ? "-"
              : value.getListValue().getValuesList().stream()
                  .map(Facts::text)
                  .collect(Collectors.joining(separator(value.getListValue())));
      default -> value.getStringValue();
    };
  }

  private static String separator(ListValue list) {
    return list.getValues(0).hasNumberValue() ? " " : ", ";
  }
}
