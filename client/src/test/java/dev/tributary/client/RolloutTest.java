package dev.tributary.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.tributary.v1.Adapter;
import dev.tributary.v1.AdapterVersion;
import dev.tributary.v1.Alias;
import dev.tributary.v1.Alias.Target;
import io.grpc.Status;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class RolloutTest {
  private static final String LABEL = "tributary.dev/previous-prod";
  private static final int ALL = Rollout.WHOLE;

  private FakeServer server;
  private TributaryClient client;
  private Rollout rollout;

  @BeforeEach
  void start() throws IOException {
    server = new FakeServer();
    client = server.client(ClientOptions.defaults());
    rollout = new Rollout(client);
    put("3=100");
  }

  @AfterEach
  void stop() {
    client.close();
    server.close();
  }

  /// An adapter `guide` with nine versions whose alias `prod` leads to these.
  private void put(String targets) {
    Adapter.Builder adapter = Adapter.newBuilder().setName("public/guide");
    adapter.putLabels("team", "maps");
    if (!targets.isEmpty()) {
      adapter.addAliases(alias(targets));
    }
    server.adapters.put(
        adapter.build(),
        IntStream.rangeClosed(1, 9)
            .mapToObj(n -> AdapterVersion.newBuilder().setNumber(n).build())
            .toArray(AdapterVersion[]::new));
  }

  private static Alias alias(String targets) {
    Alias.Builder alias = Alias.newBuilder().setName("prod");
    for (String target : targets.split(",", -1)) {
      String[] parts = target.split("=", -1);
      alias.addTargets(
          Target.newBuilder()
              .setNumber(Integer.parseInt(parts[0]))
              .setWeight(Integer.parseInt(parts[1])));
    }
    return alias.build();
  }

  private static String text(Alias alias) {
    return alias.getTargetsList().stream()
        .map(target -> target.getNumber() + "=" + target.getWeight())
        .collect(Collectors.joining(","));
  }

  private String prod() {
    return text(server.adapters.get("guide").getAliases(0));
  }

  @Test
  void promote_all_replacesAndRecords() {
    Rollout.Change change = rollout.promote("guide", "prod", 4, ALL);
    assertThat(change.adapter()).isEqualTo("public/guide");
    assertThat(text(change.before())).isEqualTo("3=100");
    assertThat(text(change.after())).isEqualTo("4=100");
    assertThat(change.recorded()).isTrue();
    assertThat(prod()).isEqualTo("4=100");
    assertThat(server.adapters.get("guide").getLabelsMap())
        .containsEntry(LABEL, "4:3=100")
        .containsEntry("team", "maps");
  }

  @Test
  void promote_canary_keepsTheOthersProportions() {
    rollout.promote("guide", "prod", 4, 50_000);
    assertThat(prod()).isEqualTo("3=95,4=5");
    rollout.promote("guide", "prod", 5, 500_000);
    assertThat(prod()).isEqualTo("3=475000,4=25000,5=500000");
    rollout.promote("guide", "prod", 5, 5_000);
    assertThat(prod()).isEqualTo("3=945250,4=49750,5=5000");
  }

  @Test
  void promote_inSteps_rollsBackToBeforeTheFirst() {
    rollout.promote("guide", "prod", 4, 50_000);
    rollout.promote("guide", "prod", 4, 500_000);
    rollout.promote("guide", "prod", 4, ALL);
    Rollout.Change change = rollout.rollback("guide", "prod");
    assertThat(text(change.before())).isEqualTo("4=100");
    assertThat(text(change.after())).isEqualTo("3=100");
    assertThat(prod()).isEqualTo("3=100");
    assertThat(server.adapters.get("guide").getLabelsMap()).containsOnlyKeys("team");
  }

  @Test
  void promote_versionThatSomebodyGaveAShare_recordsTheOthers() {
    put("3=95,4=5");
    rollout.promote("guide", "prod", 4, ALL);
    rollout.rollback("guide", "prod");
    assertThat(prod()).isEqualTo("3=95");
  }

  @Test
  void promote_otherVersionsLabel_isReplaced() {
    rollout.promote("guide", "prod", 4, ALL);
    rollout.set("guide", alias("4=90,5=10"));
    rollout.promote("guide", "prod", 5, ALL);
    assertThat(server.adapters.get("guide").getLabelsMap()).containsEntry(LABEL, "5:4=90");
  }

  @Test
  void promote_whatIsSoAlready_changesNothing() {
    Rollout.Change change = rollout.promote("guide", "prod", 3, ALL);
    assertThat(change.before()).isEqualTo(change.after());
    assertThat(server.adapters.aliasesSet).isEmpty();
    assertThat(server.adapters.get("guide").getLabelsMap()).containsOnlyKeys("team");
  }

  @Test
  void promote_newAlias_makesIt() {
    put("");
    Rollout.Change change = rollout.promote("guide", "prod", 2, ALL);
    assertThat(change.before().getTargetsCount()).isZero();
    assertThat(change.recorded()).isFalse();
    assertThat(prod()).isEqualTo("2=100");
    assertThatThrownBy(() -> rollout.rollback("guide", "prod"))
        .isInstanceOf(UnmetException.class)
        .hasMessageContaining("nothing records");
  }

  @Test
  void promote_canaryOfTheOnlyVersion_isRefused() {
    assertThatThrownBy(() -> rollout.promote("guide", "prod", 3, 50_000))
        .isInstanceOf(UnmetException.class)
        .hasMessageContaining("no other version");
    assertThatThrownBy(() -> rollout.promote("guide", "prod", 4, 0))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(prod()).isEqualTo("3=100");
  }

  @Test
  void promote_whatDoesNotFitIntoALabel_isNotRecorded() {
    rollout.promote("guide", "prod", 9, ALL);
    rollout.set("guide", alias("1=100001,2=100002,3=100003,4=100004,5=100005,6=100006,7=100007"));
    Rollout.Change change = rollout.promote("guide", "prod", 8, ALL);
    assertThat(change.recorded()).isFalse();
    assertThat(server.adapters.get("guide").getLabelsMap()).containsOnlyKeys("team");
  }

  @Test
  void promote_shadow_staysUnlessItWouldScoreItself() {
    Alias.Shadow shadow = Alias.Shadow.newBuilder().setNumber(4).setSharePpm(1_000).build();
    rollout.set("guide", alias("3=100").toBuilder().setShadow(shadow).build());
    assertThat(rollout.promote("guide", "prod", 4, 50_000).after().getShadow()).isEqualTo(shadow);
    assertThat(rollout.promote("guide", "prod", 4, ALL).after().hasShadow()).isFalse();
  }

  @Test
  void promote_aborted_isTriedThreeTimesMore() {
    server.adapters.aborts.set(Rollout.MAX_RETRIES);
    assertThat(text(rollout.promote("guide", "prod", 4, ALL).after())).isEqualTo("4=100");
    assertThat(server.adapters.aliasesSet)
        .hasSize(1 + Rollout.MAX_RETRIES)
        .allMatch(request -> !request.getAlias().getEtag().isEmpty());
    server.adapters.aliasesSet.clear();
    server.adapters.aborts.set(Rollout.MAX_RETRIES + 1);
    TributaryException failure =
        catchThrowableOfType(
            TributaryException.class, () -> rollout.promote("guide", "prod", 5, ALL));
    assertThat(failure.code()).isEqualTo(Status.Code.ABORTED);
    assertThat(server.adapters.aliasesSet).hasSize(1 + Rollout.MAX_RETRIES);
    assertThat(prod()).isEqualTo("4=100");
  }

  @Test
  void promote_missingVersion_changesNoAnswers() {
    assertThatThrownBy(() -> rollout.promote("guide", "prod", 77, ALL))
        .isInstanceOf(TributaryException.class);
    assertThat(prod()).isEqualTo("3=100");
  }

  @Test
  void rollback_twice_isRefused() {
    rollout.promote("guide", "prod", 4, ALL);
    rollout.rollback("guide", "prod");
    assertThatThrownBy(() -> rollout.rollback("guide", "prod"))
        .isInstanceOf(UnmetException.class)
        .hasMessageContaining("tributary adapters promote guide VERSION");
    assertThat(prod()).isEqualTo("3=100");
  }

  @Test
  void rollback_afterSomebodyElseMovedOn_isRefused() {
    rollout.promote("guide", "prod", 4, ALL);
    rollout.set("guide", alias("6=100"));
    assertThatThrownBy(() -> rollout.rollback("guide", "prod"))
        .isInstanceOf(UnmetException.class)
        .hasMessageContaining("no longer leads to version 4");
    assertThat(prod()).isEqualTo("6=100");
  }

  @Test
  void rollback_withALabelThatSomebodyElseWrote_isRefused() {
    for (String label : List.of("", "4", "4:", "4:x=1", "0:3=1", "4:3=1,", "4:3=-1", "4:3=1;5=1")) {
      put("4=100");
      Adapter adapter = server.adapters.get("guide");
      server.adapters.put(adapter.toBuilder().putLabels(LABEL, label).build());
      assertThatThrownBy(() -> rollout.rollback("guide", "prod"))
          .as(label)
          .isInstanceOf(UnmetException.class);
    }
  }

  @Test
  void rollback_aborted_isTriedAgain() {
    rollout.promote("guide", "prod", 4, ALL);
    server.adapters.aborts.set(2);
    assertThat(text(rollout.rollback("guide", "prod").after())).isEqualTo("3=100");
  }

  @Test
  void set_noTargets_removesTheAliasOnce() {
    Alias none = Alias.newBuilder().setName("prod").build();
    assertThat(rollout.set("guide", none).after().getTargetsCount()).isZero();
    assertThat(server.adapters.get("guide").getAliasesCount()).isZero();
    assertThatThrownBy(() -> rollout.set("guide", none)).isInstanceOf(UnmetException.class);
  }

  /// Any rollout in steps ends where it started, and shares add up on the way.
  @Test
  void rollback_afterAnySteps_isTheStart() {
    Random random = new Random(5);
    for (int round = 0; round < 200; round++) {
      int versions = 1 + random.nextInt(3);
      List<String> targets = new ArrayList<>();
      for (int n = 1; n <= versions; n++) {
        targets.add(n + "=" + (1 + random.nextInt(99)));
      }
      String start = String.join(",", targets);
      put(start);
      int steps = 1 + random.nextInt(4);
      for (int step = 0; step < steps; step++) {
        int share = random.nextBoolean() ? 1 + random.nextInt(ALL - 1) : 10_000 * (1 + step);
        List<Target> now = rollout.promote("guide", "prod", 7, share).after().getTargetsList();
        long total = now.stream().mapToLong(Target::getWeight).sum();
        Target promoted = now.getLast();
        assertThat(promoted.getNumber()).isEqualTo(7);
        assertThat((double) promoted.getWeight() / total)
            .isCloseTo((double) share / ALL, org.assertj.core.data.Offset.offset(1e-5));
      }
      rollout.rollback("guide", "prod");
      assertThat(prod()).isEqualTo(start);
    }
  }
}
