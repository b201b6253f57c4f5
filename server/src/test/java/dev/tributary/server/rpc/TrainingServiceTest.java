package dev.tributary.server.rpc;

import static dev.tributary.server.rpc.RpcFixture.detail;
import static dev.tributary.server.rpc.RpcFixture.refused;
import static dev.tributary.server.rpc.RpcFixture.until;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.PreconditionFailure;
import com.google.rpc.QuotaFailure;
import dev.tributary.record.ContributionRecord;
import dev.tributary.server.state.Origin;
import dev.tributary.server.state.Quota;
import dev.tributary.server.state.Role;
import dev.tributary.server.state.RunRecord;
import dev.tributary.server.train.Example;
import dev.tributary.server.train.TrainingRuns;
import dev.tributary.v1.AdapterVersion;
import dev.tributary.v1.AdaptersGrpc;
import dev.tributary.v1.GetAdapterRequest;
import dev.tributary.v1.ListVersionsRequest;
import dev.tributary.v1.TrainingCancelRequest;
import dev.tributary.v1.TrainingEvent;
import dev.tributary.v1.TrainingGetRequest;
import dev.tributary.v1.TrainingGrpc;
import dev.tributary.v1.TrainingListRequest;
import dev.tributary.v1.TrainingListResponse;
import dev.tributary.v1.TrainingRun;
import dev.tributary.v1.TrainingRun.State;
import dev.tributary.v1.TrainingSettings;
import dev.tributary.v1.TrainingStartRequest;
import dev.tributary.v1.TrainingStartRequest.Contributions;
import dev.tributary.v1.TrainingStartRequest.TrainedVersion;
import dev.tributary.v1.TrainingWatchRequest;
import dev.tributary.v1.WithdrawContributionRequest;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class TrainingServiceTest {
  private static final String THREE =
      line("ann", "Who mends clocks?", "Ann does.")
          + line("bob", "Who bakes?", "Bob does.")
          + line("ann", "Who sings?", "Nobody.");

  @TempDir Path folder;
  @TempDir Path data;
  private RpcFixture fixture;
  private String owner;
  private TrainingGrpc.TrainingBlockingStub training;

  @BeforeEach
  void open() {
    fixture = RpcFixture.recording(folder, data);
    owner = fixture.key("acme", Role.OWNER);
    training = fixture.training(owner);
    fixture.train();
  }

  @AfterEach
  void close() {
    fixture.close();
  }

  private static String line(String contributor, String question, String answer) {
    return """
        {"contributor": "%s", "messages": [{"role": "user", "content": "%s"}, {"role": "assistant", "content": "%s"}]}
        """
        .formatted(contributor, question, answer);
  }

  private static TrainingStartRequest.Builder order(String lines) {
    return TrainingStartRequest.newBuilder()
        .setAdapter("town")
        .setData(ByteString.copyFromUtf8(lines))
        .setSettings(TrainingSettings.newBuilder().setBatchSize(1).setEpochs(2));
  }

  private TrainingRun get(String id) {
    return training.get(TrainingGetRequest.newBuilder().setRunId(id).build());
  }

  private TrainingRun ended(TrainingRun run) {
    until(() -> get(run.getRunId()).hasEndTime());
    return get(run.getRunId());
  }

  private TrainingRun trained(TrainingStartRequest.Builder order) {
    TrainingRun run = ended(training.start(order.build()));
    assertThat(run.getState()).as(run.getError()).isEqualTo(State.STATE_SUCCEEDED);
    return run;
  }

  private List<AdapterVersion> versions() {
    return AdaptersGrpc.newBlockingStub(fixture.channel)
        .withInterceptors(RpcFixture.bearer(owner))
        .listVersions(ListVersionsRequest.newBuilder().setAdapter("town").build())
        .getVersionsList();
  }

  @Test
  void start_trainsOnTheDataAndPublishesAVersion() {
    TrainingRun run = trained(order(THREE));
    assertThat(run.getAdapter()).isEqualTo("acme/town");
    assertThat(run.getVersion()).isEqualTo(1);
    assertThat(run.getSettings().getBatchSize()).isEqualTo(1);
    assertThat(run.getSettings().getRank()).isEqualTo(16);
    assertThat(run.getProgress().getStep()).isEqualTo(6);
    assertThat(run.getProgress().getTotalSteps()).isEqualTo(6);
    assertThat(run.getResult().getGeneralLossBefore()).isEqualTo(2.5);
    assertThat(run.getResult().getGeneralLossAfter()).isEqualTo(2.75);
    assertThat(run.getResult().hasHeldOutLossBefore()).isFalse();
    assertThat(run.getResult().getCurveList()).hasSize(6);
    assertThat(versions())
        .singleElement()
        .satisfies(
            version -> {
              assertThat(version.getDigest()).isEqualTo(run.getDigest());
              assertThat(version.getOrigin()).isEqualTo(AdapterVersion.Origin.ORIGIN_TRAINED_HERE);
              assertThat(version.getManifestDigest()).isEqualTo(run.getManifestDigest());
            });
    assertThat(fixture.fakeTraining.asked.getFirst().getFirst().training())
        .extracting(Example::contributor)
        .containsExactly("ann", "bob", "ann");
  }

  @Test
  void start_registersEachExampleInTheLedger() {
    TrainingRun run = trained(order(THREE).setDataset("town tales").setLicence("CC-BY-4.0"));
    var contributions = fixture.state.contributions().manifest("acme", run.getManifestDigest());
    assertThat(contributions).hasSize(3);
    ContributionRecord second =
        ContributionRecord.of(
            Objects.requireNonNull(fixture.books)
                .ledger()
                .record(contributions.get(1).leaf())
                .orElseThrow());
    assertThat(second.contributor()).isEqualTo("bob");
    assertThat(second.dataset()).isEqualTo("town tales");
    assertThat(second.licence()).isEqualTo("CC-BY-4.0");
    assertThat(second.example())
        .isEqualTo(
            ContributionRecord.digest(
                List.of(
                    new ContributionRecord.Message("user", "Who bakes?"),
                    new ContributionRecord.Message("assistant", "Bob does."))));
  }

  @Test
  void start_countsWhatBecameOfEachLine() {
    TrainingRun run = trained(order(THREE + "\n" + line("bob", "Who bakes?", "Bob does.")));
    assertThat(run.getData().getLines()).isEqualTo(5);
    assertThat(run.getData().getBlank()).isEqualTo(1);
    assertThat(run.getData().getDuplicates()).isEqualTo(1);
    assertThat(run.getData().getExamples()).isEqualTo(3);
    assertThat(run.getData().getContributorsList())
        .extracting(each -> each.getName() + " " + each.getExamples())
        .containsExactly("ann 2", "bob 1");
  }

  @Test
  void start_refusesDataNamingEachLine_andRegistersNothing() {
    long leaves = Objects.requireNonNull(fixture.books).ledger().log().durable();
    StatusRuntimeException refused =
        refused(
            Status.Code.INVALID_ARGUMENT,
            () ->
                training.start(
                    order(THREE + line("bob", "Who bakes?", "") + "nonsense\n").build()));
    BadRequest detail = detail(refused, BadRequest.class);
    assertThat(detail.getFieldViolationsList())
        .extracting(BadRequest.FieldViolation::getField)
        .containsExactly("data", "data");
    assertThat(detail.getFieldViolations(0).getDescription()).contains("line 4", "empty");
    assertThat(detail.getFieldViolations(1).getDescription()).contains("line 5", "JSON");
    assertThat(fixture.books.ledger().log().durable()).isEqualTo(leaves);
    assertThat(training.list(TrainingListRequest.getDefaultInstance()).getRunsList()).isEmpty();
  }

  @Test
  void start_namesTheSettingThatIsOutOfRange() {
    List<TrainingSettings> settings =
        List.of(
            TrainingSettings.newBuilder().setRank(0).build(),
            TrainingSettings.newBuilder().setAlpha(Float.NaN).build(),
            TrainingSettings.newBuilder().setDropout(0.1f).build(),
            TrainingSettings.newBuilder().setLearningRate(0).build(),
            TrainingSettings.newBuilder().setMaxExampleTokens(1_000_000).build(),
            TrainingSettings.newBuilder().addTargetModules("nowhere").build(),
            TrainingSettings.newBuilder().setAlias("Not One").build(),
            TrainingSettings.newBuilder().setHeldOutShare(0.9).build(),
            TrainingSettings.newBuilder().setAuditSubsets(3).build(),
            TrainingSettings.newBuilder().setAuditSeeds(3).build());
    List<String> fields =
        List.of(
            "rank",
            "alpha",
            "dropout",
            "learning_rate",
            "max_example_tokens",
            "target_modules",
            "alias",
            "held_out_share",
            "audit_subsets",
            "audit_seeds");
    for (int i = 0; i < fields.size(); i++) {
      TrainingStartRequest request = order(THREE).setSettings(settings.get(i)).build();
      StatusRuntimeException refused =
          refused(Status.Code.INVALID_ARGUMENT, () -> training.start(request));
      assertThat(detail(refused, BadRequest.class).getFieldViolations(0).getField())
          .isEqualTo("settings." + fields.get(i));
    }
    assertThat(fixture.state.runs().list("acme", "", Long.MAX_VALUE, 10)).isEmpty();
  }

  @Test
  void start_withoutASource_isRefused() {
    StatusRuntimeException refused =
        refused(
            Status.Code.INVALID_ARGUMENT,
            () -> training.start(TrainingStartRequest.newBuilder().setAdapter("town").build()));
    assertThat(detail(refused, BadRequest.class).getFieldViolations(0).getField())
        .isEqualTo("source");
  }

  @Test
  void start_setsTheAlias_andLeavesProdWhereItIs() {
    trained(order(THREE));
    TrainingStartRequest.Builder second = order(THREE + line("eve", "Who paints?", "Eve."));
    second.getSettingsBuilder().setAlias("canary");
    assertThat(trained(second).getVersion()).isEqualTo(2);
    assertThat(
            AdaptersGrpc.newBlockingStub(fixture.channel)
                .withInterceptors(RpcFixture.bearer(owner))
                .getAdapter(GetAdapterRequest.newBuilder().setName("town").build())
                .getAliasesList())
        .extracting(alias -> alias.getName() + " " + alias.getTargets(0).getNumber())
        .containsExactly("canary 2", "prod 1");
  }

  @Test
  void start_withHeldOutExamples_evaluatesOnThemAndRegistersThemNot() {
    TrainingRun run =
        trained(
            order(THREE)
                .setHeldOut(ByteString.copyFromUtf8(line("ann", "Who weaves?", "Nobody."))));
    assertThat(run.getData().getHeldOut()).isEqualTo(1);
    assertThat(run.getResult().getHeldOutLossBefore()).isEqualTo(3.0);
    assertThat(run.getResult().getHeldOutLossAfter()).isEqualTo(1.5);
    assertThat(fixture.state.contributions().manifest("acme", run.getManifestDigest())).hasSize(3);
    StatusRuntimeException refused =
        refused(
            Status.Code.INVALID_ARGUMENT,
            () ->
                training.start(
                    order(THREE).setHeldOut(ByteString.copyFromUtf8("nonsense")).build()));
    assertThat(detail(refused, BadRequest.class).getFieldViolations(0).getField())
        .isEqualTo("held_out");
  }

  @Test
  void start_again_withItsRequestId_namesTheFirstRun() {
    TrainingRun run = training.start(order(THREE).setRequestId("once").build());
    StatusRuntimeException refused =
        refused(
            Status.Code.ALREADY_EXISTS,
            () -> training.start(order(THREE).setRequestId("once").build()));
    assertThat(detail(refused, ErrorInfo.class).getMetadataMap())
        .containsEntry("run_id", run.getRunId());
    String other = fixture.key("other", Role.OWNER);
    assertThat(fixture.training(other).start(order(THREE).setRequestId("once").build()).getRunId())
        .isNotEqualTo(run.getRunId());
  }

  @Test
  void start_beyondTheQueue_isRefused() {
    fixture.fakeTraining.steps.drainPermits();
    TrainingRun first = training.start(order(THREE).build());
    until(() -> get(first.getRunId()).getState() == State.STATE_RUNNING);
    List<TrainingRun> waiting = new ArrayList<>();
    for (int i = 0; i < TrainingRuns.MOST_QUEUED; i++) {
      waiting.add(training.start(order(THREE).build()));
    }
    assertThat(get(waiting.get(2).getRunId()).getProgress().getQueuedBefore()).isEqualTo(3);
    StatusRuntimeException refused =
        refused(Status.Code.RESOURCE_EXHAUSTED, () -> training.start(order(THREE).build()));
    assertThat(detail(refused, QuotaFailure.class).getViolations(0).getSubject())
        .isEqualTo("quota:queued_runs");
  }

  @Test
  void withdrawn_isLeftOutOfWhatComesAgain_andCounted() {
    TrainingRun first = trained(order(THREE));
    withdraw(first, 1);
    TrainingRun again = trained(order(THREE));
    assertThat(again.getData().getExcluded()).isEqualTo(1);
    assertThat(again.getData().getExamples()).isEqualTo(2);
    assertThat(fixture.fakeTraining.asked.getLast().getFirst().training())
        .extracting(Example::contributor)
        .containsExactly("ann", "ann");
  }

  private void withdraw(TrainingRun run, int position) {
    String id =
        fixture.state.contributions().manifest("acme", run.getManifestDigest()).get(position).id();
    var unused =
        fixture
            .provenance(owner)
            .withdrawContribution(
                WithdrawContributionRequest.newBuilder()
                    .setContributionId(id)
                    .setReason("changed their mind")
                    .build());
  }

  @Test
  void withdrawn_meanwhile_failsTheRunBeforeItPublishes() {
    fixture.fakeTraining.steps.drainPermits();
    TrainingRun run = training.start(order(THREE).build());
    until(() -> !fixture.fakeTraining.begun.isEmpty());
    withdraw(run, 0);
    fixture.fakeTraining.steps.release(1_000);
    TrainingRun failed = ended(run);
    assertThat(failed.getState()).isEqualTo(State.STATE_FAILED);
    assertThat(failed.getError()).contains("1 contributions were withdrawn");
    assertThat(
            fixture
                .state
                .adapters()
                .get(new dev.tributary.server.state.AdapterName("acme", "town")))
        .isEmpty();
  }

  private static TrainingStartRequest.Builder rebuild() {
    return TrainingStartRequest.newBuilder()
        .setAdapter("town")
        .setRebuildOf(TrainedVersion.getDefaultInstance());
  }

  @Test
  void rebuild_trainsOnWhatIsLeft_underTheSameSettings() {
    TrainingRun first = trained(order(THREE));
    withdraw(first, 0);
    TrainingRun rebuilt = trained(rebuild());
    assertThat(rebuilt.getVersion()).isEqualTo(2);
    assertThat(rebuilt.getSettings()).isEqualTo(first.getSettings());
    assertThat(rebuilt.getData().getExcluded()).isEqualTo(1);
    assertThat(rebuilt.getManifestDigest()).isNotEqualTo(first.getManifestDigest());
    assertThat(fixture.state.contributions().manifest("acme", rebuilt.getManifestDigest()))
        .isEqualTo(
            fixture
                .state
                .contributions()
                .manifest("acme", first.getManifestDigest())
                .subList(1, 3));
    // What is left can be built again.
    TrainingStartRequest.Builder third = rebuild();
    third.getRebuildOfBuilder().setNumber(2);
    third.getSettingsBuilder().setSeed(7);
    TrainingRun again = trained(third);
    assertThat(again.getManifestDigest()).isEqualTo(rebuilt.getManifestDigest());
    assertThat(again.getSettings().getSeed()).isEqualTo(7);
  }

  @Test
  void rebuild_thatEndsInTheSameBits_givesTheSameVersion() {
    TrainingRun first = trained(order(THREE));
    TrainingRun rebuilt = trained(rebuild());
    assertThat(rebuilt.getVersion()).isEqualTo(1);
    assertThat(rebuilt.getDigest()).isEqualTo(first.getDigest());
    assertThat(versions()).hasSize(1);
  }

  @Test
  void rebuild_ofWhatWasNotTrainedHere_isRefused() {
    refused(Status.Code.NOT_FOUND, () -> training.start(rebuild().build()));
    var unused = fixture.adapters.write("uploaded", 9);
    fixture.uploader("acme").upload("town", fixture.adapters.files("uploaded"));
    StatusRuntimeException refused =
        refused(Status.Code.FAILED_PRECONDITION, () -> training.start(rebuild().build()));
    assertThat(detail(refused, PreconditionFailure.class).getViolations(0).getType())
        .isEqualTo("NOT_TRAINED_HERE");
  }

  @Test
  void manifestAndIds_workWhereTheExamplesAreKept() {
    TrainingRun first = trained(order(THREE));
    TrainingRun same =
        trained(
            TrainingStartRequest.newBuilder()
                .setAdapter("other")
                .setManifestDigest(first.getManifestDigest()));
    assertThat(same.getManifestDigest()).isEqualTo(first.getManifestDigest());
    List<String> ids =
        fixture.state.contributions().manifest("acme", first.getManifestDigest()).stream()
            .map(each -> each.id())
            .toList();
    TrainingRun chosen =
        trained(
            TrainingStartRequest.newBuilder()
                .setAdapter("third")
                .setContributions(
                    Contributions.newBuilder()
                        .addContributionIds(ids.get(2))
                        .addContributionIds(ids.get(1))));
    assertThat(fixture.fakeTraining.asked.getLast().getFirst().training())
        .extracting(Example::contributor)
        .containsExactly("ann", "bob");
    assertThat(chosen.getManifestDigest()).isNotEqualTo(first.getManifestDigest());
  }

  @Test
  void manifest_ofCommitmentsAlone_isRefused() {
    String manifest = "sha256:" + "cd".repeat(32);
    refused(
        Status.Code.NOT_FOUND,
        () ->
            training.start(
                TrainingStartRequest.newBuilder()
                    .setAdapter("town")
                    .setManifestDigest(manifest)
                    .build()));
    String id = "sha256:" + "ef".repeat(32);
    fixture
        .state
        .contributions()
        .register(
            "acme", manifest, List.of(new dev.tributary.server.state.Contribution(id, 12345)));
    for (TrainingStartRequest request :
        List.of(
            TrainingStartRequest.newBuilder()
                .setAdapter("town")
                .setManifestDigest(manifest)
                .build(),
            TrainingStartRequest.newBuilder()
                .setAdapter("town")
                .setContributions(Contributions.newBuilder().addContributionIds(id))
                .build())) {
      StatusRuntimeException refused =
          refused(Status.Code.FAILED_PRECONDITION, () -> training.start(request));
      assertThat(detail(refused, PreconditionFailure.class).getViolations(0).getType())
          .isEqualTo("EXAMPLES_NOT_KEPT");
    }
  }

  @Test
  void auditSet_trainsOnSubsetsOfTheVersionsContributors() {
    String four = THREE + line("cid", "Who swims?", "Cid.") + line("dee", "Who rows?", "Dee.");
    TrainingRun version = trained(order(four));
    TrainingRun audit =
        trained(
            TrainingStartRequest.newBuilder()
                .setAdapter("town")
                .setAuditSetOf(TrainedVersion.getDefaultInstance())
                .setSettings(TrainingSettings.newBuilder().setAuditSubsets(4).setAuditSeeds(2)));
    assertThat(audit.getKind()).isEqualTo(TrainingRun.Kind.KIND_AUDIT_SET);
    assertThat(audit.getVersion()).isEqualTo(1);
    assertThat(audit.getDigest()).isEqualTo(version.getDigest());
    assertThat(versions()).hasSize(1);
    assertThat(
            fixture.fakeTraining.asked.stream()
                .skip(1)
                .flatMap(List::stream)
                .map(member -> member.name()))
        .hasSize(8)
        .contains("subset-003-seed-1");
    Path kept =
        data.resolve("training/acme/audit-sets")
            .resolve(version.getDigest().substring("sha256:".length()))
            .resolve("4x2");
    assertThat(kept.resolve("subset-000-seed-0/result/adapter_config.json")).exists();
  }

  @Test
  void watch_tellsTheStateFirst_thenProgressUntilTheEnd() {
    fixture.fakeTraining.steps.drainPermits();
    TrainingRun run = training.start(order(THREE).build());
    Iterator<TrainingEvent> events =
        training.watch(TrainingWatchRequest.newBuilder().setRunId(run.getRunId()).build());
    assertThat(events.next().getRun().getRunId()).isEqualTo(run.getRunId());
    fixture.fakeTraining.steps.release(2);
    TrainingEvent event = events.next();
    while (!(event.hasProgress() && event.getProgress().getStep() == 2)) {
      event = events.next();
    }
    assertThat(event.getProgress().getLoss()).isEqualTo(2.0f);
    fixture.fakeTraining.steps.release(1_000);
    List<TrainingEvent> rest = new ArrayList<>();
    events.forEachRemaining(rest::add);
    TrainingRun last = rest.getLast().getRun();
    assertThat(last.getState()).isEqualTo(State.STATE_SUCCEEDED);
    assertThat(last.getVersion()).isEqualTo(1);
    assertThat(
            training
                .watch(TrainingWatchRequest.newBuilder().setRunId(run.getRunId()).build())
                .next()
                .getRun())
        .isEqualTo(last);
  }

  @Test
  void cancel_endsARunThatRuns_andOneThatWaits() {
    fixture.fakeTraining.steps.drainPermits();
    TrainingRun running = training.start(order(THREE).build());
    TrainingRun waiting = training.start(order(THREE).build());
    until(() -> !fixture.fakeTraining.begun.isEmpty());
    for (TrainingRun run : List.of(waiting, running)) {
      TrainingCancelRequest request =
          TrainingCancelRequest.newBuilder().setRunId(run.getRunId()).build();
      assertThat(training.cancel(request).getState()).isEqualTo(State.STATE_CANCELLED);
      StatusRuntimeException refused =
          refused(Status.Code.FAILED_PRECONDITION, () -> training.cancel(request));
      assertThat(detail(refused, PreconditionFailure.class).getViolations(0).getType())
          .isEqualTo("RUN_PAST");
    }
    fixture.fakeTraining.steps.release(1_000);
    // The next one runs, so the cancelled one has let go.
    trained(order(THREE));
    assertThat(fixture.fakeTraining.asked).hasSize(2);
    Path runs = data.resolve("training/acme/runs");
    until(() -> isEmpty(runs));
  }

  private static boolean isEmpty(Path folder) {
    String[] files = folder.toFile().list();
    return files == null || files.length == 0;
  }

  @Test
  void failures_areTold_andTheNextRunGoesOn() {
    fixture.fakeTraining.diverges = true;
    TrainingRun diverged = ended(training.start(order(THREE).build()));
    assertThat(diverged.getState()).isEqualTo(State.STATE_FAILED);
    assertThat(diverged.getError()).contains("not finite", "lower learning rate");
    fixture.fakeTraining.diverges = false;
    fixture.fakeTraining.failure = new IllegalStateException("secret detail");
    TrainingRun broken = ended(training.start(order(THREE).build()));
    assertThat(broken.getError()).contains("internal error").doesNotContain("secret");
    fixture.fakeTraining.failure = null;
    trained(order(THREE));
  }

  @Test
  void runs_ofOthers_areLikeRunsThatNeverWere() {
    TrainingRun run = trained(order(THREE).setRequestId("mine"));
    TrainingGrpc.TrainingBlockingStub other = fixture.training(fixture.key("other", Role.OWNER));
    String never = "0123456789abcdef0123456789abcdef";
    for (String id : List.of(run.getRunId(), never)) {
      List<StatusRuntimeException> all =
          List.of(
              refused(
                  Status.Code.NOT_FOUND,
                  () -> other.get(TrainingGetRequest.newBuilder().setRunId(id).build())),
              refused(
                  Status.Code.NOT_FOUND,
                  () -> other.cancel(TrainingCancelRequest.newBuilder().setRunId(id).build())),
              refused(
                  Status.Code.NOT_FOUND,
                  () ->
                      other
                          .watch(TrainingWatchRequest.newBuilder().setRunId(id).build())
                          .hasNext()));
      assertThat(all)
          .allSatisfy(
              refused ->
                  assertThat(refused.getStatus().getDescription())
                      .isEqualTo("there is no run \"" + id + "\""));
    }
    assertThat(other.list(TrainingListRequest.getDefaultInstance()).getRunsList()).isEmpty();
    refused(
        Status.Code.NOT_FOUND,
        () ->
            other.start(
                TrainingStartRequest.newBuilder()
                    .setAdapter("town")
                    .setManifestDigest(run.getManifestDigest())
                    .build()));
    refused(Status.Code.NOT_FOUND, () -> other.start(order(THREE).setAdapter("acme/town").build()));
  }

  @Test
  void list_isNewestFirst_byPagesAndByAdapter() {
    List<String> ids = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      ids.addFirst(
          training.start(order(THREE).setAdapter(i == 2 ? "other" : "town").build()).getRunId());
    }
    TrainingListRequest.Builder request = TrainingListRequest.newBuilder().setPageSize(2);
    List<String> listed = new ArrayList<>();
    do {
      TrainingListResponse page = training.list(request.build());
      page.getRunsList().forEach(run -> listed.add(run.getRunId()));
      request.setPageToken(page.getNextPageToken());
    } while (!request.getPageToken().isEmpty());
    assertThat(listed).isEqualTo(ids);
    assertThat(
            training
                .list(TrainingListRequest.newBuilder().setAdapter("other").build())
                .getRunsList())
        .extracting(TrainingRun::getRunId)
        .containsExactly(ids.get(2));
  }

  @Test
  void restart_goesOnWithWhatRanAndWhatWaited() {
    fixture.fakeTraining.steps.drainPermits();
    TrainingRun running = training.start(order(THREE).build());
    TrainingRun waiting = training.start(order(THREE).setAdapter("later").build());
    until(() -> !fixture.fakeTraining.begun.isEmpty());
    fixture.fakeTraining.steps.release(2);
    until(() -> get(running.getRunId()).getProgress().getStep() == 2);
    fixture.close();
    fixture = RpcFixture.recording(folder, data);
    training = fixture.training(owner);
    assertThat(get(running.getRunId()).getState()).isEqualTo(State.STATE_RUNNING);
    fixture.train();
    assertThat(ended(running).getState()).isEqualTo(State.STATE_SUCCEEDED);
    assertThat(ended(waiting).getState()).isEqualTo(State.STATE_SUCCEEDED);
    assertThat(fixture.fakeTraining.begun).containsExactly(2, 0);
  }

  @Test
  void restart_afterPublishing_makesNoSecondVersion() {
    TrainingRun run = trained(order(THREE));
    RunRecord stored = fixture.state.runs().require("acme", run.getRunId());
    RunRecord open =
        fixture
            .state
            .runs()
            .create(
                new dev.tributary.server.state.Runs.Start(
                    stored.adapter(),
                    stored.kind(),
                    stored.settings(),
                    "",
                    0,
                    0,
                    stored.manifest(),
                    stored.data(),
                    null,
                    "",
                    ""),
                1);
    var unused = fixture.state.runs().begin(open);
    fixture.close();
    fixture = RpcFixture.recording(folder, data);
    training = fixture.training(owner);
    fixture.train();
    until(() -> get(open.id()).hasEndTime());
    assertThat(get(open.id()).getVersion()).isEqualTo(1);
    assertThat(versions()).hasSize(1);
    assertThat(fixture.state.adapters().version(stored.adapter(), 1).orElseThrow().facts().origin())
        .isEqualTo(Origin.TRAINED_HERE);
  }

  @Test
  void withoutALedger_startIsRefused() {
    try (RpcFixture without = RpcFixture.serving(folder.resolve("without"))) {
      StatusRuntimeException refused =
          refused(
              Status.Code.FAILED_PRECONDITION,
              () -> TrainingGrpc.newBlockingStub(without.channel).start(order(THREE).build()));
      assertThat(detail(refused, PreconditionFailure.class).getViolations(0).getType())
          .isEqualTo("LEDGER_OFF");
    }
  }

  @Test
  void withoutABackward_startIsRefusedAndNothingRegistered() throws IOException {
    Path gpu = Files.createDirectory(data.resolve("gpu"));
    try (RpcFixture onGpu =
        RpcFixture.recording(folder.resolve("gpu"), gpu, RpcFixture.Options.ON_GPU)) {
      onGpu.train();
      String key = onGpu.key("acme", Role.OWNER);
      long leaves = Objects.requireNonNull(onGpu.books).ledger().log().durable();
      StatusRuntimeException refused =
          refused(
              Status.Code.FAILED_PRECONDITION,
              () -> onGpu.training(key).start(order(THREE).build()));
      assertThat(detail(refused, PreconditionFailure.class).getViolations(0).getType())
          .isEqualTo("TRAINING_DEVICE");
      assertThat(refused.getStatus().getDescription()).isEqualTo("no backward");
      assertThat(onGpu.books.ledger().log().durable()).isEqualTo(leaves);
    }
  }

  @Test
  void start_withAuditSubsets_trainsThemOnceTheVersionIsThere() {
    String four = THREE + line("cid", "Who swims?", "Cid.") + line("dee", "Who rows?", "Dee.");
    TrainingStartRequest.Builder order = order(four);
    order.getSettingsBuilder().setAuditSubsets(4).setAuditSeeds(2);
    TrainingRun version = trained(order);
    assertThat(version.getKind()).isEqualTo(TrainingRun.Kind.KIND_VERSION);
    assertThat(version.getVersion()).isEqualTo(1);
    TrainingListRequest all = TrainingListRequest.getDefaultInstance();
    until(() -> training.list(all).getRunsCount() == 2);
    TrainingRun audit = ended(training.list(all).getRuns(0));
    assertThat(audit.getState()).as(audit.getError()).isEqualTo(State.STATE_SUCCEEDED);
    assertThat(audit.getKind()).isEqualTo(TrainingRun.Kind.KIND_AUDIT_SET);
    assertThat(audit.getDigest()).isEqualTo(version.getDigest());
    assertThat(audit.getVersion()).isEqualTo(1);
    assertThat(versions()).hasSize(1);
    // The version first, alone, then four subsets with two seeds each.
    assertThat(fixture.fakeTraining.asked.getFirst()).hasSize(1);
    assertThat(fixture.fakeTraining.asked.stream().skip(1).flatMap(List::stream)).hasSize(8);
    assertThat(
            data.resolve("training/acme/audit-sets")
                .resolve(version.getDigest().substring("sha256:".length()))
                .resolve("4x2/subset-003-seed-1/result/adapter_config.json"))
        .exists();
  }

  private void quota(Quota quota) {
    var unused = fixture.state.tenants().update("acme", null, tenant -> tenant.withQuota(quota));
  }

  private void overQuota(TrainingStartRequest.Builder order, String quota) {
    long leaves = Objects.requireNonNull(fixture.books).ledger().log().durable();
    StatusRuntimeException refused =
        refused(Status.Code.RESOURCE_EXHAUSTED, () -> training.start(order.build()));
    assertThat(detail(refused, QuotaFailure.class).getViolations(0).getSubject())
        .isEqualTo("quota:" + quota);
    assertThat(fixture.books.ledger().log().durable()).isEqualTo(leaves);
  }

  @Test
  void start_beyondTheAdapterQuota_isRefusedBeforeAnythingIsRegistered() {
    trained(order(THREE));
    quota(new Quota(null, null, null, null, 1, null, null, null, null));
    overQuota(order(THREE).setAdapter("second"), "adapters");
    // Another version of the one that is there takes no more of it.
    trained(order(THREE + line("eve", "Who paints?", "Eve.")));
  }

  @Test
  void start_beyondTheBytesQuota_isRefusedBeforeAnythingIsRegistered() {
    TrainingStartRequest.Builder order = order(THREE);
    long bytes = fixture.training.adapterBytes(dev.tributary.server.train.RunSettings.DEFAULT);
    quota(new Quota(null, null, null, null, null, bytes - 1, null, null, null));
    overQuota(order, "adapter_bytes");
    order.getSettingsBuilder().setRank(8);
    trained(order);
  }

  private List<String> keptLines(TrainingRun run) throws IOException {
    String hex = run.getManifestDigest().substring("sha256:".length());
    return Files.readAllLines(data.resolve("training/acme/data/" + hex + ".jsonl"));
  }

  @Test
  void withdrawn_isErasedFromDisk_andTheRestCanBeBuiltAgain() throws IOException {
    TrainingRun first = trained(order(THREE));
    TrainingRun second =
        trained(
            TrainingStartRequest.newBuilder()
                .setAdapter("second")
                .setContributions(
                    Contributions.newBuilder()
                        .addContributionIds(id(first, 1))
                        .addContributionIds(id(first, 2))));
    List<String> before = keptLines(first);
    assertThat(before.get(1)).contains("Bob does.");
    withdraw(first, 1);
    assertThat(keptLines(first)).containsExactly(before.get(0), "", before.get(2));
    assertThat(keptLines(second)).containsExactly("", before.get(2));
    withdraw(first, 1);
    assertThat(keptLines(first)).containsExactly(before.get(0), "", before.get(2));
    TrainingRun rebuilt = trained(rebuild());
    assertThat(rebuilt.getData().getExcluded()).isEqualTo(1);
    assertThat(keptLines(rebuilt)).containsExactly(before.get(0), before.get(2));
    withdraw(first, 0);
    assertThat(keptLines(first)).containsExactly("", "", before.get(2));
    assertThat(keptLines(rebuilt)).containsExactly("", before.get(2));
  }

  private String id(TrainingRun run, int position) {
    return fixture
        .state
        .contributions()
        .manifest("acme", run.getManifestDigest())
        .get(position)
        .id();
  }

  @Test
  void withdrawn_beforeItCouldBeErased_isErasedAtTheNextStart() throws IOException {
    TrainingRun run = trained(order(THREE));
    var unused = fixture.state.contributions().withdraw("acme", id(run, 2));
    assertThat(keptLines(run).get(2)).isNotEmpty();
    fixture.close();
    fixture = RpcFixture.recording(folder, data);
    training = fixture.training(owner);
    fixture.train();
    assertThat(keptLines(run).subList(0, 2)).noneMatch(String::isEmpty);
    assertThat(keptLines(run).get(2)).isEmpty();
    assertThat(trained(rebuild()).getData().getExamples()).isEqualTo(2);
  }
}
