package dev.tributary.server.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.tributary.server.state.AdapterName;
import dev.tributary.server.state.Quota;
import dev.tributary.server.state.Statements;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Whether another tenant has something must not show in how long it takes to hear "not found": the
/// same statements are run, whatever there is.
class NotFoundWorkTest {
  private static final String NOBODY = "sha256:" + "00".repeat(32);

  @TempDir Path folder;
  private TestStore store;

  /// Of version 1 of `bolt/secret`.
  private String digest = "";

  private String upload = "";

  @BeforeEach
  void open() throws IOException {
    Path root = Files.createDirectory(folder.resolve("root"));
    PeftFiles.small(1).write(root.resolve("soap"));
    store =
        TestStore.open(
            new AdapterSettings(folder.resolve("data"), null, root, 1 << 20),
            new TinyBase(TinyBase.CONFIG),
            TinyBase.IDENTITY,
            new FakeProbe(),
            TestStore.NOWHERE);
    for (String tenant : List.of("acme", "bolt")) {
      var unused = store.state().tenants().create(tenant, tenant, Quota.NONE);
    }
    AdapterName secret = new AdapterName("bolt", "secret");
    digest =
        store
            .store()
            .intake()
            .importPath("soap", new Intake.Announced(secret, List.of(), null, false, ""))
            .facts()
            .digest();
    upload = store.state().uploads().create(secret, ByteBuffer.allocate(1)).id();
  }

  @AfterEach
  void close() {
    store.close();
  }

  /// What a caller of `acme` can do with a name.
  private interface Call {
    void run(AdapterStore store, String name);
  }

  static List<Call> calls() {
    return List.of(
        (store, name) -> store.resolve("acme", AdapterRef.of(name), "key"),
        (store, name) -> store.resolve("acme", new AdapterRef(name, new AdapterRef.Number(1)), ""),
        (store, name) ->
            store.resolve("acme", new AdapterRef(name, new AdapterRef.Alias("prod")), "key"),
        (store, name) -> store.catalogue().get("acme", name),
        (store, name) -> store.catalogue().own("acme", "bolt/" + name));
  }

  @ParameterizedTest
  @MethodSource("calls")
  void anotherTenantsName_takesTheWorkOfNobodysName(Call call) {
    for (String owner : List.of("", "bolt/")) {
      String there = owner + "secret";
      String nowhere = owner + "nobody";
      assertThat(work(name -> call.run(store.store(), name), there))
          .isEqualTo(work(name -> call.run(store.store(), name), nowhere));
    }
    // Nor does it tell which tenants there are.
    assertThat(work(name -> call.run(store.store(), name), "bolt/secret"))
        .isEqualTo(work(name -> call.run(store.store(), name), "nobody/secret"));
  }

  @Test
  void anotherTenantsDigest_takesTheWorkOfNobodysDigest() {
    Consumer<String> pinned =
        name -> store.resolve("acme", new AdapterRef("secret", new AdapterRef.Digest(name)));
    assertThat(work(pinned, digest)).isEqualTo(work(pinned, NOBODY));
  }

  @Test
  void anotherTenantsUpload_takesTheWorkOfNobodysUpload() {
    Consumer<String> get = id -> assertThat(store.state().uploads().get("acme", id)).isEmpty();
    List<String> there = Statements.of(store.state(), () -> get.accept(upload));
    assertThat(there).hasSize(1);
    assertThat(there).isEqualTo(Statements.of(store.state(), () -> get.accept("0".repeat(32))));
  }

  /// The measure itself: what is there takes other work, and looking takes some.
  @Test
  void ownName_takesOtherWork() {
    AdapterRef ref = AdapterRef.of("secret");
    List<String> found = Statements.of(store.state(), () -> store.resolve("bolt", ref));
    List<String> missing = work(name -> store.resolve("bolt", AdapterRef.of(name)), "nobody");
    assertThat(missing).isNotEmpty().isNotEqualTo(found);
  }

  /// Statements until it is not found.
  private List<String> work(Consumer<String> call, String name) {
    return Statements.of(
        store.state(),
        () ->
            assertThat(catchThrowable(() -> call.accept(name)))
                .isInstanceOfSatisfying(
                    AdapterException.class,
                    e -> assertThat(e.refusal()).isInstanceOf(AdapterRefusal.NotFound.class)));
  }
}
