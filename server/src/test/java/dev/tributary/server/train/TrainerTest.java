package dev.tributary.server.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tributary.identity.AdapterDigest;
import dev.tributary.server.model.TrainingRow;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainerTest {
  @TempDir private Path folder;

  private static final List<Member> MEMBERS =
      List.of(
          Runs.member("one", 1), Runs.member("two", 2), Runs.member("three", 3), longer("four"));

  /// A member that trains on when the others have ended.
  private static Member longer(String name) {
    return new Member(name, Runs.settings(3, 9), Runs.examples(23, 9), List.of());
  }

  @Test
  void train_twice_givesTheSameBits() throws IOException {
    List<String> first = Runs.digests(Runs.trainer(1000), folder.resolve("a"), MEMBERS);
    List<String> second = Runs.digests(Runs.trainer(3), folder.resolve("b"), MEMBERS);
    assertThat(second).isEqualTo(first);
    assertThat(new HashSet<>(first)).hasSize(MEMBERS.size());
  }

  @Test
  void train_anotherSeed_givesOtherBits() throws IOException {
    Member one = Runs.member("one", 1);
    Member other = new Member("one", one.settings().withSeed(77), one.training(), one.heldOut());
    assertThat(Runs.digests(Runs.trainer(99), folder.resolve("a"), List.of(one)))
        .isNotEqualTo(Runs.digests(Runs.trainer(99), folder.resolve("b"), List.of(other)));
  }

  @Test
  void train_inCompany_givesTheBitsOfEachAlone() throws IOException {
    List<String> together = Runs.digests(Runs.trainer(1000), folder.resolve("all"), MEMBERS);
    List<String> alone = new ArrayList<>();
    for (Member member : MEMBERS) {
      alone.addAll(Runs.digests(Runs.trainer(1000), folder.resolve("alone"), List.of(member)));
    }
    assertThat(together).isEqualTo(alone);
  }

  @Test
  void train_packsMembersIntoSharedPasses_eachOnceAtMost() throws IOException {
    ToyGradients gradients = new ToyGradients(64);
    new Trainer(Runs.place(gradients, 1000, new LocalDisk()))
        .train(folder, MEMBERS, Runs.DEAF, Runs.NEVER);
    boolean shared = false;
    for (List<TrainingRow> pass : gradients.passes) {
      Set<Object> adapters = new HashSet<>();
      TrainingRow before = null;
      for (TrainingRow row : pass) {
        if (before == null || before.adapter() != row.adapter()) {
          assertThat(adapters.add(row.adapter())).isTrue();
        }
        before = row;
      }
      shared |= adapters.size() > 1;
      for (Object adapter : adapters) {
        int tokens =
            pass.stream()
                .filter(row -> row.adapter() == adapter)
                .mapToInt(row -> row.tokens().length)
                .sum();
        assertThat(tokens).isLessThanOrEqualTo(Runs.CAPACITY.microTokens());
      }
    }
    assertThat(shared).isTrue();
  }

  @Test
  void train_cancelledAnywhere_goesOnToTheSameBits() throws IOException {
    List<String> whole = Runs.digests(Runs.trainer(1000), folder.resolve("whole"), MEMBERS);
    Random random = new Random(5);
    for (int round = 0; round < 8; round++) {
      Path own = folder.resolve("round" + round);
      int stop = random.nextInt(0, 16);
      int[] asked = {0};
      List<Outcome> left =
          Runs.trainer(1000).train(own, MEMBERS, Runs.DEAF, () -> asked[0]++ == stop);
      assertThat(left).anyMatch(outcome -> outcome instanceof Outcome.Cancelled);
      assertThat(Runs.digests(Runs.trainer(1000), own, MEMBERS)).isEqualTo(whole);
    }
  }

  @Test
  void train_again_leavesWhatHasFinished() throws IOException {
    List<String> first = Runs.digests(Runs.trainer(5), folder, MEMBERS);
    ToyGradients gradients = new ToyGradients(64);
    Trainer again = new Trainer(Runs.place(gradients, 5, new LocalDisk()));
    assertThat(Runs.digests(again, folder, MEMBERS)).isEqualTo(first);
    assertThat(gradients.passes).isEmpty();
  }

  @Test
  void train_report_saysWhatWasMeasured() throws IOException {
    Member member = Runs.member("one", 1);
    List<Progress> heard = new ArrayList<>();
    Outcome.Trained trained =
        (Outcome.Trained)
            Runs.trainer(5).train(folder, List.of(member), heard::add, Runs.NEVER).getFirst();
    TrainingReport report = trained.report();
    assertThat(report.steps()).isEqualTo(12);
    assertThat(report.curve()).hasSize(12);
    assertThat(report.evaluations()).hasSize(3);
    assertThat(report.contributors()).containsEntry("a", 7).containsEntry("b", 7);
    long tokens = member.training().stream().mapToLong(each -> each.tokens().length).sum();
    assertThat(report.tokens()).isEqualTo(3 * tokens);
    assertThat(report.heldOutBefore()).isNotNull();
    assertThat(report.heldOutAfter()).isNotNull();
    assertThat(report.generalBefore()).isNotNull();
    assertThat(report.generalAfter()).isNotNull().isNotEqualTo(report.generalBefore());
    assertThat(report.evaluations().getLast().loss())
        .isLessThan(report.evaluations().getFirst().loss());
    assertThat(report.adapterDigest()).isEqualTo(AdapterDigest.of(trained.folder()));
    assertThat(heard).extracting(Progress::step).startsWith(0, 1, 2).endsWith(12);
    assertThat(Files.exists(folder.resolve("one").resolve(Checkpoints.FILE))).isFalse();
  }

  @Test
  void train_heldOutLossThatStopsFalling_endsEarlyWithTheBestValues() throws IOException {
    // Held-out examples of other tokens: pulling towards the training ones leads away from them.
    RunSettings many =
        new RunSettings(
            Runs.settings(2, 4).lora(), new Optimization(0.05, 50, 0, 4, 0, 0, 0, 2), 24, 0, 4);
    Member member = new Member("early", many, Runs.examples(8, 4), Runs.examples(8, 5));
    TrainingReport report =
        ((Outcome.Trained)
                Runs.trainer(7).train(folder, List.of(member), Runs.DEAF, Runs.NEVER).getFirst())
            .report();
    assertThat(report.steps()).isLessThan(100).isEqualTo(report.bestStep() + 4);
    double lowest =
        report.evaluations().stream()
            .mapToDouble(each -> each.heldOut() == null ? Double.NaN : each.heldOut())
            .min()
            .orElseThrow();
    assertThat(report.heldOutAfter())
        .isNotNull()
        .satisfies(loss -> assertThat(loss).isBetween(0.98 * lowest, 1.02 * lowest));
  }

  @Test
  void train_lossThatIsNoNumber_endsThatMemberWithoutAnAdapter() throws IOException {
    ToyGradients gradients = new ToyGradients(64);
    gradients.factor = Double.NaN;
    Outcome outcome =
        new Trainer(Runs.place(gradients, 5, new LocalDisk()))
            .train(folder, List.of(longer("four")), Runs.DEAF, Runs.NEVER)
            .getFirst();
    assertThat(outcome)
        .isInstanceOfSatisfying(
            Outcome.Diverged.class, diverged -> assertThat(diverged.step()).isEqualTo(1));
    assertThat(Files.exists(folder.resolve("four").resolve("result"))).isFalse();
  }

  @Test
  void train_withOtherDataSettingsOrBase_refusesTheCheckpoint() throws IOException {
    Member member = Runs.member("one", 1);
    int[] asked = {0};
    Runs.trainer(1).train(folder, List.of(member), Runs.DEAF, () -> asked[0]++ == 3);
    Member otherData = new Member("one", member.settings(), Runs.examples(14, 2), member.heldOut());
    Member otherSettings =
        new Member("one", Runs.settings(3, 2), member.training(), member.heldOut());
    refused(otherData, Runs.BASE, "data");
    refused(otherSettings, Runs.BASE, "settings");
    TrainingBase base = Runs.BASE;
    refused(member, new TrainingBase("sha256:0", base.name(), base.config(), "toy"), "base");
    refused(member, new TrainingBase(base.digest(), base.name(), base.config(), "new"), "numerics");
    assertThat(Runs.digests(Runs.trainer(1), folder, List.of(member))).hasSize(1);
    refused(otherData, Runs.BASE, "data");
  }

  private void refused(Member member, TrainingBase base, String what) {
    Surroundings place = Runs.place(new ToyGradients(64), 1, new LocalDisk());
    Trainer trainer =
        new Trainer(
            new Surroundings(
                place.gradients(),
                place.device(),
                base,
                place.capacity(),
                place.cadence(),
                place.general(),
                place.nanoTime(),
                place.disk()));
    assertThatThrownBy(() -> trainer.train(folder, List.of(member), Runs.DEAF, Runs.NEVER))
        .isInstanceOfSatisfying(
            RunException.class,
            e ->
                assertThat(e.refusal())
                    .isInstanceOfSatisfying(
                        RunRefusal.OtherRun.class,
                        other -> assertThat(other.what()).isEqualTo(what)));
  }

  @Test
  void train_damagedCheckpoint_isRefusedWhereverItIsDamaged() throws IOException {
    Member member = Runs.member("one", 1);
    int[] asked = {0};
    Runs.trainer(1).train(folder, List.of(member), Runs.DEAF, () -> asked[0]++ == 3);
    Path file = folder.resolve("one").resolve(Checkpoints.FILE);
    byte[] whole = Files.readAllBytes(file);
    Random random = new Random(3);
    for (int round = 0; round < 60; round++) {
      byte[] damaged = whole.clone();
      if (round % 3 == 0) {
        damaged = Arrays.copyOf(whole, random.nextInt(whole.length));
      } else {
        damaged[random.nextInt(whole.length)] ^= (byte) (1 << random.nextInt(8));
      }
      Files.write(file, damaged);
      assertThatThrownBy(
              () -> Runs.trainer(1).train(folder, List.of(member), Runs.DEAF, Runs.NEVER))
          .isInstanceOf(RunException.class);
    }
    Files.write(file, Arrays.copyOf(whole, whole.length + 1));
    assertThatThrownBy(() -> Runs.trainer(1).train(folder, List.of(member), Runs.DEAF, Runs.NEVER))
        .isInstanceOf(RunException.class);
  }

  @Test
  void train_exampleLongerThanAPass_isRefusedByName() {
    Example example = new Example(1, "a", Runs.examples(1, 1).getFirst().digest(), new int[25], 1);
    Member member = new Member("one", Runs.settings(2, 1), List.of(example), List.of());
    assertThatThrownBy(() -> Runs.trainer(1).train(folder, List.of(member), Runs.DEAF, Runs.NEVER))
        .isInstanceOfSatisfying(
            InvalidSettingException.class,
            e -> assertThat(e.field()).isEqualTo("max_example_tokens"));
  }

  @Test
  void train_deviceThatFails_saysWhy() {
    Surroundings place = Runs.place(new ToyGradients(64), 1, new LocalDisk());
    Device broken =
        pieces -> CompletableFuture.failedFuture(new IllegalStateException("no device"));
    Trainer trainer =
        new Trainer(
            new Surroundings(
                place.gradients(),
                broken,
                place.base(),
                place.capacity(),
                place.cadence(),
                place.general(),
                place.nanoTime(),
                place.disk()));
    assertThatThrownBy(
            () -> trainer.train(folder, List.of(Runs.member("one", 1)), Runs.DEAF, Runs.NEVER))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("no device");
  }
}
