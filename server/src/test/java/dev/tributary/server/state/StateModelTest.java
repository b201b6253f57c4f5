package dev.tributary.server.state;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Random operations on the state and on a model in memory, which must agree on every outcome, and
/// on everything that can be read, across restarts.
class StateModelTest {
  private static final int OPERATIONS = 1_000;
  private static final int COMPARED_EVERY = 25;
  private static final List<String> TENANTS = List.of("acme", "other", "public");

  @TempDir Path folder;
  private final FakeTime time = new FakeTime();
  private final ModelAdapters model = new ModelAdapters(time);
  private final SortedMap<String, KeyRecord> keys = new TreeMap<>();
  private final Map<String, String> secrets = new HashMap<>();
  private final Map<String, UploadRecord> uploads = new HashMap<>();
  private final Map<List<String>, Instant> requests = new HashMap<>();
  private final List<AuditEntry> audit = new ArrayList<>();
  private final Map<String, String> etags = new HashMap<>();
  private Random random = new Random();
  private @Nullable State open;
  private int refused;

  private State state() {
    if (open == null) {
      open = State.open(folder.resolve("state.db"), time);
    }
    return open;
  }

  private void restart() {
    close();
    model.restart();
  }

  @AfterEach
  void close() {
    if (open != null) {
      open.close();
      open = null;
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void operations_doWhatTheModelDoes(long seed) {
    random = new Random(seed);
    state().tenants().create("acme", "", Quota.NONE);
    state().tenants().create("other", "", Quota.NONE);
    for (int i = 0; i < OPERATIONS; i++) {
      time.advance(Duration.ofMillis(random.nextInt(600_000)));
      switch (random.nextInt(12)) {
        case 0 -> useKeys();
        case 1 -> useUploads();
        case 2 -> useRequests();
        case 3 ->
            audit.addFirst(state().audit().append(time.instant(), "k", "t", "a", "s", "OK", ""));
        default -> useAdapters();
      }
      if (random.nextInt(100) == 0) {
        restart();
      }
      if (i % COMPARED_EVERY == 0) {
        compare();
      }
    }
    compare();
    assertThat(refused).as("refused operations").isBetween(OPERATIONS / 50, OPERATIONS / 2);
  }

  /// Both must do it, or refuse it for the same reason.
  private void both(Runnable real, Runnable modelled) {
    Optional<StateException.Reason> got = refusal(real);
    assertThat(got).isEqualTo(refusal(modelled));
    refused += got.isPresent() ? 1 : 0;
  }

  private static Optional<StateException.Reason> refusal(Runnable operation) {
    try {
      operation.run();
      return Optional.empty();
    } catch (StateException e) {
      StateException.Reason reason = e.reason();
      return Optional.of(
          reason instanceof StateException.EtagMismatch mismatch
              ? new StateException.EtagMismatch(mismatch.kind(), mismatch.name(), "")
              : reason);
    }
  }

  private AdapterName anyName() {
    return new AdapterName(pick(TENANTS), pick(List.of("A", "b", "c-1", "d.x")));
  }

  private <T> T pick(List<T> of) {
    return of.get(random.nextInt(of.size()));
  }

  private int anyNumber() {
    return 1 + random.nextInt(6);
  }

  private StorageLimits anyLimits() {
    return switch (random.nextInt(3)) {
      case 0 -> new StorageLimits(3, null);
      case 1 -> new StorageLimits(null, 300L);
      default -> StorageLimits.NONE;
    };
  }

  /// Null, the stored one, or for `stale` another.
  private @Nullable String etag(boolean stale, Optional<String> stored) {
    return stale ? "stale" : random.nextBoolean() ? stored.orElse(null) : null;
  }

  private void useAdapters() {
    Adapters real = state().adapters();
    AdapterName name = anyName();
    int number = anyNumber();
    boolean stale = random.nextInt(8) == 0;
    @Nullable String etag = etag(stale, real.get(name).map(AdapterRecord::etag));
    StorageLimits limits = anyLimits();
    switch (random.nextInt(12)) {
      case 0 -> {
        Map<String, String> labels = Map.of("k" + number, "v");
        both(
            () -> real.create(name, "d" + number, labels, limits),
            () -> model.create(name, "d" + number, labels, limits));
      }
      case 1 ->
          both(
              () -> real.update(name, etag, a -> a.withDescription("u" + number)),
              () -> model.update(name, stale, "u" + number));
      case 2 -> both(() -> real.delete(name, etag), () -> model.delete(name, stale));
      case 3, 4, 5, 6 -> {
        @Nullable Path linked = random.nextInt(4) == 0 ? Path.of("/f" + number) : null;
        VersionFacts facts = Samples.facts(number, linked == null ? number * 20L : 0, linked);
        both(() -> real.publish(name, facts, limits), () -> model.publish(name, facts, limits));
      }
      case 7 -> {
        VersionState next = pick(List.of(VersionState.values()));
        both(
            () -> real.setState(name, number, next, "because"),
            () -> model.setState(name, number, next, "because"));
      }
      case 8 -> {
        boolean pin = random.nextBoolean();
        both(() -> real.setPinned(name, number, pin), () -> model.setPinned(name, number, pin));
      }
      case 9 ->
          both(() -> real.deleteVersion(name, number), () -> model.deleteVersion(name, number));
      default -> useAliases(real, name, stale);
    }
  }

  private void useAliases(Adapters real, AdapterName name, boolean stale) {
    String alias = pick(List.of("prod", "canary"));
    @Nullable String etag = etag(stale, real.alias(name, alias).map(AliasRecord::etag));
    if (random.nextInt(3) == 0) {
      both(() -> real.removeAlias(name, alias, etag), () -> model.removeAlias(name, alias, stale));
      return;
    }
    List<AliasRecord.Target> targets =
        IntStream.rangeClosed(1, 5)
            .filter(number -> number == 1 || random.nextInt(3) == 0)
            .mapToObj(number -> new AliasRecord.Target(number, number == 1 ? 1 : random.nextInt(9)))
            .toList()
            .reversed();
    AliasRecord.@Nullable Shadow shadow =
        random.nextBoolean() ? null : new AliasRecord.Shadow(anyNumber(), 10);
    both(
        () -> real.setAlias(name, alias, targets, shadow, etag),
        () -> model.setAlias(name, alias, targets, shadow, stale));
  }

  private void useKeys() {
    List<String> made = List.copyOf(keys.keySet());
    if (made.isEmpty() || random.nextInt(3) > 0) {
      Instant expires = random.nextBoolean() ? null : time.instant().plus(Duration.ofHours(5));
      NewKey key = state().keys().create(new KeySpec(pick(TENANTS), Role.OWNER, "", "x", expires));
      keys.put(key.key().id(), key.key());
      secrets.put(key.key().id(), key.secret());
    } else {
      String id = pick(made);
      state().keys().revoke(id);
      keys.remove(id);
    }
  }

  private void useUploads() {
    List<String> made = List.copyOf(uploads.keySet());
    if (made.size() < 20 && random.nextBoolean()) {
      UploadRecord upload =
          state().uploads().create(anyName(), ByteBuffer.wrap(new byte[] {(byte) made.size()}));
      uploads.put(upload.id(), upload);
    } else if (!made.isEmpty()) {
      UploadRecord upload = pick(List.copyOf(uploads.values()));
      uploads.remove(upload.id());
      state().uploads().delete(upload.adapter().tenant(), upload.id());
    }
  }

  private void useRequests() {
    String tenant = pick(TENANTS);
    String id = "r" + random.nextInt(20);
    @Nullable Instant kept = requests.get(List.of(tenant, id));
    boolean taken =
        kept != null && Duration.between(kept, time.instant()).compareTo(Requests.KEPT) < 0;
    switch (state().requests().reserve(tenant, id, tenant + id)) {
      case Requests.Taken first -> {
        assertThat(taken).isTrue();
        assertThat(first.generationId()).isEqualTo(tenant + id);
      }
      case Requests.Reservation mine -> {
        assertThat(taken).isFalse();
        if (random.nextBoolean()) {
          mine.keep();
          requests.put(List.of(tenant, id), State.now(time));
        }
        mine.close();
      }
    }
  }

  private void compare() {
    Adapters real = state().adapters();
    View expected = model.view();
    View found = View.of(real, TENANTS, 1 + random.nextInt(5));
    assertThat(found.withoutEtags()).isEqualTo(expected.withoutEtags());
    compareEtags(expected.etags(), found.etags());
    assertThat(real.pinned())
        .isEqualTo(expected.versions().stream().filter(VersionRecord::pinned).toList());
    for (String tenant : TENANTS) {
      long adapters =
          expected.adapters().stream().filter(a -> a.name().tenant().equals(tenant)).count();
      assertThat(real.use(tenant)).isEqualTo(new StorageUse((int) adapters, model.bytes(tenant)));
    }
    compareSingly(real, expected);
    compareTheRest();
  }

  /// What is remembered from reads before must be what the pages say.
  private static void compareSingly(Adapters real, View expected) {
    for (AdapterRecord adapter : expected.adapters()) {
      for (int number = 1; number <= adapter.latestVersion() + 1; number++) {
        int wanted = number;
        assertThat(real.version(adapter.name(), number))
            .isEqualTo(
                expected.versions().stream()
                    .filter(v -> v.adapter().equals(adapter.name()) && v.number() == wanted)
                    .findFirst());
      }
      assertThat(expected.aliases().get(adapter.name()))
          .allSatisfy(
              alias ->
                  assertThat(real.alias(adapter.name(), alias.name()).orElseThrow().targets())
                      .isEqualTo(alias.targets()));
    }
  }

  /// Equal where the model's are, new where the model's are new.
  private void compareEtags(List<String> expected, List<String> found) {
    for (int i = 0; i < expected.size(); i++) {
      String before = etags.putIfAbsent(expected.get(i), found.get(i));
      assertThat(before == null ? found.get(i) : before).isEqualTo(found.get(i));
    }
    assertThat(etags.values()).doesNotHaveDuplicates();
  }

  private KeyRecord used(KeyRecord key) {
    return new KeyRecord(
        key.id(),
        key.tenant(),
        key.role(),
        key.contributor(),
        key.displayName(),
        key.created(),
        key.expires(),
        time.instant().truncatedTo(ChronoUnit.HOURS));
  }

  private void compareTheRest() {
    assertThat(state().keys().list(null, "", 1_000)).isEqualTo(List.copyOf(keys.values()));
    secrets.forEach(
        (id, secret) -> {
          @Nullable KeyRecord key = keys.get(id);
          boolean opens =
              key != null && (key.expires() == null || time.instant().isBefore(key.expires()));
          assertThat(state().keys().authenticate(secret, time.instant()).isPresent())
              .isEqualTo(opens);
          if (key != null && opens) {
            keys.put(id, used(key));
          }
        });
    assertThat(state().uploads().ids()).isEqualTo(uploads.keySet());
    assertThat(state().uploads().expired(1_000))
        .containsExactlyInAnyOrderElementsOf(
            uploads.values().stream()
                .filter(upload -> !upload.expires().isAfter(time.instant()))
                .toList());
    assertThat(state().audit().list(Long.MAX_VALUE, 10_000)).isEqualTo(audit);
  }
}
