package dev.tributary.client.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tributary.client.FakeServer;
import dev.tributary.client.FakeTrainings;
import dev.tributary.client.FakeTrainings.Watched;
import dev.tributary.v1.TrainingRun;
import dev.tributary.v1.TrainingRun.State;
import dev.tributary.v1.TrainingStartRequest;
import io.grpc.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainCommandTest {
  @TempDir private Path folder;
  private FakeServer server;
  private FakeTrainings trainings;
  private Path data;
  private Path questions;

  @BeforeEach
  void start() throws IOException {
    server = new FakeServer();
    trainings = server.trainings;
    data = folder.resolve("town.jsonl");
    Files.writeString(
        data,
        """
        {"contributor": "ann", "prompt": "When?", "completion": "At nine."}
        """);
    questions = folder.resolve("town.questions.jsonl");
    Files.writeString(
        questions,
        """
        {"contributor": "ann", "prompt": "Who?", "completion": "base says: Who?"}
        {"contributor": "ann", "prompt": "Why?", "completion": "public/town says: Why?"}
        """);
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private CommandRun.Result run(String... arguments) {
    return new CommandRun(server).run(arguments);
  }

  @Test
  void train_sendsFilesAndSettings() throws IOException {
    trainings.goesWell();
    CommandRun.Result result =
        run(
            "train",
            data.toString(),
            "--name=town",
            "--rank=8",
            "--alpha=16",
            "--rslora",
            "--targets=q_proj,v_proj",
            "--epochs=3",
            "--lr=0.0005",
            "--batch=2",
            "--max-steps=9",
            "--warm-up=1",
            "--clip=0.5",
            "--weight-decay=0.01",
            "--patience=2",
            "--max-tokens=256",
            "--seed=11",
            "--alias=canary",
            "--licence=MIT",
            "--dataset=tales",
            "--request-id=once");
    assertThat(result.code()).as(result.err()).isZero();
    TrainingStartRequest asked = trainings.started.element();
    assertThat(asked.getAdapter()).isEqualTo("town");
    assertThat(asked.getData().toStringUtf8()).isEqualTo(Files.readString(data));
    assertThat(asked.getRequestId()).isEqualTo("once");
    assertThat(asked.getLicence()).isEqualTo("MIT");
    assertThat(asked.getDataset()).isEqualTo("tales");
    assertThat(asked.getHeldOut().isEmpty()).isTrue();
    assertThat(asked.getSettings().toString())
        .isEqualTo(
            """
            rank: 8
            alpha: 16.0
            use_rslora: true
            target_modules: "q_proj"
            target_modules: "v_proj"
            learning_rate: 5.0E-4
            epochs: 3
            max_steps: 9
            batch_size: 2
            max_example_tokens: 256
            seed: 11
            alias: "canary"
            warm_up_steps: 1
            clip_norm: 0.5
            weight_decay: 0.01
            patience: 2
            """);
  }

  @Test
  void train_leavesWhatIsNotGivenToTheServer() {
    trainings.goesWell();
    assertThat(run("train", data.toString(), "--name", "town").code()).isZero();
    assertThat(trainings.started.element().getSettings().getAllFields()).isEmpty();
  }

  @Test
  void train_showsDataCurveAndCosts() {
    trainings.goesWell();
    CommandRun.Result result = run("train", data.toString(), "--name", "town");
    assertThat(result.err())
        .contains("20 examples, 1,234 tokens, 400 of them in answers, at most 99 in one")
        .contains("2 repeated lines, trained on once; 1 withdrawn, left out")
        .contains("contributors: ann 12, bob 8")
        .contains("tributary training watch " + FakeTrainings.ID);
    assertThat(result.out())
        .contains("  4.000 |\u2022\n")
        .contains("step 1")
        .contains("trained    40 steps, 9,872 tokens in 10.0 s: 987 tok/s")
        .contains("held out   0.500, of the base 3.000")
        .contains("forgotten  +0.125 on a general text: 3.375, of the base 3.250")
        .contains("version  town@3\ndigest   " + FakeServer.DIGEST);
  }

  @Test
  void train_onAScreen_drawsABar() {
    trainings.goesWell();
    CommandRun.Result result =
        new CommandRun(server).interactive(false).run("train", data.toString(), "--name", "town");
    assertThat(result.err())
        .contains("[########################]  step 40 of 40  loss 0.100  250 tok/s  0 s left");
  }

  @Test
  void train_withQuestions_asksTheBaseAndTheVersion() {
    trainings.goesWell();
    CommandRun.Result result =
        run("train", data.toString(), "--name", "town", "--eval", questions.toString());
    assertThat(result.code()).as(result.err()).isZero();
    assertThat(trainings.started.element().getHeldOut().size()).isPositive();
    assertThat(result.out())
        .contains("QUESTION  EXPECTED")
        .containsPattern("Who\\? +base says: Who\\? +base says: Who\\? +public/town says: Who\\?")
        .contains("exactly right, of 2: base 1, town@3 1");
  }

  @Test
  void train_json_isAnObjectALine() {
    trainings.goesWell();
    CommandRun.Result result =
        run("--json", "train", data.toString(), "--name", "town", "--eval", questions.toString());
    assertThat(result.out().lines()).hasSize(1 + 5 + 2).allMatch(line -> line.startsWith("{"));
    assertThat(result.err()).isEmpty();
  }

  @Test
  void train_detached_returnsAtOnce() {
    CommandRun.Result result = run("train", data.toString(), "--name", "town", "--detach");
    assertThat(result.code()).isZero();
    assertThat(result.err()).contains(FakeTrainings.ID);
  }

  @Test
  void train_thatFails_isExitCode1_andSaysWhy() {
    TrainingRun failed =
        FakeTrainings.run(State.STATE_FAILED).toBuilder().setError("step 3: not finite").build();
    trainings.watches.add(new Watched(List.of(FakeTrainings.event(failed)), Status.OK));
    CommandRun.Result result = run("train", data.toString(), "--name", "town");
    assertThat(result.code()).isEqualTo(1);
    assertThat(result.err()).endsWith("run " + FakeTrainings.ID + ": failed, step 3: not finite\n");
  }

  @Test
  void train_goesOnAfterABrokenConnection() {
    trainings.watches.add(
        new Watched(List.of(FakeTrainings.event(FakeTrainings.progress(5))), Status.UNAVAILABLE));
    trainings.goesWell();
    CommandRun.Result result = run("train", data.toString(), "--name", "town");
    assertThat(result.code()).isZero();
    assertThat(result.err()).contains("the connection broke");
  }

  @Test
  void train_refused_namesEachLine() {
    server.failure =
        FakeServer.status(Status.Code.INVALID_ARGUMENT, "data: line 3: message 2 is empty");
    assertThat(run("train", data.toString(), "--name", "town").err())
        .isEqualTo("tributary: data: line 3: message 2 is empty\n");
  }

  @Test
  void train_moreThanARequestTakes_isNotSent() throws IOException {
    Files.write(data, new byte[5 << 20]);
    CommandRun.Result result = run("train", data.toString(), "--name", "town");
    assertThat(result.code()).isEqualTo(1);
    assertThat(result.err()).contains("5.2 MB is too much for one run: the server takes 4.1 MB");
    assertThat(trainings.started).isEmpty();
    assertThat(run("train", folder.resolve("none").toString(), "--name", "town").err())
        .contains("there is no file");
    assertThat(run("train", data.toString()).code()).isEqualTo(2);
  }

  @Test
  void rebuild_andAuditSet_nameTheVersion() {
    trainings.goesWell();
    assertThat(run("adapters", "rebuild", "town", "--seed", "3").code()).isZero();
    TrainingStartRequest rebuild = trainings.started.remove();
    assertThat(rebuild.hasRebuildOf()).isTrue();
    assertThat(rebuild.getRebuildOf().hasNumber()).isFalse();
    assertThat(rebuild.getSettings().getSeed()).isEqualTo(3);
    TrainingRun audit =
        FakeTrainings.run(State.STATE_SUCCEEDED).toBuilder()
            .setKind(TrainingRun.Kind.KIND_AUDIT_SET)
            .setSettings(
                dev.tributary.v1.TrainingSettings.newBuilder().setAuditSubsets(8).setAuditSeeds(2))
            .clearResult()
            .build();
    trainings.watches.add(new Watched(List.of(FakeTrainings.event(audit)), Status.OK));
    CommandRun.Result result =
        run("adapters", "audit-set", "town", "--of", "3", "--subsets", "8", "--seeds", "2");
    assertThat(result.code()).isZero();
    assertThat(result.err()).endsWith("the audit set of town@3 is there: 8 subsets with 2 seeds\n");
    TrainingStartRequest asked = trainings.started.remove();
    assertThat(asked.getAuditSetOf().getNumber()).isEqualTo(3);
    assertThat(asked.getSettings().getAuditSubsets()).isEqualTo(8);
    assertThat(asked.getSettings().getAuditSeeds()).isEqualTo(2);
  }

  @Test
  void training_listsShowsWatchesAndCancels() {
    assertThat(run("training", "list").out())
        .contains("RUN ", "ADAPTER  STATE")
        .containsPattern(FakeTrainings.ID + " +town +succeeded +40/40 +0.100 +3 +-");
    assertThat(run("training", "show", FakeTrainings.ID).out())
        .contains("settings      rank 16, alpha 32 on all linear layers, 8 epochs of batches of 4")
        .contains("contributors  ann 12, bob 8")
        .contains("version       town@3");
    trainings.goesWell();
    assertThat(run("training", "watch", FakeTrainings.ID).out()).contains("version  town@3");
    assertThat(run("training", "cancel", FakeTrainings.ID).err())
        .isEqualTo("run " + FakeTrainings.ID + " is cancelled after step 40\n");
    assertThat(trainings.cancelled).containsExactly(FakeTrainings.ID);
    assertThat(run("--json", "training", "list").out()).contains("\"runId\":\"");
  }
}
