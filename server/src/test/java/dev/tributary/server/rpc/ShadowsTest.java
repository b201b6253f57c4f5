package dev.tributary.server.rpc;

import static dev.tributary.server.rpc.RpcFixture.until;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tributary.v1.AdapterSelector;
import dev.tributary.v1.Alias;
import dev.tributary.v1.GenerateResponse;
import dev.tributary.v1.ListVersionsRequest;
import dev.tributary.v1.SetAliasRequest;
import dev.tributary.v1.VersionFigures;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class ShadowsTest {
  private static final int ALL = 1_000_000;

  @TempDir Path folder;

  @SuppressWarnings("NullAway.Init")
  private RpcFixture fixture;

  /// Two versions: asked `#`, the first says `b`, the second `c`.
  @BeforeEach
  void start() {
    TinyAdapters adapters = new TinyAdapters(folder.resolve("written"));
    fixture =
        new RpcFixture(
            adapters, adapters.open(folder.resolve("data"), 1 << 20), RpcFixture.Options.PLAIN);
    fixture.server.serve();
    for (int seed = 1; seed <= 2; seed++) {
      assertThat(fixture.uploader("acme").upload("town", adapters.files(seed)).getNumber())
          .isEqualTo(seed);
    }
  }

  @AfterEach
  void stop() {
    fixture.close();
  }

  private void shadow(int share) {
    Alias.Builder prod =
        Alias.newBuilder()
            .setName("prod")
            .addTargets(Alias.Target.newBuilder().setNumber(1).setWeight(1))
            .setShadow(Alias.Shadow.newBuilder().setNumber(2).setSharePpm(share));
    var unused =
        fixture
            .adapterService("acme")
            .setAlias(SetAliasRequest.newBuilder().setAdapter("town").setAlias(prod).build());
  }

  private GenerateResponse ask(AdapterSelector.Builder adapter) {
    return fixture
        .inference("acme")
        .generateOnce(RpcFixture.say("#").addAdapters(adapter.setName("town")).build());
  }

  private VersionFigures figures(int number) {
    return fixture
        .adapterService("acme")
        .listVersions(ListVersionsRequest.newBuilder().setAdapter("town").build())
        .getVersionsList()
        .stream()
        .filter(version -> version.getNumber() == number)
        .findFirst()
        .orElseThrow()
        .getFigures();
  }

  @Test
  void anAnswer_isScoredUnderTheShadowOfItsAlias() {
    shadow(ALL);

    assertThat(ask(AdapterSelector.newBuilder()).getText()).isEqualTo("b");

    until(() -> figures(2).getShadowAnswers() == 1);
    // Of two tokens the shadow finds one 20 nats less likely, the end as likely.
    assertThat(figures(2).getShadowLogProbGap()).isCloseTo(-10, within(0.01));
    assertThat(figures(2).getAnswers()).isZero();
    assertThat(figures(1).getAnswers()).isEqualTo(1);
    assertThat(figures(1).getShadowAnswers()).isZero();
    assertThat(figures(1).getMeanCompletionTokens()).isEqualTo(2);
    assertThat(figures(1).hasFirstTokenP50()).isTrue();
    until(() -> fixture.store.store().stats().leases() == 0);
  }

  @Test
  void anAnswer_ofAnotherName_orOutsideTheShare_isNot() {
    shadow(1);
    for (int i = 0; i < 20; i++) {
      ask(AdapterSelector.newBuilder());
    }
    shadow(ALL);
    ask(AdapterSelector.newBuilder().setNumber(1));
    ask(AdapterSelector.newBuilder().setNumber(2));
    assertThat(figures(2).getShadowAnswers()).isZero();
    // One after another: what came before would have been scored by now.
    ask(AdapterSelector.newBuilder());
    until(() -> figures(2).getShadowAnswers() > 0);
    assertThat(figures(2).getShadowAnswers()).isEqualTo(1);
  }
}
