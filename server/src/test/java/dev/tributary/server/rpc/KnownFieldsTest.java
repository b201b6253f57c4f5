package dev.tributary.server.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ListValue;
import com.google.protobuf.UnknownFieldSet;
import com.google.protobuf.Value;
import dev.tributary.v1.ChatMessage;
import dev.tributary.v1.GenerateRequest;
import java.util.List;
import org.junit.jupiter.api.Test;

class KnownFieldsTest {
  private static UnknownFieldSet unknown(int... numbers) {
    UnknownFieldSet.Builder unknown = UnknownFieldSet.newBuilder();
    for (int number : numbers) {
      unknown.addField(number, UnknownFieldSet.Field.newBuilder().addFixed32(1).build());
    }
    return unknown.build();
  }

  private static List<String> fields(GenerateRequest.Builder request) {
    return KnownFields.violations(request.build()).stream().map(Statuses.Violation::field).toList();
  }

  @Test
  void violations_ofAKnownRequest_areNone() {
    GenerateRequest.Builder request = GenerateRequest.newBuilder().setPriorityValue(3);
    request.getSamplingBuilder().putLogitBias(1, 2).addStop("a");
    assertThat(fields(request)).isEmpty();
  }

  @Test
  void violations_inMapsListsAndEnums_areToldByPath() {
    GenerateRequest.Builder request =
        GenerateRequest.newBuilder().setUnknownFields(unknown(900, 77)).setPriorityValue(42);
    Value inner = Value.newBuilder().setUnknownFields(unknown(9)).build();
    request
        .getChatBuilder()
        .addMessages(ChatMessage.getDefaultInstance())
        .addMessages(ChatMessage.newBuilder().setUnknownFields(unknown(5)))
        .getTemplateVarsBuilder()
        .putFields(
            "a", Value.newBuilder().setListValue(ListValue.newBuilder().addValues(inner)).build());

    assertThat(fields(request))
        .containsExactly(
            "77",
            "900",
            "chat.messages[1].5",
            "chat.template_vars.fields[a].value.list_value.values[0].9",
            "priority");
  }

  @Test
  void violations_ofAFloodOfFields_areBounded() {
    GenerateRequest.Builder request = GenerateRequest.newBuilder();
    for (int i = 0; i < 100_000; i++) {
      request.getChatBuilder().addMessages(ChatMessage.newBuilder().setUnknownFields(unknown(5)));
    }
    assertThat(fields(request)).hasSize(16);
  }
}
