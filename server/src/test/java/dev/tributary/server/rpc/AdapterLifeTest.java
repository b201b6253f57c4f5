package dev.tributary.server.rpc;

import static dev.tributary.server.rpc.RpcFixture.detail;
import static dev.tributary.server.rpc.RpcFixture.refused;
import static dev.tributary.server.rpc.RpcFixture.until;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.FieldMask;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.PreconditionFailure;
import dev.tributary.server.adapter.Tier;
import dev.tributary.server.state.AdapterName;
import dev.tributary.server.state.VersionState;
import dev.tributary.v1.Adapter;
import dev.tributary.v1.AdapterEvent;
import dev.tributary.v1.AdapterSelector;
import dev.tributary.v1.AdapterVersion;
import dev.tributary.v1.AdaptersGrpc.AdaptersBlockingStub;
import dev.tributary.v1.Alias;
import dev.tributary.v1.CreateAdapterRequest;
import dev.tributary.v1.DeleteAdapterRequest;
import dev.tributary.v1.DeleteVersionRequest;
import dev.tributary.v1.GenerateRequest;
import dev.tributary.v1.GetAdapterRequest;
import dev.tributary.v1.ListAdaptersRequest;
import dev.tributary.v1.ListVersionsRequest;
import dev.tributary.v1.ListVersionsResponse;
import dev.tributary.v1.LoadRequest;
import dev.tributary.v1.PinRequest;
import dev.tributary.v1.SetAliasRequest;
import dev.tributary.v1.UnloadRequest;
import dev.tributary.v1.UnpinRequest;
import dev.tributary.v1.UpdateAdapterRequest;
import dev.tributary.v1.WatchAdaptersRequest;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Adapters, versions and aliases from their making to their end, through a channel.
@Timeout(120)
class AdapterLifeTest {
  @TempDir Path folder;
  private Path data;
  private TinyAdapters adapters;
  private RpcFixture fixture;
  private AdaptersBlockingStub acme;

  @BeforeEach
  void start() {
    data = folder.resolve("data");
    adapters = new TinyAdapters(folder.resolve("written"));
    open();
  }

  private void open() {
    fixture = new RpcFixture(adapters, adapters.open(data, 1 << 20), RpcFixture.Options.PLAIN);
    fixture.server.serve();
    acme = fixture.adapterService("acme");
  }

  @AfterEach
  void stop() {
    fixture.close();
  }

  private AdapterVersion upload(String tenant, String name, int seed) {
    return fixture.uploader(tenant).upload(name, adapters.files(seed));
  }

  /// Runs a call beside the test.
  private static <T> CompletableFuture<T> later(Supplier<T> call) {
    return CompletableFuture.supplyAsync(call, Thread::startVirtualThread);
  }

  private Adapter get(String name) {
    return acme.getAdapter(GetAdapterRequest.newBuilder().setName(name).build());
  }

  private static AdapterSelector.Builder town() {
    return AdapterSelector.newBuilder().setName("town");
  }

  private static SetAliasRequest alias(String name, int... numbersAndWeights) {
    Alias.Builder alias = Alias.newBuilder().setName(name);
    for (int i = 0; i < numbersAndWeights.length; i += 2) {
      alias.addTargets(
          Alias.Target.newBuilder()
              .setNumber(numbersAndWeights[i])
              .setWeight(numbersAndWeights[i + 1]));
    }
    return SetAliasRequest.newBuilder().setAdapter("town").setAlias(alias).build();
  }

  private static DeleteVersionRequest version(int number) {
    return DeleteVersionRequest.newBuilder().setAdapter("town").setNumber(number).build();
  }

  private static String field(StatusRuntimeException refused) {
    return detail(refused, BadRequest.class).getFieldViolations(0).getField();
  }

  @Test
  void createAndUpdate_keepWhatWasSaid() {
    Adapter asked =
        Adapter.newBuilder()
            .setName("town")
            .setDescription("a guide")
            .putLabels("team", "north")
            .build();
    CreateAdapterRequest create = CreateAdapterRequest.newBuilder().setAdapter(asked).build();
    Adapter made = acme.createAdapter(create);

    assertThat(made.getName()).isEqualTo("acme/town");
    assertThat(made.getLabelsMap()).containsExactly(Map.entry("team", "north"));
    assertThat(made.getEtag()).isNotEmpty();
    refused(Status.Code.ALREADY_EXISTS, () -> acme.createAdapter(create));

    Adapter changed =
        acme.updateAdapter(
            UpdateAdapterRequest.newBuilder()
                .setAdapter(made.toBuilder().setDescription("the guide").clearLabels())
                .setUpdateMask(FieldMask.newBuilder().addPaths("description"))
                .build());
    assertThat(changed.getDescription()).isEqualTo("the guide");
    assertThat(changed.getLabelsMap()).hasSize(1);
    assertThat(changed.getEtag()).isNotEqualTo(made.getEtag());
    UpdateAdapterRequest stale =
        UpdateAdapterRequest.newBuilder()
            .setAdapter(made)
            .setUpdateMask(FieldMask.newBuilder().addPaths("*"))
            .build();
    StatusRuntimeException aborted = refused(Status.Code.ABORTED, () -> acme.updateAdapter(stale));
    assertThat(detail(aborted, ErrorInfo.class).getReason()).isEqualTo("ETAG_MISMATCH");
    assertThat(get("town")).isEqualTo(changed);
  }

  @Test
  void fields_thatCannotBe_areNamed() {
    Map<Consumer<Adapter.Builder>, String> flaws = new HashMap<>();
    flaws.put(adapter -> adapter.setName(""), "adapter.name");
    flaws.put(adapter -> adapter.setDescription("x".repeat(1_001)), "adapter.description");
    flaws.put(adapter -> adapter.putLabels("k".repeat(64), ""), "adapter.labels");
    flaws.put(adapter -> adapter.setEtag("mine"), "adapter.etag");
    flaws.put(adapter -> adapter.setVersionCount(3), "adapter.version_count");
    flaws.forEach(
        (flaw, field) -> {
          Adapter.Builder adapter = Adapter.newBuilder().setName("town");
          flaw.accept(adapter);
          CreateAdapterRequest request =
              CreateAdapterRequest.newBuilder().setAdapter(adapter).build();
          assertThat(
                  field(refused(Status.Code.INVALID_ARGUMENT, () -> acme.createAdapter(request))))
              .startsWith(field);
        });
    upload("acme", "town", 1);
    for (SetAliasRequest request :
        List.of(
            alias("Prod", 1, 1),
            alias("prod", 0, 1),
            alias("prod", 1, -1),
            alias("prod", 1, 1_000_001),
            alias("prod", 1, 0),
            alias("prod", 1, 1, 1, 1))) {
      assertThat(field(refused(Status.Code.INVALID_ARGUMENT, () -> acme.setAlias(request))))
          .startsWith("alias.");
    }
    assertThat(
            field(
                refused(
                    Status.Code.INVALID_ARGUMENT,
                    () ->
                        acme.load(
                            LoadRequest.newBuilder().setAdapter(town().setScale(1)).build()))))
        .isEqualTo("adapter.scale");
    refused(Status.Code.NOT_FOUND, () -> acme.setAlias(alias("prod", 2, 1)));
    refused(Status.Code.NOT_FOUND, () -> acme.deleteVersion(version(2)));
  }

  @Test
  void listVersions_pagesNewestFirst() {
    for (int seed = 1; seed <= 5; seed++) {
      upload("acme", "town", seed);
    }
    List<Integer> numbers = new ArrayList<>();
    ListVersionsRequest.Builder request =
        ListVersionsRequest.newBuilder().setAdapter("town").setPageSize(2);
    ListVersionsResponse page;
    do {
      page = acme.listVersions(request.build());
      page.getVersionsList().forEach(version -> numbers.add(version.getNumber()));
      request.setPageToken(page.getNextPageToken());
    } while (!page.getNextPageToken().isEmpty());

    assertThat(numbers).containsExactly(5, 4, 3, 2, 1);
    refused(
        Status.Code.INVALID_ARGUMENT,
        () -> acme.listVersions(request.setPageToken("AAAA").build()));
  }

  private String chosen(String affinity) {
    return fixture
        .inference("acme")
        .generateOnce(
            GenerateRequest.newBuilder()
                .setPrompt("#\n")
                .setAffinityKey(affinity)
                .addAdapters(town())
                .build())
        .getText();
  }

  @Test
  void aWeightedAlias_splitsByAffinity_andMovesFew() {
    upload("acme", "town", 1);
    upload("acme", "town", 2);
    var unused = acme.setAlias(alias("prod", 1, 80, 2, 20));
    Map<String, String> before = new HashMap<>();
    for (int i = 0; i < 150; i++) {
      before.put("user-" + i, chosen("user-" + i));
    }
    assertThat(before.values()).containsOnly("b", "c");
    assertThat(before.values().stream().filter("c"::equals).count()).isBetween(12L, 50L);
    before.forEach((user, version) -> assertThat(chosen(user)).isEqualTo(version));

    unused = acme.setAlias(alias("prod", 1, 60, 2, 40));
    before.forEach(
        (user, version) -> {
          if (version.equals("c")) {
            assertThat(chosen(user)).as("who had the canary keeps it").isEqualTo("c");
          }
        });
    unused = acme.setAlias(alias("prod", 1, 0, 2, 5));
    before.keySet().forEach(user -> assertThat(chosen(user)).isEqualTo("c"));
  }

  @Test
  void setAlias_etagsAndShadows_areKept() {
    upload("acme", "town", 1);
    upload("acme", "town", 2);
    SetAliasRequest.Builder request = alias("canary", 2, 1).toBuilder();
    request.getAliasBuilder().setShadow(Alias.Shadow.newBuilder().setNumber(1).setSharePpm(50_000));
    Alias set = acme.setAlias(request.build());

    assertThat(set.getShadow().getSharePpm()).isEqualTo(50_000);
    assertThat(get("town").getAliasesList()).contains(set);
    request.getAliasBuilder().setEtag("stale");
    refused(Status.Code.ABORTED, () -> acme.setAlias(request.build()));
    PreconditionFailure used =
        detail(
            refused(Status.Code.FAILED_PRECONDITION, () -> acme.deleteVersion(version(2))),
            PreconditionFailure.class);
    assertThat(used.getViolations(0).getDescription()).contains("canary");
    assertThat(acme.setAlias(alias("canary")).getTargetsList()).isEmpty();
    refused(Status.Code.NOT_FOUND, () -> acme.setAlias(alias("canary")));
    var unused = acme.deleteVersion(version(2));
    assertThat(get("town").getVersionCount()).isEqualTo(1);
    assertThat(upload("acme", "town", 2).getNumber()).as("numbers do not come again").isEqualTo(3);
  }

  private Path files(AdapterVersion version) {
    return data.resolve("adapters/acme").resolve(version.getDigest().substring(7));
  }

  @Test
  void deleteVersion_waitsForItsAnswers_orGivesUp() throws Exception {
    upload("acme", "town", 1);
    AdapterVersion second = upload("acme", "town", 2);
    RpcFixture.Hold hold = fixture.holdEngine();
    GenerateRequest ask = RpcFixture.say("#").addAdapters(town().setNumber(2)).build();
    CompletableFuture<String> answer =
        later(() -> fixture.inference("acme").generateOnce(ask).getText());
    hold.awaitStep();

    refused(
        Status.Code.DEADLINE_EXCEEDED,
        () -> acme.withDeadlineAfter(200, TimeUnit.MILLISECONDS).deleteVersion(version(2)));
    AdapterName name = new AdapterName("acme", "town");
    until(
        () ->
            fixture.store.state().adapters().version(name, 2).orElseThrow().state()
                == VersionState.READY);
    CompletableFuture<?> deletion = later(() -> acme.deleteVersion(version(2)));
    until(
        () ->
            fixture.store.state().adapters().version(name, 2).orElseThrow().state()
                == VersionState.DRAINING);
    refused(Status.Code.FAILED_PRECONDITION, () -> fixture.inference("acme").generateOnce(ask));
    assertThat(deletion).isNotDone();
    assertThat(files(second)).isDirectory();
    hold.release();

    deletion.get();
    assertThat(answer.get()).as("finishes on what it started with").isEqualTo("c");
    assertThat(files(second)).doesNotExist();
    refused(Status.Code.FAILED_PRECONDITION, () -> fixture.inference("acme").generateOnce(ask));
  }

  @Test
  void deleteAdapter_takesEverything_butWhatOthersNeed() {
    AdapterVersion first = upload("acme", "town", 1);
    AdapterVersion second = upload("acme", "town", 2);
    upload("acme", "other", 1);
    refused(
        Status.Code.ABORTED,
        () ->
            acme.deleteAdapter(
                DeleteAdapterRequest.newBuilder().setName("town").setEtag("stale").build()));

    var unused =
        acme.deleteAdapter(
            DeleteAdapterRequest.newBuilder()
                .setName("town")
                .setEtag(get("town").getEtag())
                .build());

    refused(Status.Code.NOT_FOUND, () -> get("town"));
    assertThat(files(first)).as("the other adapter has the same files").isDirectory();
    assertThat(files(second)).doesNotExist();
    assertThat(fixture.inference("acme").generateOnce(UploadTest.ask("other")).getText())
        .isEqualTo("b");
  }

  @Test
  void unload_waitsForAnswers_andLaterOnesLoadAnew() throws Exception {
    upload("acme", "town", 1);
    RpcFixture.Hold hold = fixture.holdEngine();
    CompletableFuture<String> answer =
        later(() -> fixture.inference("acme").generateOnce(UploadTest.ask("town")).getText());
    hold.awaitStep();
    CompletableFuture<AdapterVersion> unloaded =
        later(() -> acme.unload(UnloadRequest.newBuilder().setAdapter(town()).build()));
    until(() -> fixture.store.store().stats().adapters() == 0);
    assertThat(unloaded).isNotDone();
    hold.release();

    assertThat(unloaded.get().getTier()).isEqualTo(dev.tributary.v1.Tier.TIER_DISK);
    assertThat(answer.get()).isEqualTo("b");
    assertThat(acme.load(LoadRequest.newBuilder().setAdapter(town()).build()).getTier())
        .isEqualTo(dev.tributary.v1.Tier.TIER_DEVICE);
  }

  @Test
  void pins_lastAcrossRestarts() {
    upload("acme", "town", 1);
    assertThat(acme.pin(PinRequest.newBuilder().setAdapter(town()).build()).getPinned()).isTrue();
    fixture.close();
    open();

    var version = fixture.store.resolve("acme", dev.tributary.server.adapter.AdapterRef.of("town"));
    until(() -> fixture.store.tier(version) == Tier.DEVICE);
    assertThat(get("town").getProdVersion().getPinned()).isTrue();
    assertThat(acme.unpin(UnpinRequest.newBuilder().setAdapter(town()).build()).getPinned())
        .isFalse();
  }

  @Test
  void damagedFiles_areQuarantined_andTheOthersServed() throws Exception {
    AdapterVersion bad = upload("acme", "town", 1);
    upload("acme", "fine", 2);
    Path weights = files(bad).resolve("adapter_model.safetensors");
    byte[] bytes = Files.readAllBytes(weights);
    bytes[bytes.length - 1] ^= 1;
    Files.write(weights, bytes);

    for (int i = 0; i < 2; i++) {
      refused(
          Status.Code.DATA_LOSS,
          () -> fixture.inference("acme").generateOnce(UploadTest.ask("town")));
    }
    AdapterVersion told = get("town").getProdVersion();
    assertThat(told.getState()).isEqualTo(AdapterVersion.State.STATE_QUARANTINED);
    assertThat(told.getStateReason()).contains(bad.getDigest());
    assertThat(files(bad)).doesNotExist();
    assertThat(fixture.inference("acme").generateOnce(UploadTest.ask("fine")).getText())
        .isEqualTo("c");
    fixture.close();
    open();
    refused(
        Status.Code.DATA_LOSS,
        () -> fixture.inference("acme").generateOnce(UploadTest.ask("town")));
    assertThat(upload("acme", "town", 1).getNumber()).isEqualTo(2);
  }

  @Test
  void whatIsAnothers_isAsUnknown_whateverIsAsked() {
    upload("bolt", "secret", 1);
    Map<String, String> told = new HashMap<>();
    for (String name : List.of("bolt/secret", "bolt/nobody", "nope/secret")) {
      List<ThrowingCallable> calls =
          List.of(
              () -> get(name),
              () -> acme.listVersions(ListVersionsRequest.newBuilder().setAdapter(name).build()),
              () ->
                  acme.updateAdapter(
                      UpdateAdapterRequest.newBuilder()
                          .setAdapter(Adapter.newBuilder().setName(name))
                          .setUpdateMask(FieldMask.newBuilder().addPaths("*"))
                          .build()),
              () -> acme.deleteAdapter(DeleteAdapterRequest.newBuilder().setName(name).build()),
              () ->
                  acme.deleteVersion(
                      DeleteVersionRequest.newBuilder().setAdapter(name).setNumber(1).build()),
              () -> acme.setAlias(alias("prod", 1, 1).toBuilder().setAdapter(name).build()),
              () ->
                  acme.createAdapter(
                      CreateAdapterRequest.newBuilder()
                          .setAdapter(Adapter.newBuilder().setName(name))
                          .build()),
              () -> acme.load(LoadRequest.newBuilder().setAdapter(town().setName(name)).build()),
              () -> acme.pin(PinRequest.newBuilder().setAdapter(town().setName(name)).build()),
              () ->
                  acme.watchAdapters(WatchAdaptersRequest.newBuilder().addNames(name).build())
                      .next(),
              () -> fixture.inference("acme").generateOnce(UploadTest.ask(name)),
              () -> fixture.uploader("acme").upload(name, adapters.files(3)));
      for (int i = 0; i < calls.size(); i++) {
        StatusRuntimeException refused = refused(Status.Code.NOT_FOUND, calls.get(i));
        String status = StatusProto.fromThrowable(refused).toString().replace(name, "NAME");
        assertThat(told.computeIfAbsent("call " + i, first -> status)).isEqualTo(status);
      }
    }
    refused(
        Status.Code.NOT_FOUND,
        () -> acme.listAdapters(ListAdaptersRequest.newBuilder().setTenant("bolt").build()));
  }

  @Test
  void thePublics_canBeReadAndLoaded_notChanged() {
    upload("public", "town", 1);
    assertThat(get("town").getName()).isEqualTo("public/town");
    assertThat(fixture.inference("acme").generateOnce(UploadTest.ask("town")).getText())
        .isEqualTo("b");
    String name = "public/town";
    for (ThrowingCallable call :
        List.<ThrowingCallable>of(
            () -> acme.deleteAdapter(DeleteAdapterRequest.newBuilder().setName(name).build()),
            () -> acme.setAlias(alias("prod", 1, 1).toBuilder().setAdapter(name).build()),
            () -> acme.unload(UnloadRequest.newBuilder().setAdapter(town()).build()),
            () -> acme.pin(PinRequest.newBuilder().setAdapter(town()).build()),
            () -> fixture.uploader("acme").upload(name, adapters.files(2)))) {
      refused(Status.Code.PERMISSION_DENIED, call);
    }
    upload("acme", "town", 5);
    assertThat(fixture.inference("acme").generateOnce(UploadTest.ask("town")).getText())
        .as("one's own comes first")
        .isEqualTo("f");
    assertThat(fixture.inference("bolt").generateOnce(UploadTest.ask("town")).getText())
        .isEqualTo("b");
    assertThat(acme.listAdapters(ListAdaptersRequest.getDefaultInstance()).getAdaptersList())
        .extracting(Adapter::getName)
        .containsExactly("acme/town", "public/town");
  }

  @Test
  void watch_tellsWhatIs_thenWhatChanges() {
    upload("acme", "town", 1);
    upload("bolt", "other", 1);
    Iterator<AdapterEvent> events = acme.watchAdapters(WatchAdaptersRequest.getDefaultInstance());

    AdapterEvent.TierChange first = events.next().getTier();
    assertThat(first.getAdapter()).isEqualTo("acme/town");
    assertThat(first.getFrom()).isEqualTo(dev.tributary.v1.Tier.TIER_UNSPECIFIED);
    assertThat(first.getTo()).isEqualTo(dev.tributary.v1.Tier.TIER_DISK);
    assertThat(events.next().getAlias().getAlias().getName()).isEqualTo("prod");

    upload("bolt", "other", 2);
    upload("acme", "town", 2);
    AdapterEvent.TierChange came = events.next().getTier();
    assertThat(came.getAdapter() + came.getNumber()).isEqualTo("acme/town2");
    var unused = acme.load(LoadRequest.newBuilder().setAdapter(town().setNumber(2)).build());
    AdapterEvent.TierChange loaded = events.next().getTier();
    assertThat(loaded.getTo()).isEqualTo(dev.tributary.v1.Tier.TIER_DEVICE);
    assertThat(loaded.hasLoadTime()).isTrue();
    var set = acme.setAlias(alias("canary", 2, 1));
    assertThat(events.next().getAlias().getAlias()).isEqualTo(set);
    set = acme.setAlias(alias("canary"));
    assertThat(events.next().getAlias().getAlias()).isEqualTo(set);
    var gone = acme.deleteVersion(version(2));
    Set<dev.tributary.v1.Tier> last = new HashSet<>();
    last.add(events.next().getTier().getTo());
    last.add(events.next().getTier().getTo());
    assertThat(last)
        .containsExactlyInAnyOrder(
            dev.tributary.v1.Tier.TIER_DISK, dev.tributary.v1.Tier.TIER_UNSPECIFIED);
    assertThat(Objects.requireNonNull(gone)).isNotNull();
  }

  @Test
  void watch_thatIsNotRead_isEnded() {
    upload("acme", "town", 1);
    Iterator<AdapterEvent> events =
        acme.watchAdapters(WatchAdaptersRequest.newBuilder().addNames("town").build());
    events.next();
    var names = fixture.store.store().catalogue();
    AdapterName name = new AdapterName("acme", "town");
    // The transport's own buffer takes some of them.
    StatusRuntimeException end = null;
    for (int i = 0; i < 1_200; i++) {
      var unused =
          names.setAlias(
              name,
              "canary",
              List.of(new dev.tributary.server.state.AliasRecord.Target(1, 1 + i % 9)),
              null,
              null);
    }
    while (end == null) {
      try {
        events.next();
      } catch (StatusRuntimeException e) {
        end = e;
      }
    }
    assertThat(end.getStatus().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
    assertThat(end.getStatus().getDescription()).contains("watch anew");
    until(() -> fixture.server.calls() == 0);
  }
}
