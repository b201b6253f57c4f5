package dev.tributary.server.rpc;

import static dev.tributary.server.rpc.RpcFixture.refused;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.google.rpc.BadRequest;
import dev.tributary.identity.ComputePath;
import dev.tributary.v1.AdapterSelector;
import dev.tributary.v1.ChatMessage;
import dev.tributary.v1.CountTokensRequest;
import dev.tributary.v1.CountTokensResponse;
import dev.tributary.v1.GetModelRequest;
import dev.tributary.v1.Model;
import dev.tributary.v1.ScoreRequest;
import dev.tributary.v1.ScoreResponse;
import dev.tributary.v1.TokenLogprob;
import dev.tributary.v1.Tokens;
import io.grpc.Status;
import java.nio.file.Path;
import java.util.Collections;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Score, CountTokens and GetModel, through a channel.
@Timeout(60)
class ScoreTest {
  private RpcFixture fixture;

  @BeforeEach
  void start(@TempDir Path folder) {
    fixture = RpcFixture.serving(folder);
  }

  @AfterEach
  void stop() {
    fixture.close();
  }

  static ScoreRequest.Builder request(String prompt, String... completions) {
    ScoreRequest.Builder request = ScoreRequest.newBuilder();
    for (String completion : completions) {
      request.addItems(ScoreRequest.Item.newBuilder().setPrompt(prompt).setCompletion(completion));
    }
    return request;
  }

  @Test
  void score_repeatableOrNotTakesTheWidePath() {
    ScoreResponse plain = fixture.inference().score(request("abc\n", "abc").build());

    ScoreRequest repeatable = request("abc\n", "abc").setRepeatable(true).build();
    assertThat(fixture.inference().score(repeatable)).isEqualTo(plain);
    assertThat(fixture.model.paths).containsExactly(ComputePath.WIDE);
  }

  @Test
  void score_everyItem_hasItsOwnScoreInOrder() {
    ScoreResponse response =
        fixture.inference().score(request("abc\n", "abc", "abd").setTopN(2).build());

    assertThat(response.getBaseDigest()).isEqualTo(TinyAdapters.BASE_DIGEST);
    ScoreResponse.Score right = response.getScores(0);
    assertThat(right.getIsGreedy()).isTrue();
    assertThat(right.getPromptTokens()).isEqualTo(4);
    assertThat(right.getSum()).isCloseTo(0, within(1e-3));
    assertThat(right.getTokenLogprobsList())
        .extracting(TokenLogprob::getTokenId)
        .containsExactly((int) 'a', (int) 'b', (int) 'c');
    assertThat(right.getTokenLogprobs(0).getTopCount()).isEqualTo(2);
    ScoreResponse.Score wrong = response.getScores(1);
    assertThat(wrong.getIsGreedy()).isFalse();
    assertThat(wrong.getSum()).isCloseTo(-20, within(1e-3));
    assertThat(wrong.getTokenLogprobs(2).getTop(0).getTokenId()).isEqualTo('c');
  }

  @Test
  void score_underAdapters_isTheirs() {
    ScoreResponse response =
        fixture
            .inference()
            .score(
                request("abc\n", "ABC")
                    .addAdapters(AdapterSelector.newBuilder().setName("loud"))
                    .build());

    assertThat(response.getScores(0).getIsGreedy()).isTrue();
    assertThat(response.getAdapters(0).getName()).isEqualTo("public/loud");
    RpcFixture.until(() -> fixture.store.get(Caller.PUBLIC, "loud").leases() == 0);
  }

  @Test
  void score_badItems_areNamed() {
    assertField(ScoreRequest.newBuilder(), "items");
    assertField(request("a", Collections.nCopies(17, "b").toArray(String[]::new)), "items");
    assertField(request("a", "b").setTopN(21), "top_n");
    assertField(request("a", "b", ""), "items[1].target");
    assertField(
        ScoreRequest.newBuilder().addItems(ScoreRequest.Item.newBuilder().setPrompt("a")),
        "items[0].target");
    assertField(
        ScoreRequest.newBuilder().addItems(ScoreRequest.Item.newBuilder().setCompletion("a")),
        "items[0].input");
    assertField(request("", "a"), "items[0].prompt");
    assertField(request("a".repeat(500), "a".repeat(13)), "items[0]");
    assertField(
        ScoreRequest.newBuilder()
            .addItems(
                ScoreRequest.Item.newBuilder()
                    .setPrompt("a")
                    .setCompletionTokens(Tokens.newBuilder().addIds(1).addIds(258))),
        "items[0].completion_tokens.ids[1]");
  }

  private void assertField(ScoreRequest.Builder request, String field) {
    BadRequest details =
        RpcFixture.detail(
            refused(Status.Code.INVALID_ARGUMENT, () -> fixture.inference().score(request.build())),
            BadRequest.class);
    assertThat(details.getFieldViolations(0).getField()).isEqualTo(field);
  }

  @Test
  void countTokens_countsWithoutRunning() {
    CountTokensResponse plain =
        fixture
            .inference()
            .countTokens(
                CountTokensRequest.newBuilder().setPrompt("né").setIncludeTokenIds(true).build());
    assertThat(plain.getTokenIdsList()).containsExactly((int) 'n', 0xC3, 0xA9);
    assertThat(plain.getPromptTokens()).isEqualTo(3);
    assertThat(plain.getRemainingTokens()).isEqualTo(RpcFixture.CONTEXT - 3);

    CountTokensRequest.Builder chat = CountTokensRequest.newBuilder();
    chat.getChatBuilder().addMessages(ChatMessage.newBuilder().setRole("user").setContent("a"));
    CountTokensResponse counted = fixture.inference().countTokens(chat.build());
    assertThat(counted.getPromptTokens()).isEqualTo("?user\na?\n?assistant\n".length());
    assertThat(counted.getTokenIdsList()).isEmpty();

    CountTokensResponse full =
        fixture
            .inference()
            .countTokens(CountTokensRequest.newBuilder().setPrompt("a".repeat(600)).build());
    assertThat(full.getRemainingTokens()).isZero();
    assertThat(fixture.engine.stats().steps()).isZero();
  }

  @Test
  void getModel_tellsBaseAndLimits() {
    Model model = fixture.inference().getModel(GetModelRequest.getDefaultInstance());

    assertThat(model.getBaseName()).isEqualTo("Echo");
    assertThat(model.getBaseDigest()).isEqualTo(TinyAdapters.BASE_DIGEST);
    assertThat(model.getBaseAliasesList()).containsExactly(TinyAdapters.BASE);
    assertThat(model.getContext()).isEqualTo(RpcFixture.CONTEXT);
    assertThat(model.getVocabulary()).isEqualTo(ByteTokens.SIZE);
    assertThat(model.getStopTokenIdsList()).containsExactly(ByteTokens.END);
    assertThat(model.getChatTemplate()).isTrue();
    assertThat(model.getDevice().getFeaturesList()).containsExactly("avx2");
    assertThat(model.getLimits().getMaxAdaptersPerRequest()).isEqualTo(8);
    assertThat(model.getLimits().getMaxMessageBytes()).isEqualTo(4 << 20);
    assertThat(model.getLimits().getMaxLogprobs()).isEqualTo(20);
    assertThat(model.getSamplingDefaults().getMaxTokens()).isEqualTo(512);
    assertThat(model.getSamplingDefaults().hasSeed()).isFalse();
  }
}
