package dev.tributary.server.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.FieldMask;
import dev.tributary.server.adapter.TestStore;
import dev.tributary.server.state.Quota;
import dev.tributary.v1.Adapter;
import dev.tributary.v1.AdapterSelector;
import dev.tributary.v1.AdapterVersion;
import dev.tributary.v1.Alias;
import dev.tributary.v1.CreateAdapterRequest;
import dev.tributary.v1.DeleteAdapterRequest;
import dev.tributary.v1.DeleteVersionRequest;
import dev.tributary.v1.GenerateRequest;
import dev.tributary.v1.GetAdapterRequest;
import dev.tributary.v1.ListAdaptersRequest;
import dev.tributary.v1.ListVersionsRequest;
import dev.tributary.v1.SetAliasRequest;
import dev.tributary.v1.UpdateAdapterRequest;
import dev.tributary.v1.UploadVersionRequest.Header;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Random calls against the service and a plain model of it in memory, with restarts, and with
/// disks that fail once.
@Timeout(300)
class AdaptersModelTest {
  private static final int STEPS = 220;
  private static final List<String> TENANTS = List.of("acme", "bolt", "public");
  private static final List<String> NAMES = List.of("town", "guide", "soap");

  /// What the service should know of one adapter.
  private static final class Known {
    String description = "";
    int latest;

    /// Seeds by number.
    final TreeMap<Integer, Integer> versions = new TreeMap<>();

    /// The one target of each.
    final TreeMap<String, Integer> aliases = new TreeMap<>();
  }

  @TempDir Path folder;
  private final TreeMap<String, Known> model = new TreeMap<>();
  private Random random = new Random();

  @SuppressWarnings("NullAway.Init")
  private TinyAdapters adapters;

  @SuppressWarnings("NullAway.Init")
  private RpcFixture fixture;

  private int failures;

  @BeforeEach
  void start() {
    adapters = new TinyAdapters(folder.resolve("written"));
    fixture = open(-1);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void theService_isTheModel(long seed) {
    random = new Random(seed);
    for (String tenant : List.of("acme", "bolt")) {
      var unused = fixture.store.state().tenants().create(tenant, "", Quota.NONE);
    }
    try {
      for (int step = 0; step < STEPS; step++) {
        step();
      }
      restart(-1);
      TENANTS.forEach(this::compareAll);
    } finally {
      fixture.close();
    }
    assertThat(failures).as("disks that failed").isPositive();
  }

  private RpcFixture open(int failing) {
    Path data = folder.resolve("data");
    TestStore store =
        failing < 0
            ? adapters.open(data, 1 << 20)
            : adapters.failing(data, 1 << 20, failing, random.nextBoolean());
    RpcFixture opened = new RpcFixture(adapters, store, RpcFixture.Options.PLAIN);
    opened.server.serve();
    return opened;
  }

  private void restart(int failing) {
    fixture.close();
    fixture = open(failing);
  }

  private <T> T oneOf(List<T> all) {
    return all.get(random.nextInt(all.size()));
  }

  private void step() {
    String tenant = oneOf(TENANTS);
    String name = oneOf(NAMES);
    switch (random.nextInt(16)) {
      case 0 -> create(tenant, name);
      case 1, 2, 3, 4 -> upload(tenant, name);
      case 5 -> update(tenant, name);
      case 6, 7 -> setAlias(tenant, name);
      case 8, 9 -> deleteVersion(tenant, name);
      case 10 -> deleteAdapter(tenant, name);
      case 11 -> compareAll(tenant);
      // Steps 0 to 4 are the opening's own, whose failure is a refusal to start.
      case 12 -> restart(random.nextBoolean() ? -1 : 5 + random.nextInt(40));
      default -> ask(tenant, name);
    }
  }

  /// What a call came to.
  private static Status.@Nullable Code code(Supplier<?> call) {
    try {
      assertThat(call.get()).isNotNull();
      return null;
    } catch (StatusRuntimeException e) {
      return e.getStatus().getCode();
    }
  }

  private @Nullable Known own(String tenant, String name) {
    return model.get(tenant + "/" + name);
  }

  private void create(String tenant, String name) {
    CreateAdapterRequest request =
        CreateAdapterRequest.newBuilder().setAdapter(Adapter.newBuilder().setName(name)).build();
    assertThat(code(() -> fixture.adapterService(tenant).createAdapter(request)))
        .isEqualTo(own(tenant, name) == null ? null : Status.Code.ALREADY_EXISTS);
    model.putIfAbsent(tenant + "/" + name, new Known());
  }

  private void upload(String tenant, String name) {
    int seed = 1 + random.nextInt(8);
    Map<String, byte[]> files = adapters.files(seed);
    Header.Builder header = Uploader.header(name, files);
    Uploader uploader = fixture.uploader(tenant);
    Uploader.Outcome outcome = uploader.send(header, files, random.nextInt(10));
    for (int attempt = 0; outcome.refused() != null; attempt++) {
      assertThat(attempt).as("a disk fails once, a cut is made once").isLessThan(4);
      Status.Code code = outcome.refused().getStatus().getCode();
      assertThat(code).isIn(Status.Code.UNAVAILABLE, Status.Code.INVALID_ARGUMENT);
      failures += code == Status.Code.UNAVAILABLE ? 1 : 0;
      if (random.nextInt(4) == 0) {
        restart(-1);
        uploader = fixture.uploader(tenant);
      }
      if (outcome.accepted() != null) {
        header.setUploadId(outcome.id());
      }
      outcome = uploader.send(header, files, Integer.MAX_VALUE);
    }
    Known known = model.computeIfAbsent(tenant + "/" + name, key -> new Known());
    known.latest++;
    known.versions.put(known.latest, seed);
    if (known.latest == 1) {
      known.aliases.put("prod", 1);
    }
    assertThat(outcome.made().getNumber()).isEqualTo(known.latest);
  }

  private void update(String tenant, String name) {
    String text = "text " + random.nextInt(100);
    UpdateAdapterRequest request =
        UpdateAdapterRequest.newBuilder()
            .setAdapter(Adapter.newBuilder().setName(name).setDescription(text))
            .setUpdateMask(FieldMask.newBuilder().addPaths("description"))
            .build();
    Known known = own(tenant, name);
    assertThat(code(() -> fixture.adapterService(tenant).updateAdapter(request)))
        .isEqualTo(known == null ? Status.Code.NOT_FOUND : null);
    if (known != null) {
      known.description = text;
    }
  }

  private void setAlias(String tenant, String name) {
    String alias = oneOf(List.of("prod", "canary"));
    int number = random.nextInt(5);
    Alias.Builder asked = Alias.newBuilder().setName(alias);
    if (number > 0) {
      asked.addTargets(Alias.Target.newBuilder().setNumber(number).setWeight(1));
    }
    Known known = own(tenant, name);
    boolean there =
        known != null
            && (number > 0 ? known.versions.containsKey(number) : known.aliases.containsKey(alias));
    SetAliasRequest request = SetAliasRequest.newBuilder().setAdapter(name).setAlias(asked).build();
    assertThat(code(() -> fixture.adapterService(tenant).setAlias(request)))
        .isEqualTo(there ? null : Status.Code.NOT_FOUND);
    if (known != null && there && number > 0) {
      known.aliases.put(alias, number);
    } else if (known != null && there) {
      known.aliases.remove(alias);
    }
  }

  private void deleteVersion(String tenant, String name) {
    int number = 1 + random.nextInt(5);
    Known known = own(tenant, name);
    Status.Code expected = null;
    if (known == null || !known.versions.containsKey(number)) {
      expected = Status.Code.NOT_FOUND;
    } else if (known.aliases.containsValue(number)) {
      expected = Status.Code.FAILED_PRECONDITION;
    } else {
      known.versions.remove(number);
    }
    DeleteVersionRequest request =
        DeleteVersionRequest.newBuilder().setAdapter(name).setNumber(number).build();
    assertThat(code(() -> fixture.adapterService(tenant).deleteVersion(request)))
        .isEqualTo(expected);
  }

  private void deleteAdapter(String tenant, String name) {
    Known known = model.remove(tenant + "/" + name);
    assertThat(
            code(
                () ->
                    fixture
                        .adapterService(tenant)
                        .deleteAdapter(
                            DeleteAdapterRequest.newBuilder()
                                .setName(tenant + "/" + name)
                                .build())))
        .isEqualTo(known == null ? Status.Code.NOT_FOUND : null);
  }

  private void ask(String tenant, String name) {
    Known known = own(tenant, name);
    known = known == null ? own("public", name) : known;
    AdapterSelector.Builder selector = AdapterSelector.newBuilder().setName(name);
    Integer number;
    if (random.nextBoolean()) {
      number = 1 + random.nextInt(5);
      selector.setNumber(number);
    } else {
      String alias = oneOf(List.of("prod", "canary"));
      number = known == null ? null : known.aliases.get(alias);
      selector.setAlias(alias);
    }
    GenerateRequest request =
        GenerateRequest.newBuilder().setPrompt("#\n").addAdapters(selector).build();
    Integer seed = known == null || number == null ? null : known.versions.get(number);
    if (seed == null) {
      assertThat(code(() -> fixture.inference(tenant).generateOnce(request)))
          .isEqualTo(known == null ? Status.Code.NOT_FOUND : Status.Code.FAILED_PRECONDITION);
      return;
    }
    assertThat(fixture.inference(tenant).generateOnce(request).getText())
        .isEqualTo(String.valueOf((char) ('a' + seed)));
  }

  private void compareAll(String tenant) {
    List<String> readable = new ArrayList<>();
    for (String name : model.keySet()) {
      if (name.startsWith(tenant + "/") || name.startsWith("public/")) {
        readable.add(name);
      }
    }
    List<String> listed = new ArrayList<>();
    ListAdaptersRequest.Builder request = ListAdaptersRequest.newBuilder().setPageSize(2);
    do {
      var page = fixture.adapterService(tenant).listAdapters(request.build());
      page.getAdaptersList().forEach(adapter -> listed.add(adapter.getName()));
      request.setPageToken(page.getNextPageToken());
    } while (!request.getPageToken().isEmpty());
    assertThat(listed).isEqualTo(readable);
    for (String name : readable) {
      compare(tenant, name, Objects.requireNonNull(model.get(name)));
    }
  }

  private void compare(String tenant, String name, Known known) {
    Adapter told =
        fixture
            .adapterService(tenant)
            .getAdapter(GetAdapterRequest.newBuilder().setName(name).build());
    assertThat(told.getDescription()).isEqualTo(known.description);
    assertThat(told.getVersionCount()).isEqualTo(known.versions.size());
    assertThat(told.getLatestVersion()).isEqualTo(known.latest);
    TreeMap<String, Integer> aliases = new TreeMap<>();
    told.getAliasesList()
        .forEach(alias -> aliases.put(alias.getName(), alias.getTargets(0).getNumber()));
    assertThat(aliases).isEqualTo(known.aliases);
    List<AdapterVersion> versions =
        fixture
            .adapterService(tenant)
            .listVersions(ListVersionsRequest.newBuilder().setAdapter(name).build())
            .getVersionsList();
    assertThat(versions)
        .extracting(AdapterVersion::getNumber)
        .containsExactlyElementsOf(known.versions.descendingKeySet());
    assertThat(versions)
        .allMatch(version -> version.getState() == AdapterVersion.State.STATE_READY);
  }
}
