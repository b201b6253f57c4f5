package dev.tributary.server.state;

import static dev.tributary.server.state.Samples.GUIDE;
import static dev.tributary.server.state.Samples.digest;
import static dev.tributary.server.state.Samples.refusal;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tributary.server.state.RunRecord.Kind;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunsTest {
  private static final int MOST = 3;

  @TempDir Path folder;
  private final FakeTime time = new FakeTime();
  private State state;
  private Runs runs;

  @BeforeEach
  void open() {
    state = State.open(folder.resolve("state.db"), time);
    runs = state.runs();
  }

  @AfterEach
  void close() {
    state.close();
  }

  private static Runs.Start start(AdapterName adapter, String requestId) {
    return new Runs.Start(
        adapter,
        Kind.VERSION,
        "{\"rank\":4}",
        "canary",
        8,
        3,
        digest(7),
        "{\"lines\":1}",
        null,
        "",
        requestId);
  }

  private RunRecord create(String requestId) {
    return runs.create(start(GUIDE, requestId), MOST);
  }

  @Test
  void create_isQueuedAndSurvivesARestart() {
    RunRecord run = create("once");
    assertThat(run.state()).isEqualTo(RunRecord.State.QUEUED);
    assertThat(run.isOpen()).isTrue();
    assertThat(run.created()).isEqualTo(State.now(time));
    close();
    open();
    assertThat(runs.get("public", run.id())).contains(run);
    assertThat(runs.byRequest("public", "once")).contains(run);
    assertThat(runs.open()).containsExactly(run);
  }

  @Test
  void create_ofAKnownRequest_isRefused_withoutOneNever() {
    var unused = create("once");
    assertThat(refusal(() -> create("once")))
        .isEqualTo(new StateException.AlreadyExists("request", "once"));
    assertThat(create("").id()).isNotEqualTo(create("").id());
    assertThat(runs.byRequest("public", "")).isEmpty();
  }

  @Test
  void create_beyondTheMostThatWait_isRefused_whoRunsDoesNotCount() {
    RunRecord first = create("");
    for (int i = 1; i < MOST; i++) {
      var unused = create("");
    }
    assertThat(refusal(() -> create("")))
        .isEqualTo(new StateException.OverQuota("queued_runs", MOST, MOST));
    var running = runs.begin(first);
    assertThat(create("").state()).isEqualTo(RunRecord.State.QUEUED);
  }

  @Test
  void aRun_goesFromQueuedToSucceeded_andThenChangesNoMore() {
    RunRecord run = runs.trained(runs.begin(create("")), digest(5));
    assertThat(run.state()).isEqualTo(RunRecord.State.RUNNING);
    assertThat(run.version()).isNull();
    // The digest is known before there is a version: what is built of it is recorded by then.
    assertThat(runs.byDigest("public", digest(5))).contains(run);
    RunRecord done = runs.succeed(run, 4, "{\"step\":9}", "{\"loss\":1}");
    assertThat(done.version()).isEqualTo(4);
    assertThat(done.ended()).isEqualTo(State.now(time));
    assertThat(done.progress()).isEqualTo("{\"step\":9}");
    assertThat(runs.ofVersion(GUIDE, 4)).contains(done);
    assertThat(runs.open()).isEmpty();
    StateException.NotFound ended = new StateException.NotFound("run", run.id());
    assertThat(refusal(() -> runs.begin(run))).isEqualTo(ended);
    assertThat(refusal(() -> runs.trained(run, digest(6)))).isEqualTo(ended);
    assertThat(refusal(() -> runs.succeed(run, 5, "", ""))).isEqualTo(ended);
    assertThat(refusal(() -> runs.end(run, RunRecord.State.FAILED, "", ""))).isEqualTo(ended);
    assertThat(runs.require(run)).isEqualTo(done);
  }

  @Test
  void aRun_thatFails_keepsTheBeginningOfWhy() {
    RunRecord run = runs.trained(runs.begin(create("")), digest(5));
    RunRecord failed =
        runs.end(run, RunRecord.State.FAILED, "x".repeat(RunRecord.MAX_ERROR + 1), "{}");
    assertThat(failed.error()).hasSize(RunRecord.MAX_ERROR);
    assertThat(failed.isOpen()).isFalse();
    assertThat(runs.byDigest("public", digest(5))).isEmpty();
  }

  @Test
  void list_isNewestFirst_ofOneTenant_byPages() {
    var unused = state.tenants().create("acme", "", Quota.NONE);
    List<String> own = new ArrayList<>();
    for (int i = 0; i < 7; i++) {
      AdapterName adapter =
          new AdapterName(i == 3 ? "acme" : "public", i % 2 == 0 ? "even" : "odd");
      RunRecord run = runs.create(start(adapter, ""), 100);
      if (i != 3) {
        own.addFirst(run.id());
      }
    }
    List<String> listed = new ArrayList<>();
    long before = Long.MAX_VALUE;
    List<RunRecord> page = runs.list("public", "", before, 4);
    while (!page.isEmpty()) {
      page.forEach(run -> listed.add(run.id()));
      page = runs.list("public", "", page.getLast().sequence(), 4);
    }
    assertThat(listed).isEqualTo(own);
    assertThat(runs.list("public", "odd", before, 10)).hasSize(2);
    assertThat(runs.list("acme", "", before, 10)).hasSize(1);
  }

  @Test
  void others_doNotFindARun() {
    RunRecord run = create("once");
    var unused = state.tenants().create("acme", "", Quota.NONE);
    assertThat(runs.get("acme", run.id())).isEmpty();
    assertThat(runs.byRequest("acme", "once")).isEmpty();
    assertThat(runs.create(start(new AdapterName("acme", "town"), "once"), MOST).id())
        .isNotEqualTo(run.id());
  }

  @Test
  void runs_goWithTheirTenant() {
    var unused = state.tenants().create("acme", "", Quota.NONE);
    RunRecord run = runs.create(start(new AdapterName("acme", "town"), ""), MOST);
    state.tenants().delete("acme", null);
    assertThat(runs.get("acme", run.id())).isEmpty();
    assertThat(runs.open()).isEmpty();
  }
}
