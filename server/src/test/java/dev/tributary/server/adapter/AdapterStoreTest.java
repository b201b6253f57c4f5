package dev.tributary.server.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.tributary.server.adapter.AdapterRef.Alias;
import dev.tributary.server.adapter.AdapterRef.Digest;
import dev.tributary.server.adapter.AdapterRef.Number;
import dev.tributary.server.adapter.AdapterRefusal.Corrupt;
import dev.tributary.server.adapter.AdapterRefusal.Malformed;
import dev.tributary.server.adapter.AdapterRefusal.NoEffect;
import dev.tributary.server.adapter.AdapterRefusal.NoSuchVersion;
import dev.tributary.server.adapter.AdapterRefusal.NotFound;
import dev.tributary.server.adapter.AdapterRefusal.WrongBase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class AdapterStoreTest {
  /// Bytes of the weights of [PeftFiles#small].
  private static final long SMALL = 2 * 2 * 4L * (32 + 32 + 32 + 16);

  @TempDir Path root;
  private final FakeProbe probe = new FakeProbe();
  private TestStore store;

  @BeforeEach
  void open() {
    store = store(1 << 20);
  }

  @AfterEach
  void close() {
    store.close();
  }

  @Test
  void resolve_eachWayToNameAVersion_pinsTheSame() throws IOException {
    offer("town", 1);
    AdapterVersion version = store.resolve("me", AdapterRef.of("town"));
    assertThat(version.number()).isEqualTo(1);
    assertThat(version.tenant()).isEqualTo("public");
    assertThat(version.digest()).matches("sha256:[0-9a-f]{64}");
    assertThat(version.rank()).isEqualTo(4);
    assertThat(version.targets()).containsExactly("q_proj", "v_proj");
    assertThat(version.parameters()).isEqualTo(SMALL / 2);
    assertThat(version.bytes()).isEqualTo(SMALL);
    assertThat(version.baseName()).isEqualTo(TinyBase.NAME);
    assertThat(version.dora()).isFalse();
    assertThat(version.alone()).isFalse();
    assertThat(store.resolve("me", new AdapterRef("town", new Number(1)))).isEqualTo(version);
    assertThat(store.resolve("me", new AdapterRef("public/town", new Alias("prod"))))
        .isEqualTo(version);
    assertThat(store.resolve("me", new AdapterRef("town", new Digest(version.digest()))))
        .isEqualTo(version);
  }

  @Test
  void resolve_otherVersion_namesTheVersions() throws IOException {
    offer("town", 1);
    String digest = store.resolve("me", AdapterRef.of("town")).digest();
    for (AdapterRef.Selection selection :
        List.of(new Number(2), new Alias("canary"), new Digest("sha256:" + "0".repeat(64)))) {
      AdapterRefusal refusal =
          refusal(() -> store.resolve("me", new AdapterRef("town", selection)));
      assertThat(refusal).isInstanceOf(NoSuchVersion.class);
      assertThat(refusal.message()).contains(selection.text(), "version 1", "prod", digest);
    }
  }

  @Test
  void resolve_nameThatIsNotOffered_isNotFound() throws IOException {
    offer("town", 1);
    Files.createDirectories(root.resolve("sub"));
    PeftFiles.small(2).write(root.resolve("sub/inner"));
    for (String name :
        List.of(
            "other",
            "",
            ".",
            "..",
            "town/",
            "/town",
            "me/town",
            "other/town",
            "public/public/town",
            "sub/inner",
            "../" + root.getFileName() + "/town",
            "TOWN",
            "town\0",
            "t".repeat(64),
            "tówn",
            "public/..",
            "town\n")) {
      assertThat(refusal(() -> store.resolve("me", AdapterRef.of(name))))
          .isEqualTo(new NotFound(name));
    }
  }

  @Test
  void resolve_folderAddedLater_isFound() throws IOException {
    assertThat(refusal(() -> store.resolve("me", AdapterRef.of("town"))))
        .isEqualTo(new NotFound("town"));
    offer("town", 1);
    assertThat(store.resolve("me", AdapterRef.of("town")).number()).isEqualTo(1);
  }

  @Test
  void resolve_refusedFolder_saysWhyUntilItIsMended() throws IOException {
    PeftFiles.small(1).set("base_model_name_or_path", "other").write(root.resolve("town"));
    for (int i = 0; i < 3; i++) {
      assertThat(refusal(() -> store.resolve("me", AdapterRef.of("town"))))
          .isInstanceOf(WrongBase.class);
    }
    offer("town", 1);
    assertThat(store.resolve("me", AdapterRef.of("town")).number()).isEqualTo(1);
  }

  @Test
  void lease_manyAtOnce_loadsOnce() throws Exception {
    offer("town", 1);
    AdapterVersion version = store.resolve("me", AdapterRef.of("town"));
    CompletableFuture<Void> gate = new CompletableFuture<>();
    probe.gate = gate;
    List<CompletableFuture<Lease>> leases = new ArrayList<>();
    try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      CountDownLatch start = new CountDownLatch(1);
      List<Future<CompletableFuture<Lease>>> asked = new ArrayList<>();
      for (int i = 0; i < 200; i++) {
        asked.add(
            callers.submit(
                () -> {
                  start.await();
                  return store.lease(version);
                }));
      }
      start.countDown();
      for (Future<CompletableFuture<Lease>> future : asked) {
        leases.add(future.get());
      }
    }
    assertThat(leases).noneMatch(CompletableFuture::isDone);
    assertThat(store.tier(version)).isEqualTo(Tier.DISK);
    gate.complete(null);
    for (CompletableFuture<Lease> lease : leases) {
      assertThat(lease.join().weights()).isSameAs(leases.getFirst().join().weights());
      assertThat(lease.join().tier()).isEqualTo(Tier.DISK);
      assertThat(lease.join().loadTime()).isPositive();
    }
    assertThat(probe.calls).hasValue(1);
    assertThat(store.tier(version)).isEqualTo(Tier.DEVICE);
    assertThat(store.leases(version)).isEqualTo(200);
    leases.forEach(lease -> lease.join().close());
    leases.getFirst().join().close();
    assertThat(store.leases(version)).isZero();
  }

  @Test
  void lease_loaded_isReadyAtOnce() throws IOException {
    offer("town", 1);
    AdapterVersion version = store.resolve("me", AdapterRef.of("town"));
    store.lease(version).join().close();
    CompletableFuture<Lease> again = store.lease(version);
    assertThat(again).isDone();
    assertThat(again.join().tier()).isEqualTo(Tier.DEVICE);
    assertThat(again.join().loadTime()).isEqualTo(Duration.ZERO);
    assertThat(again.join().version()).isEqualTo(version);
    assertThat(again.join().use(0.5f).scale()).isEqualTo(0.5f);
  }

  @Test
  void lease_sameFilesUnderTwoNames_shareWeights() throws IOException {
    offer("one", 1);
    offer("two", 1);
    try (Lease one = store.lease(store.resolve("me", AdapterRef.of("one"))).join();
        Lease two = store.lease(store.resolve("me", AdapterRef.of("two"))).join()) {
      assertThat(one.weights()).isSameAs(two.weights());
      assertThat(two.version().name()).isEqualTo("two");
    }
  }

  @Test
  void lease_evictedWhileInUse_isFoundAgain() throws IOException {
    store.close();
    // Room for either, not for both.
    store = store(3000);
    offer("one", 1);
    offer("two", 2);
    AdapterVersion first = store.resolve("me", AdapterRef.of("one"));
    AdapterVersion second = store.resolve("me", AdapterRef.of("two"));
    try (Lease one = store.lease(first).join();
        Lease two = store.lease(second).join();
        Lease again = store.lease(first).join();
        Lease andAgain = store.lease(second).join()) {
      assertThat(again.weights()).isSameAs(one.weights());
      assertThat(andAgain.weights()).isSameAs(two.weights());
      assertThat(store.leases(first)).isEqualTo(2);
    }
    assertThat(probe.calls).hasValue(2);
  }

  @Test
  void lease_cancelledWhileLoading_isNotCounted() throws IOException {
    offer("town", 1);
    AdapterVersion version = store.resolve("me", AdapterRef.of("town"));
    CompletableFuture<Void> gate = new CompletableFuture<>();
    probe.gate = gate;
    CompletableFuture<Lease> given = store.lease(version);
    CompletableFuture<Lease> kept = store.lease(version);
    given.cancel(false);
    gate.complete(null);
    try (Lease lease = kept.join()) {
      assertThat(lease.version()).isEqualTo(version);
      assertThat(store.leases(version)).isEqualTo(1);
    }
  }

  @Test
  void lease_withoutEffect_isRefusedOnce() throws IOException {
    offer("town", 1);
    probe.deaf = true;
    AdapterVersion version = store.resolve("me", AdapterRef.of("town"));
    assertThat(leaseRefusal(version)).isInstanceOf(NoEffect.class);
    for (int i = 0; i < 3; i++) {
      assertThat(refusal(() -> store.resolve("me", AdapterRef.of("town"))))
          .isInstanceOf(NoEffect.class);
    }
    assertThat(probe.calls).hasValue(1);
    AdapterInfo info = store.get("me", "town");
    assertThat(info.refusal()).isInstanceOf(NoEffect.class);
    assertThat(TestStore.latest(info)).isEqualTo(version);
    offer("town", 2);
    probe.deaf = false;
    AdapterVersion mended = store.resolve("me", AdapterRef.of("town"));
    assertThat(mended.number()).isEqualTo(2);
    store.lease(mended).join().close();
  }

  @Test
  void lease_changedFiles_refusedThenOfferedAsNextVersion() throws IOException {
    offer("town", 1);
    AdapterVersion first = store.resolve("me", AdapterRef.of("town"));
    offer("town", 2);
    AdapterRefusal refusal = leaseRefusal(first);
    assertThat(refusal).isInstanceOf(Corrupt.class);
    AdapterVersion second = store.resolve("me", AdapterRef.of("town"));
    assertThat(second.number()).isEqualTo(2);
    assertThat(refusal.message())
        .isEqualTo(
            "the files of adapter \"town\" are no longer those of digest %s: they have digest %s"
                .formatted(first.digest(), second.digest()));
    store.lease(second).join().close();
    // The old number never comes to mean the new files.
    assertThat(refusal(() -> store.resolve("me", new AdapterRef("town", new Number(1)))))
        .isInstanceOf(NoSuchVersion.class);
  }

  @Test
  void lease_oneBitFlipped_isQuarantined() throws IOException {
    offer("town", 1);
    AdapterVersion version = store.resolve("me", AdapterRef.of("town"));
    Path file = root.resolve("town/adapter_model.safetensors");
    FileTime written = Files.getLastModifiedTime(file);
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length - 10] ^= 1;
    Files.write(file, bytes);
    Files.setLastModifiedTime(file, written);
    assertThat(leaseRefusal(version)).isInstanceOf(Corrupt.class);
    assertThat(refusal(() -> store.resolve("me", AdapterRef.of("town"))))
        .isInstanceOf(Corrupt.class);
    assertThat(probe.calls).hasValue(0);
  }

  @Test
  void lease_changedToGarbage_isCorrupt() throws IOException {
    for (int length : new int[] {0, 7, 100}) {
      String name = "town" + length;
      offer(name, 1);
      AdapterVersion version = store.resolve("me", AdapterRef.of(name));
      Files.write(root.resolve(name + "/adapter_model.safetensors"), new byte[length]);
      AdapterRefusal corrupt = leaseRefusal(version);
      assertThat(corrupt).isInstanceOf(Corrupt.class);
      AdapterRefusal malformed = refusal(() -> store.resolve("me", AdapterRef.of(name)));
      assertThat(malformed).isInstanceOf(Malformed.class);
      assertThat(corrupt.message()).endsWith(version.digest() + ": " + malformed.message());
    }
  }

  @Test
  void lease_vanishedFiles_isCorruptThenNotFound() throws IOException {
    offer("town", 1);
    AdapterVersion version = store.resolve("me", AdapterRef.of("town"));
    for (String file : List.of("adapter_config.json", "adapter_model.safetensors")) {
      Files.delete(root.resolve("town").resolve(file));
    }
    assertThat(leaseRefusal(version)).isInstanceOf(Corrupt.class);
    assertThat(refusal(() -> store.resolve("me", AdapterRef.of("town"))))
        .isEqualTo(new Malformed("adapter_config.json", "is missing"));
    Files.delete(root.resolve("town"));
    assertThat(refusal(() -> store.resolve("me", AdapterRef.of("town"))))
        .isEqualTo(new NotFound("town"));
    assertThat(leaseRefusal(version)).isEqualTo(new NotFound("town"));
  }

  @Test
  void lease_loadedBeforeItsFilesChanged_staysWhatItWas() throws IOException {
    offer("town", 1);
    AdapterVersion version = store.resolve("me", AdapterRef.of("town"));
    try (Lease lease = store.lease(version).join()) {
      offer("town", 2);
      try (Lease again = store.lease(version).join()) {
        assertThat(again.weights()).isSameAs(lease.weights());
      }
    }
  }

  @Test
  void lease_probeFails_isNoRefusal() throws IOException {
    offer("town", 1);
    AdapterVersion version = store.resolve("me", AdapterRef.of("town"));
    probe.gate = CompletableFuture.failedFuture(new IllegalArgumentException("engine"));
    assertThat(catchThrowable(() -> store.lease(version).join()))
        .hasRootCauseMessage("engine")
        .hasCauseInstanceOf(IllegalStateException.class);
    probe.gate = CompletableFuture.completedFuture(null);
    store.lease(store.resolve("me", AdapterRef.of("town"))).join().close();
  }

  @Test
  void lease_closedStore_fails() throws IOException {
    offer("town", 1);
    AdapterVersion version = store.resolve("me", AdapterRef.of("town"));
    probe.gate = new CompletableFuture<>();
    CompletableFuture<Lease> waiting = store.lease(version);
    while (probe.calls.get() == 0) {
      Thread.onSpinWait(); // until the load has come to its proof
    }
    store.store().close();
    assertThatThrownBy(waiting::join).hasCauseInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> store.lease(version).join())
        .hasCauseInstanceOf(IllegalStateException.class);
  }

  @Test
  void lease_randomCallers_countAndNeverLoadTwiceAtOnce() throws Exception {
    int adapters = 6;
    store.close();
    store = store(3 * SMALL);
    List<AdapterVersion> versions = new ArrayList<>();
    for (int i = 0; i < adapters; i++) {
      offer("a" + i, i);
      versions.add(store.resolve("me", AdapterRef.of("a" + i)));
    }
    try (ExecutorService callers = Executors.newFixedThreadPool(8)) {
      List<Future<?>> running = new ArrayList<>();
      for (int caller = 0; caller < 8; caller++) {
        Random random = new Random(caller);
        running.add(
            callers.submit(
                () -> {
                  for (int i = 0; i < 200; i++) {
                    AdapterVersion version = versions.get(random.nextInt(adapters));
                    try (Lease lease = store.lease(version).join()) {
                      assertThat(store.leases(version)).isBetween(1, 16);
                      assertThat(store.tier(version)).isEqualTo(Tier.DEVICE);
                      try (Lease again = store.lease(version).join()) {
                        assertThat(again.weights()).isSameAs(lease.weights());
                      }
                    }
                  }
                }));
      }
      for (Future<?> future : running) {
        future.get();
      }
    }
    versions.forEach(version -> assertThat(store.leases(version)).isZero());
  }

  @Test
  void list_mixedFolders_tellsEachProblem() throws IOException {
    offer("good", 1);
    PeftFiles.small(2).set("lora_bias", true).write(root.resolve("bad"));
    PeftFiles.small(3).write(root.resolve("Not A Name"));
    PeftFiles.small(4).write(root.resolve(".hidden"));
    Files.createDirectories(root.resolve("empty"));
    Files.writeString(root.resolve("README.md"), "not a folder");
    List<AdapterInfo> all = store.list("", 100);
    assertThat(all).extracting(AdapterInfo::name).containsExactly("bad", "empty", "good");
    assertThat(Objects.requireNonNull(all.get(0).refusal()).message()).startsWith("lora_bias: ");
    assertThat(Objects.requireNonNull(all.get(1).refusal()).message()).contains("is missing");
    assertThat(all.get(2).refusal()).isNull();
    assertThat(Objects.requireNonNull(all.get(2).prod()).tier()).isEqualTo(Tier.DISK);
    assertThat(refusal(() -> store.resolve("me", AdapterRef.of("Not A Name"))))
        .isInstanceOf(NotFound.class);
    offer("bad", 2);
    assertThat(store.list("", 1))
        .singleElement()
        .satisfies(info -> assertThat(info.refusal()).isNull());
  }

  @Test
  void list_folderIsGone_saysSo() {
    assertThat(
            refusal(
                () ->
                    TestStore.offering(
                        root.resolve("missing"),
                        new TinyBase(TinyBase.CONFIG),
                        TinyBase.IDENTITY,
                        probe,
                        1 << 20)))
        .isInstanceOf(AdapterRefusal.Unreadable.class);
  }

  @Test
  void list_thousandAdapters_pagesInOrder() throws IOException {
    for (int i = 0; i < 1000; i++) {
      offer("a%03d".formatted(i), i);
    }
    List<String> names = new ArrayList<>();
    String after = "";
    for (List<AdapterInfo> page = store.list(after, 300);
        !page.isEmpty();
        page = store.list(after, 300)) {
      page.forEach(info -> names.add(info.name()));
      after = page.getLast().name();
    }
    assertThat(names).hasSize(1000).isSorted().doesNotHaveDuplicates();
    List<AdapterVersion> versions =
        names.stream().map(name -> store.resolve("me", AdapterRef.of(name))).toList();
    assertThat(versions.stream().map(AdapterVersion::digest).distinct()).hasSize(1000);
    List<CompletableFuture<Lease>> leases = versions.stream().map(store::lease).toList();
    leases.forEach(lease -> assertThat(lease.join().weights().bytes()).isEqualTo(SMALL));
    leases.forEach(lease -> lease.join().close());
  }

  private void offer(String name, int seed) throws IOException {
    PeftFiles.small(seed).write(root.resolve(name));
  }

  private TestStore store(long bytes) {
    return TestStore.offering(root, new TinyBase(TinyBase.CONFIG), TinyBase.IDENTITY, probe, bytes);
  }

  private AdapterRefusal leaseRefusal(AdapterVersion version) {
    CompletionException e =
        catchThrowableOfType(CompletionException.class, () -> store.lease(version).join());
    assertThat(e).hasCauseInstanceOf(AdapterException.class);
    return ((AdapterException) Objects.requireNonNull(e.getCause())).refusal();
  }

  private static AdapterRefusal refusal(ThrowingCallable call) {
    AdapterException e = catchThrowableOfType(AdapterException.class, call);
    return Objects.requireNonNull(e, "nothing was refused").refusal();
  }
}
