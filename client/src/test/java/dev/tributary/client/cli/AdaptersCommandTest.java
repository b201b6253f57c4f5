package dev.tributary.client.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Duration;
import com.google.protobuf.Struct;
import com.google.protobuf.Timestamp;
import com.google.protobuf.util.JsonFormat;
import dev.tributary.client.FakeAdapters;
import dev.tributary.client.FakeServer;
import dev.tributary.client.PeftFolders;
import dev.tributary.v1.Adapter;
import dev.tributary.v1.AdapterEvent;
import dev.tributary.v1.AdapterVersion;
import dev.tributary.v1.AdapterVersion.State;
import dev.tributary.v1.Alias;
import dev.tributary.v1.ImportVersionRequest;
import dev.tributary.v1.IndexVersionEvent;
import dev.tributary.v1.Tier;
import dev.tributary.v1.UploadVersionRequest;
import dev.tributary.v1.UploadVersionResponse;
import dev.tributary.v1.VersionFigures;
import io.grpc.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AdaptersCommandTest {
  private static final Timestamp TIME = Timestamp.newBuilder().setSeconds(1_800_000_000).build();

  @TempDir private Path folder;
  private FakeServer server;

  @BeforeEach
  void start() throws IOException {
    server = new FakeServer();
    Alias.Builder prod = Alias.newBuilder().setName("prod");
    prod.addTargetsBuilder().setNumber(1).setWeight(95);
    prod.addTargetsBuilder().setNumber(2).setWeight(5);
    prod.getShadowBuilder().setNumber(2).setSharePpm(100_000);
    Alias.Builder trial = Alias.newBuilder().setName("trial");
    trial.addTargetsBuilder().setNumber(2).setWeight(1);
    server.adapters.put(
        Adapter.newBuilder()
            .setName("public/guide")
            .setDescription("Knows the town.")
            .putLabels("team", "maps")
            .addAliases(prod)
            .addAliases(trial)
            .setVersionCount(3)
            .setLatestVersion(3)
            .setCreateTime(TIME)
            .build(),
        version(3, State.STATE_QUARANTINED, Tier.TIER_DISK).toBuilder()
            .setStateReason("no effect")
            .setWithdrawnContributions(2)
            .build(),
        version(2, State.STATE_READY, Tier.TIER_DISK),
        version(1, State.STATE_READY, Tier.TIER_DEVICE).toBuilder()
            .setPinned(true)
            .setFigures(
                VersionFigures.newBuilder()
                    .setAnswers(1_234)
                    .setErrors(5)
                    .setRefusals(6)
                    .setFirstTokenP50(milliseconds(80))
                    .setFirstTokenP95(milliseconds(240))
                    .setBetweenTokensP50(milliseconds(9))
                    .setBetweenTokensP95(milliseconds(21))
                    .setMeanCompletionTokens(42.25)
                    .setShadowAnswers(120)
                    .setShadowLogProbGap(-0.03125))
            .build());
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private static AdapterVersion version(int number, State state, Tier tier) {
    return AdapterVersion.newBuilder()
        .setAdapter("public/guide")
        .setNumber(number)
        .setState(state)
        .setTier(tier)
        .setDigest(FakeServer.DIGEST)
        .setCreateTime(TIME)
        .build();
  }

  private static Duration milliseconds(int count) {
    return Duration.newBuilder().setNanos(count * 1_000_000).build();
  }

  private CommandRun.Result run(String... arguments) {
    return new CommandRun(server).run(arguments);
  }

  private String prod() {
    return Texts.targets(server.adapters.get("guide").getAliases(0));
  }

  @Test
  void create_anAdapter_isThere() throws IOException {
    CommandRun.Result result =
        run("adapters", "create", "acme/x", "--description", "An x.", "--label", "a=b");
    assertThat(result).isEqualTo(new CommandRun.Result(0, "acme/x\n", ""));
    assertThat(server.adapters.get("acme/x").getDescription()).isEqualTo("An x.");
    assertThat(server.adapters.get("acme/x").getLabelsMap()).containsOnlyKeys("a");
    CommandRun.Result again = run("adapters", "create", "acme/x");
    assertThat(again.code()).isEqualTo(1);
    assertThat(again.err()).isEqualTo("tributary: acme/x is there already\n");
    Adapter.Builder made = Adapter.newBuilder();
    JsonFormat.parser().merge(run("adapters", "create", "y", "--json").out(), made);
    assertThat(made.getName()).isEqualTo("public/y");
  }

  @Test
  void show_anAdapter_isFacts() {
    assertThat(run("adapters", "show", "guide").out())
        .isEqualTo(
            """
            name         public/guide
            description  Knows the town.
            versions     3
            latest       3
            alias prod   1 95%, 2 5% (shadow 2 10%)
            alias trial  2
            label team   maps
            created      2027-01-15 08:00:00Z
            changed      -
            """);
    assertThat(run("adapters", "show", "--json", "guide").out()).contains("\"public/guide\"");
    CommandRun.Result missing = run("adapters", "show", "giude");
    assertThat(missing.code()).isEqualTo(1);
    assertThat(missing.err()).contains("`tributary adapters list` shows what there is");
  }

  @Test
  void versions_figures_areSideBySide() {
    CommandRun.Result result = run("adapters", "versions", "guide");
    assertThat(result.out().lines().map(line -> line.replaceAll(" {2,}", "|")))
        .containsExactly(
            "VERSION|ALIASES|STATE|TIER|DIGEST|CREATED|ANSWERS|ERRORS|REFUSALS|FIRST TOKEN"
                + "|BETWEEN TOKENS|TOKENS|SHADOW GAP",
            "3|-|quarantined|disk|0123456789ab|2027-01-15 08:00:00Z|0|0|0|-|-|-|-",
            "2|prod 5%, shadow of prod, trial|ready|disk|0123456789ab|2027-01-15 08:00:00Z"
                + "|0|0|0|-|-|-|-",
            "1|prod 95%|ready|device, pinned|0123456789ab|2027-01-15 08:00:00Z|1234|5|6"
                + "|80 ms / 240 ms|9.0 ms / 21 ms|42.3|-0.0313 (120 answers)");
    assertThat(result.err())
        .isEqualTo(
            "version 3: no effect\n"
                + "version 3: was trained on 2 contributions that are withdrawn; make it anew\n");
    assertThat(run("adapters", "versions", "guide", "--json").out().lines()).hasSize(3);
    assertThat(run("adapters", "versions", "acme/empty").err()).contains("has no versions");
  }

  @Test
  void upload_aFolder_saysTheVersion() throws IOException {
    Path peft = PeftFolders.make(folder.resolve("peft"), 300_000, 3);
    Files.createDirectory(peft.resolve("checkpoint-9"));
    CommandRun.Result result =
        run(
            "adapters",
            "upload",
            "town",
            peft.toString(),
            "--allow-base-mismatch",
            "--manifest",
            FakeServer.DIGEST);
    assertThat(result.code()).isZero();
    UploadVersionRequest.Header header = server.adapters.uploads.headers.element();
    assertThat(header.getManifestDigest()).isEqualTo(FakeServer.DIGEST);
    assertThat(header.getAllowBaseMismatch()).isTrue();
    String shortDigest = Texts.shortDigest(header.getDigest());
    assertThat(result.out()).isEqualTo("town@1  disk  " + shortDigest + "\n");
    assertThat(result.err())
        .startsWith(
            "not sent: checkpoint-9\n"
                + "upload u-1, 1.2 MB; if it is cut off, repeat the command with --resume u-1\n")
        .endsWith("all is sent; the server checks it\n");
  }

  @Test
  void upload_onAScreen_drawsABar() throws IOException {
    Path peft = PeftFolders.make(folder.resolve("peft"), 300_000, 3);
    CommandRun.Result result =
        new CommandRun(server).interactive(true).run("adapters", "upload", "t", peft.toString());
    assertThat(result.err()).contains("\r[########################]  100%  1.2 MB of 1.2 MB");
  }

  @Test
  void upload_cut_goesOnByItselfOrByItsId() throws IOException {
    Path peft = PeftFolders.make(folder.resolve("peft"), 300_000, 3);
    server.adapters.uploads.cuts.add(400_000L);
    CommandRun.Result result = run("adapters", "upload", "town", peft.toString());
    assertThat(result.code()).isZero();
    assertThat(result.err()).contains("the connection broke (cut); again in ");
    server.adapters.uploads.cuts.add(500_000L);
    for (int i = 0; i < 50; i++) {
      server.adapters.uploads.cuts.add(0L);
    }
    CommandRun.Result cut = run("adapters", "upload", "town", peft.toString());
    assertThat(cut.code()).isEqualTo(1);
    assertThat(cut.err())
        .endsWith("go on by repeating the command with --resume u-3\ntributary: cut\n");
    server.adapters.uploads.cuts.clear();
    CommandRun.Result resumed =
        run("adapters", "upload", "town", peft.toString(), "--resume", "u-3");
    assertThat(resumed.code()).isZero();
    assertThat(resumed.err()).contains("the server has 500 kB");
    assertThat(resumed.out()).startsWith("town@2  ");
  }

  @Test
  void upload_json_isTheResponses() throws IOException {
    Path peft = PeftFolders.make(folder.resolve("peft"), 10, 3);
    server.adapters.uploads.cuts.add(5L);
    CommandRun.Result result = run("--json", "adapters", "upload", "town", peft.toString());
    List<String> lines = result.out().lines().toList();
    assertThat(lines).hasSize(3);
    assertThat(response(lines.get(1)).getAccepted().getOffsetsList()).startsWith(5L);
    assertThat(response(lines.get(2)).getVersion().getNumber()).isEqualTo(1);
    assertThat(result.err()).isEmpty();
  }

  private static UploadVersionResponse response(String json) throws IOException {
    UploadVersionResponse.Builder response = UploadVersionResponse.newBuilder();
    JsonFormat.parser().merge(json, response);
    return response.build();
  }

  @Test
  void upload_wrongFolderOrDigest_sendsNothing() throws IOException {
    Path peft = PeftFolders.make(folder.resolve("peft"), 10, 3);
    CommandRun.Result other =
        run("adapters", "upload", "town", peft.toString(), "--digest", FakeServer.DIGEST);
    assertThat(other.code()).isEqualTo(1);
    assertThat(other.err()).contains("has the digest sha256:").contains("--digest");
    CommandRun.Result none =
        run("adapters", "upload", "town", peft.resolve("README.md").toString());
    assertThat(none.err()).endsWith("README.md is not a folder\n");
    Files.writeString(peft.resolve("adapter_config.json"), "{}");
    assertThat(run("adapters", "upload", "town", peft.toString()).code()).isEqualTo(1);
    assertThat(server.authorizations).isEmpty();
  }

  @Test
  void upload_thatEndsInQuarantine_fails() throws IOException {
    server.adapters.quarantining = true;
    Path peft = PeftFolders.make(folder.resolve("peft"), 10, 3);
    CommandRun.Result result = run("adapters", "upload", "town", peft.toString());
    assertThat(result.code()).isEqualTo(1);
    assertThat(result.err()).endsWith("tributary: town@1 is there but quarantined: no effect\n");
  }

  @Test
  void importing_everyFlag_isInTheRequest() {
    CommandRun.Result result =
        run(
            "adapters",
            "import",
            "town",
            "hf:owner/repo@main",
            "--digest",
            FakeServer.DIGEST,
            "--manifest",
            "sha256:manifest",
            "--allow-base-mismatch");
    assertThat(result.out()).isEqualTo("town@1  disk  0123456789ab\n");
    assertThat(result.code()).isZero();
    assertThat(server.adapters.imported)
        .containsExactly(
            ImportVersionRequest.newBuilder()
                .setAdapter("town")
                .setSource("hf:owner/repo@main")
                .setDigest(FakeServer.DIGEST)
                .setManifestDigest("sha256:manifest")
                .setAllowBaseMismatch(true)
                .build());
  }

  @Test
  void alias_targetsAndShadow_areSet() throws IOException {
    CommandRun.Result result =
        run("adapters", "alias", "guide", "prod", "1=90", "3=10", "--shadow", "3=0.5%");
    assertThat(result.out())
        .isEqualTo(
            """
            guide@prod  before  1 95%, 2 5% (shadow 2 10%)
                        now     1 90%, 3 10% (shadow 3 0.5%)
            """);
    CommandRun.Result json = run("--json", "adapters", "alias", "guide", "prod", "2");
    Struct.Builder change = Struct.newBuilder();
    JsonFormat.parser().merge(json.out(), change);
    assertThat(change.getFieldsMap()).containsOnlyKeys("adapter", "before", "after");
    assertThat(prod()).isEqualTo("2");
  }

  @Test
  void alias_remove_removesIt() {
    assertThat(run("adapters", "alias", "guide", "trial", "--remove").out())
        .isEqualTo("guide@trial  before  2\n             now     nothing\n");
    CommandRun.Result again = run("adapters", "alias", "guide", "trial", "--remove");
    assertThat(again.code()).isEqualTo(1);
    assertThat(again.err()).isEqualTo("tributary: there is no alias trial of guide\n");
  }

  @Test
  void promoteAndRollback_showBeforeAndAfter() {
    server.adapters.aborts.set(2);
    CommandRun.Result canary = run("adapters", "promote", "guide", "3", "--canary", "50%");
    assertThat(canary.out())
        .isEqualTo(
            """
            guide@prod  before  1 95%, 2 5% (shadow 2 10%)
                        now     1 47.5%, 2 2.5%, 3 50% (shadow 2 10%)
            """);
    assertThat(canary.code()).isZero();
    assertThat(run("adapters", "promote", "guide", "3").code()).isZero();
    assertThat(prod()).isEqualTo("3 (shadow 2 10%)");
    CommandRun.Result back = run("adapters", "rollback", "guide");
    assertThat(back.out()).endsWith("now     1 95%, 2 5% (shadow 2 10%)\n");
    assertThat(back.code()).isZero();
    CommandRun.Result again = run("adapters", "rollback", "guide");
    assertThat(again.code()).isEqualTo(1);
    assertThat(again.err()).contains("nothing records what prod of guide led to before");
  }

  @Test
  void promote_alwaysAborted_saysWhatToDo() {
    server.adapters.aborts.set(99);
    CommandRun.Result result = run("adapters", "promote", "guide", "2", "--alias", "trial");
    assertThat(result.code()).isZero();
    CommandRun.Result aborted = run("adapters", "promote", "guide", "1", "--alias", "trial");
    assertThat(aborted.code()).isEqualTo(1);
    assertThat(aborted.err()).contains("Somebody else changed it at the same time");
  }

  @ParameterizedTest
  @CsvSource({
    "load, guide@2, 'guide@2  device  0123456789ab'",
    "pin, guide@2, 'guide@2  device, pinned  0123456789ab'",
    "unload, guide, 'guide@1  disk, pinned  0123456789ab'",
    "unpin, guide@1, 'guide@1  device  0123456789ab'"
  })
  void tier_moves_sayWhereWeightsAre(String move, String version, String line) {
    assertThat(run("adapters", move, version)).isEqualTo(new CommandRun.Result(0, line + "\n", ""));
    assertThat(run("adapters", move, version, "--json").out()).contains("\"number\":");
  }

  @ParameterizedTest
  @CsvSource({"load, 2", "pin, 2", "unload, 1", "unpin, 1"})
  void tier_thatDoesNotHold_fails(String move, int number) {
    server.adapters.stubborn = true;
    CommandRun.Result result = run("adapters", move, "guide@" + number);
    assertThat(result.code()).isEqualTo(1);
    assertThat(result.err()).contains("the server says that guide@" + number + " is in tier");
  }

  @Test
  void delete_asksUnlessToldNotTo() {
    assertThat(run("adapters", "delete", "guide@3", "--yes"))
        .isEqualTo(new CommandRun.Result(0, "", "guide@3 is deleted\n"));
    CommandRun.Result no =
        new CommandRun(server).interactive(false).reading("n\n").run("adapters", "delete", "guide");
    assertThat(no.code()).isEqualTo(1);
    assertThat(no.err())
        .isEqualTo("Delete public/guide with 3 versions? [y/N] tributary: nothing was changed\n");
    assertThat(server.adapters.versions("guide")).hasSize(2);
    CommandRun.Result yes =
        new CommandRun(server).interactive(false).reading("y\n").run("adapters", "delete", "guide");
    assertThat(yes.code()).isZero();
    CommandRun.Result gone = run("--json", "adapters", "delete", "guide", "--yes");
    assertThat(gone.code()).isEqualTo(1);
    assertThat(gone.out()).contains("NOT_FOUND");
    assertThat(run("--json", "adapters", "delete", "haiku", "--yes").out()).isEqualTo("{}\n");
  }

  @Test
  void watch_changes_areLinesUntilTheEnd() {
    AdapterEvent.Builder alias = AdapterEvent.newBuilder().setTime(TIME);
    alias
        .getAliasBuilder()
        .setAdapter("public/guide")
        .setAlias(server.adapters.get("guide").getAliases(0));
    server.adapters.watches.add(
        new FakeAdapters.Watched(
            List.of(
                tier(Tier.TIER_UNSPECIFIED, Tier.TIER_DISK),
                alias.build(),
                tier(Tier.TIER_DISK, Tier.TIER_DEVICE)),
            Status.UNAVAILABLE.withDescription("restart")));
    server.adapters.watches.add(
        new FakeAdapters.Watched(
            List.of(tier(Tier.TIER_DEVICE, Tier.TIER_UNSPECIFIED)),
            Status.UNAUTHENTICATED.withDescription("the key is revoked")));
    CommandRun.Result result = run("adapters", "watch", "guide");
    assertThat(result.out())
        .isEqualTo(
            """
            2027-01-15 08:00:00Z  guide@2 in disk
            2027-01-15 08:00:00Z  guide@prod = 1 95%, 2 5% (shadow 2 10%)
            2027-01-15 08:00:00Z  guide@2 from disk to device (85 ms)
            2027-01-15 08:00:00Z  guide@2 is gone
            """);
    assertThat(result.err())
        .contains("the connection broke (restart); again in ")
        .contains("tributary: the key is revoked. Give a key");
    assertThat(result.code()).isEqualTo(1);
    server.adapters.watches.add(
        new FakeAdapters.Watched(List.of(alias.build()), Status.UNAUTHENTICATED));
    assertThat(run("adapters", "watch", "--json").out().lines()).hasSize(2);
  }

  @Test
  void index_showsWhatTheVersionIsAttributedBy() {
    IndexVersionEvent.Builder step = IndexVersionEvent.newBuilder();
    step.getProgressBuilder().setDone(8).setAll(100);
    IndexVersionEvent.Builder last = IndexVersionEvent.newBuilder();
    last.getIndexBuilder()
        .setVersion(version(2, State.STATE_READY, Tier.TIER_DEVICE))
        .setMethod("ridge-v1")
        .setDigest(FakeServer.DIGEST)
        .setThresholds("score 7/2^20")
        .setClusters(42);
    server.adapters.indexing = List.of(step.build(), last.build());

    CommandRun.Result result = run("adapters", "index", "guide@2");
    assertThat(result.code()).isZero();
    assertThat(result.out())
        .isEqualTo(
            """
            version     guide@2
            method      ridge-v1
            index       %s
            clusters    42
            thresholds  score 7/2^20
            """
                .formatted(FakeServer.DIGEST));
    assertThat(result.err()).isEmpty();
    assertThat(server.adapters.indexed.remove().getAdapter().getNumber()).isEqualTo(2);
    assertThat(run("adapters", "index", "guide", "--json").out().lines()).hasSize(2);

    last.getIndexBuilder().setExisted(true);
    server.adapters.indexing = List.of(last.build());
    assertThat(run("adapters", "index", "guide").err()).isEqualTo("guide@2 is indexed already\n");
  }

  @Test
  void index_thatCannotBe_fails() {
    server.adapters.indexEnd =
        Status.FAILED_PRECONDITION.withDescription("version 2 of public/guide can't be indexed");
    CommandRun.Result refused = run("adapters", "index", "guide@2");
    assertThat(refused.code()).isEqualTo(1);
    assertThat(refused.err()).contains("version 2 of public/guide can't be indexed");

    server.adapters.indexEnd = Status.OK;
    CommandRun.Result silent = run("adapters", "index", "guide@2");
    assertThat(silent.code()).isEqualTo(1);
    assertThat(silent.err()).contains("ended without telling of the index");
    assertThat(run("adapters", "index", "guide*2").code()).isEqualTo(2);
  }

  private static AdapterEvent tier(Tier from, Tier to) {
    AdapterEvent.Builder event = AdapterEvent.newBuilder().setTime(TIME);
    event.getTierBuilder().setAdapter("public/guide").setNumber(2).setFrom(from).setTo(to);
    if (to == Tier.TIER_DEVICE) {
      event.getTierBuilder().setLoadTime(milliseconds(85));
    }
    return event.build();
  }
}
