package dev.tributary.server.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tributary.server.state.Quota;
import dev.tributary.v1.AdapterSelector;
import dev.tributary.v1.AdapterVersion;
import dev.tributary.v1.Alias;
import dev.tributary.v1.GenerateRequest;
import dev.tributary.v1.GenerateResponse;
import dev.tributary.v1.GetAdapterRequest;
import dev.tributary.v1.SetAliasRequest;
import dev.tributary.v1.UnloadRequest;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Two tenants with adapters of the same names and different weights, at the same time, while
/// weights come and go.
@Timeout(300)
class TenantsApartTest {
  private static final int CALLERS = 6;
  private static final int CALLS = 1_700;
  private static final List<String> NAMES = List.of("town", "guide");

  /// Weights' first number tells tenant, adapter and version.
  private static int seed(int tenant, int name, int version) {
    return 1 + 8 * tenant + 4 * name + version;
  }

  @Test
  void noCall_reachesTheOthersWeights(@TempDir Path folder) throws Exception {
    TinyAdapters adapters = new TinyAdapters(folder.resolve("written"));
    // Room for four of eight: weights come and go.
    var store = adapters.open(folder.resolve("data"), 4_096);
    List<String> tenants = List.of("acme", "bolt");
    try (RpcFixture fixture = new RpcFixture(adapters, store, RpcFixture.Options.PLAIN)) {
      fixture.server.serve();
      String[] digests = new String[32];
      for (int tenant = 0; tenant < 2; tenant++) {
        var unused = store.state().tenants().create(tenants.get(tenant), "", Quota.NONE);
        for (int name = 0; name < 2; name++) {
          for (int version = 0; version < 2; version++) {
            int seed = seed(tenant, name, version);
            AdapterVersion made =
                fixture.uploader(tenants.get(tenant)).upload(NAMES.get(name), adapters.files(seed));
            digests[seed] = made.getDigest();
          }
        }
      }
      try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
        List<Future<?>> running = new ArrayList<>();
        for (int caller = 0; caller < CALLERS; caller++) {
          Random random = new Random(caller);
          int tenant = caller % 2;
          running.add(
              callers.submit(
                  () -> {
                    for (int i = 0; i < CALLS; i++) {
                      call(fixture, tenants, tenant, digests, random);
                    }
                  }));
        }
        for (Future<?> future : running) {
          future.get();
        }
      }
    }
  }

  private static void call(
      RpcFixture fixture, List<String> tenants, int tenant, String[] digests, Random random) {
    int name = random.nextInt(2);
    int version = random.nextInt(2);
    String own = tenants.get(tenant);
    AdapterSelector.Builder selector = AdapterSelector.newBuilder().setName(NAMES.get(name));
    switch (random.nextInt(12)) {
      case 0 -> {
        var unused =
            fixture
                .adapterService(own)
                .unload(
                    UnloadRequest.newBuilder().setAdapter(selector.setNumber(1 + version)).build());
      }
      case 1 -> {
        Alias.Builder alias =
            Alias.newBuilder()
                .setName("prod")
                .addTargets(Alias.Target.newBuilder().setNumber(1 + version).setWeight(1));
        var unused =
            fixture
                .adapterService(own)
                .setAlias(
                    SetAliasRequest.newBuilder()
                        .setAdapter(NAMES.get(name))
                        .setAlias(alias)
                        .build());
      }
      case 2 -> {
        AdapterVersion prod =
            fixture
                .adapterService(own)
                .getAdapter(GetAdapterRequest.newBuilder().setName(NAMES.get(name)).build())
                .getProdVersion();
        assertThat(prod.getDigest())
            .isIn(digests[seed(tenant, name, 0)], digests[seed(tenant, name, 1)]);
      }
      case 3 ->
          refused(
              fixture,
              own,
              selector.setDigest(digests[seed(1 - tenant, name, version)]),
              Status.Code.FAILED_PRECONDITION);
      case 4 ->
          refused(
              fixture,
              own,
              selector.setName(tenants.get(1 - tenant) + "/" + NAMES.get(name)),
              Status.Code.NOT_FOUND);
      case 5, 6 -> {
        GenerateResponse answer = ask(fixture, own, selector);
        assertThat(letters(answer))
            .isIn(letter(seed(tenant, name, 0)), letter(seed(tenant, name, 1)));
      }
      case 7, 8 -> {
        selector.setDigest(digests[seed(tenant, name, version)]);
        assertThat(letters(ask(fixture, own, selector)))
            .isEqualTo(letter(seed(tenant, name, version)));
      }
      default -> {
        selector.setName(own + "/" + NAMES.get(name)).setNumber(1 + version);
        GenerateResponse answer = ask(fixture, own, selector);
        assertThat(letters(answer)).isEqualTo(letter(seed(tenant, name, version)));
        assertThat(answer.getStarted().getAdapters(0).getDigest())
            .isEqualTo(digests[seed(tenant, name, version)]);
      }
    }
  }

  private static String letters(GenerateResponse answer) {
    return answer.getText();
  }

  private static String letter(int seed) {
    return String.valueOf((char) ('a' + seed));
  }

  private static GenerateResponse ask(
      RpcFixture fixture, String tenant, AdapterSelector.Builder selector) {
    return fixture
        .inference(tenant)
        .generateOnce(GenerateRequest.newBuilder().setPrompt("#\n").addAdapters(selector).build());
  }

  private static void refused(
      RpcFixture fixture, String tenant, AdapterSelector.Builder selector, Status.Code code) {
    StatusRuntimeException refused = RpcFixture.refused(code, () -> ask(fixture, tenant, selector));
    assertThat(refused).isNotNull();
  }
}
