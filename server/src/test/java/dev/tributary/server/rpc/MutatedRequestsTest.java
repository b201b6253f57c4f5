package dev.tributary.server.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Message;
import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import dev.tributary.v1.AdapterSelector;
import dev.tributary.v1.ChatMessage;
import dev.tributary.v1.GenerateRequest;
import dev.tributary.v1.ScoreRequest;
import dev.tributary.v1.Tokens;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Requests with broken bytes are the caller's mistake, never the server's.
@Timeout(120)
class MutatedRequestsTest {
  private static final int ROUNDS = 400;

  /// What a caller's mistake may be called.
  private static final Set<Code> BLAMELESS =
      Set.of(
          Code.OK,
          Code.INVALID_ARGUMENT,
          Code.NOT_FOUND,
          Code.FAILED_PRECONDITION,
          Code.ALREADY_EXISTS,
          Code.UNIMPLEMENTED);

  private static GenerateRequest generate() {
    GenerateRequest.Builder request =
        GenerateRequest.newBuilder()
            .setAffinityKey("key")
            .addAdapters(AdapterSelector.newBuilder().setName("loud").setNumber(1).setScale(1));
    request
        .getSamplingBuilder()
        .setMaxTokens(5)
        .setTemperature(1)
        .setTopK(3)
        .addStop("stop")
        .addStopTokenIds(7)
        .putLogitBias(3, 1);
    request.getOutputBuilder().setLogprobs(1).getFormatBuilder().getTextBuilder();
    request
        .getChatBuilder()
        .addMessages(ChatMessage.newBuilder().setRole("user").setContent("grüße"))
        .setTemplateVars(
            Struct.newBuilder().putFields("a", Value.newBuilder().setNumberValue(1).build()));
    return request.build();
  }

  private static ScoreRequest score() {
    return ScoreRequest.newBuilder()
        .addItems(
            ScoreRequest.Item.newBuilder()
                .setTokens(Tokens.newBuilder().addIds(1).addIds(2))
                .setCompletion("abc"))
        .addItems(ScoreRequest.Item.newBuilder().setPrompt("a").setCompletion("b"))
        .setTopN(1)
        .build();
  }

  @Test
  void unaryMethods_mutatedRequests_blameTheCaller(@TempDir Path folder) {
    try (RpcFixture fixture = RpcFixture.serving(folder)) {
      Map<Code, Integer> seen = new EnumMap<>(Code.class);
      Random random = new Random(3);
      for (int round = 0; round < ROUNDS; round++) {
        Message request = round % 2 == 0 ? generate() : score();
        String method = round % 2 == 0 ? "GenerateOnce" : "Score";
        byte[] bytes = mutate(request.toByteArray(), random);
        seen.merge(call(fixture, method, bytes), 1, Integer::sum);
      }
      assertThat(BLAMELESS).containsAll(seen.keySet());
      assertThat(seen).containsKeys(Code.OK, Code.INVALID_ARGUMENT);
      RpcFixture.until(() -> fixture.server.calls() == 0);
      assertThat(fixture.engine.stats().failedSteps()).isZero();
    }
  }

  private static Code call(RpcFixture fixture, String method, byte[] bytes) {
    try {
      byte[] unused = RawCalls.unary(fixture.channel, "tributary.v1.Inference/" + method, bytes);
      return Code.OK;
    } catch (StatusRuntimeException e) {
      assertThat(BLAMELESS)
          .as(e + " for " + Arrays.toString(bytes))
          .contains(e.getStatus().getCode());
      return e.getStatus().getCode();
    }
  }

  private static byte[] mutate(byte[] bytes, Random random) {
    byte[] mutated = bytes.clone();
    int changes = random.nextInt(4);
    for (int i = 0; i < changes; i++) {
      mutated[random.nextInt(mutated.length)] = (byte) random.nextInt();
    }
    return random.nextInt(8) == 0
        ? Arrays.copyOf(mutated, random.nextInt(mutated.length))
        : mutated;
  }
}
