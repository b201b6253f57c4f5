package dev.tributary.server.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tributary.server.state.AdapterName;
import dev.tributary.server.state.Contribution;
import dev.tributary.server.state.Origin;
import dev.tributary.server.state.Quota;
import dev.tributary.server.state.Tenants;
import dev.tributary.server.state.VersionRecord;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Imports, by path and from elsewhere.
@Timeout(60)
class IntakeTest {
  private static final AdapterName TOWN = new AdapterName(Tenants.PUBLIC, "town");

  @TempDir Path folder;
  private Path data;
  private Path root;
  private TestStore store;

  @BeforeEach
  void open() throws IOException {
    data = folder.resolve("data");
    root = Files.createDirectory(folder.resolve("root"));
    store = store(root, this::fetch);
  }

  @AfterEach
  void close() {
    store.close();
  }

  private TestStore store(Path importRoot, RemoteAdapters remote) {
    return TestStore.open(
        new AdapterSettings(data, null, importRoot, 1 << 20),
        new TinyBase(TinyBase.CONFIG),
        TinyBase.IDENTITY,
        new FakeProbe(),
        remote);
  }

  /// What the hub has.
  private void fetch(String source, RemoteAdapters.Sink sink) throws IOException {
    switch (source) {
      case "hf:a/soap" -> {
        PeftFiles files = PeftFiles.small(3);
        sink.file("adapter_config.json", channel(files.configJson()));
        sink.file("adapter_model.safetensors", channel(files.safetensors()));
      }
      case "hf:a/half" ->
          sink.file("adapter_config.json", channel(PeftFiles.small(3).configJson()));
      case "hf:a/away" -> throw new RemoteAdapters.UnreachableException("away", new IOException());
      case "hf:a/endless" ->
          sink.file(
              "adapter_config.json",
              Channels.newChannel(
                  new java.io.InputStream() {
                    @Override
                    public int read() {
                      return 0;
                    }
                  }));
      default -> throw new IllegalArgumentException("there is no " + source);
    }
  }

  private static java.nio.channels.ReadableByteChannel channel(byte[] bytes) {
    return Channels.newChannel(new ByteArrayInputStream(bytes));
  }

  private static Intake.Announced announced(String digest) {
    return new Intake.Announced(TOWN, List.of(), digest.isEmpty() ? null : digest, false, "");
  }

  private static void assertRefused(
      Class<? extends AdapterRefusal> refusal, ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            AdapterException.class, e -> assertThat(e.refusal()).isInstanceOf(refusal));
  }

  @Test
  void imports_makeVersions_thatStayWithoutTheirSource() throws IOException {
    Path given = PeftFiles.small(1).write(root.resolve("soap"));
    VersionRecord first = store.store().intake().importPath("soap", announced(""));
    for (Path file : Trash.entries(given)) {
      Files.delete(file);
    }
    VersionRecord second = store.store().intake().importRemote("hf:a/soap", announced(""));

    assertThat(first.number()).isEqualTo(1);
    assertThat(second.number()).isEqualTo(2);
    for (VersionRecord version : List.of(first, second)) {
      store.lease(AdapterVersion.of(version)).join().close();
    }
    assertThat(Trash.entries(data.resolve("uploads"))).isEmpty();
    store.close();
    store = store(root, this::fetch);
    assertThat(store.resolve(Tenants.PUBLIC, AdapterRef.of("town")).digest())
        .isEqualTo(first.facts().digest());
  }

  @Test
  void imports_thatFail_leaveNothing() throws IOException {
    PeftFiles.small(1).untrained().write(root.resolve("idle"));
    PeftFiles.small(1).write(folder.resolve("outside"));
    Intake intake = store.store().intake();
    assertRefused(AdapterRefusal.NoEffect.class, () -> intake.importPath("idle", announced("")));
    assertRefused(
        AdapterRefusal.Malformed.class, () -> intake.importPath("../outside", announced("")));
    assertRefused(
        AdapterRefusal.Malformed.class, () -> intake.importRemote("hf:a/half", announced("")));
    assertRefused(
        AdapterRefusal.Unreadable.class, () -> intake.importRemote("hf:a/away", announced("")));
    assertRefused(
        AdapterRefusal.NoSource.class, () -> intake.importRemote("hf:a/none", announced("")));
    assertThatThrownBy(
            () -> intake.importRemote("hf:a/soap", announced("sha256:" + "0".repeat(64))))
        .isInstanceOf(InvalidUploadException.class);
    var unused =
        store
            .state()
            .tenants()
            .update(
                Tenants.PUBLIC,
                null,
                tenant ->
                    tenant.withQuota(
                        new Quota(null, null, null, null, null, 5_000_000L, null, null, null)));
    assertRefused(
        AdapterRefusal.TooLarge.class, () -> intake.importRemote("hf:a/endless", announced("")));

    assertThat(TestStore.isEmpty(data)).isTrue();
    assertRefused(
        AdapterRefusal.NotFound.class, () -> store.resolve(Tenants.PUBLIC, AdapterRef.of("town")));
  }

  /// Whoever was about to finish an upload when the process ended comes back for the answer.
  @Test
  void finish_processEndsAsTheVersionIsPublished_makesNoSecond() throws Exception {
    PeftFiles files = PeftFiles.small(1);
    List<byte[]> bytes = List.of(files.configJson(), files.safetensors());
    Intake.Announced announced =
        new Intake.Announced(
            TOWN,
            List.of(
                file("adapter_config.json", bytes.get(0)),
                file("adapter_model.safetensors", bytes.get(1))),
            null,
            false,
            "");
    ByteBuffer header = ByteBuffer.wrap(new byte[] {1});
    var unused =
        store
            .store()
            .catalogue()
            .listen(
                change -> {
                  if (change instanceof AdapterChange.Moved moved && moved.from() == null) {
                    throw new FaultyDisk.PowerCut();
                  }
                });
    String id;
    try (Intake.Stream stream = store.store().intake().begin(announced, header)) {
      id = stream.id();
      for (int file = 0; file < bytes.size(); file++) {
        stream.write(file, 0, ByteBuffer.wrap(bytes.get(file)));
      }
      assertThatThrownBy(stream::finish).isInstanceOf(FaultyDisk.PowerCut.class);
    }
    store.close();
    store = store(root, this::fetch);

    assertRefused(
        AdapterRefusal.NoSuchUpload.class,
        () -> store.store().intake().resume(id, announced, header));
    List<VersionInfo> versions = store.store().catalogue().versions(TOWN, Integer.MAX_VALUE, 10);
    assertThat(versions).hasSize(1);
    assertThat(Trash.entries(data.resolve("uploads"))).isEmpty();
    store.lease(store.resolve(Tenants.PUBLIC, AdapterRef.of("town"))).join().close();
  }

  private static UploadFile file(String name, byte[] bytes) throws NoSuchAlgorithmException {
    byte[] digest = MessageDigest.getInstance("SHA-256").digest(bytes);
    return new UploadFile(name, bytes.length, "sha256:" + HexFormat.of().formatHex(digest));
  }

  @Test
  void importPath_withoutARoot_isRefused() {
    store.close();
    store =
        TestStore.open(
            new AdapterSettings(data, null, null, 1 << 20),
            new TinyBase(TinyBase.CONFIG),
            TinyBase.IDENTITY,
            new FakeProbe(),
            TestStore.NOWHERE);
    assertRefused(
        AdapterRefusal.NoSource.class,
        () -> store.store().intake().importPath("/etc", announced("")));
  }

  @Test
  void publishTrained_isTrainedHere_andOnce() throws IOException {
    String manifest = "sha256:" + "cd".repeat(32);
    store
        .state()
        .contributions()
        .register("public", manifest, List.of(new Contribution("sha256:" + "ef".repeat(32), 1)));
    Path trained = Files.createDirectories(folder.resolve("result"));
    PeftFiles.small(5).write(trained);
    Files.writeString(trained.resolve("training.json"), "{}");
    VersionRecord version = store.store().intake().publishTrained(TOWN, trained, manifest);
    assertThat(version.number()).isEqualTo(1);
    assertThat(version.facts().origin()).isEqualTo(Origin.TRAINED_HERE);
    assertThat(version.facts().manifestDigest()).isEqualTo(manifest);
    assertThat(store.store().intake().publishTrained(TOWN, trained, manifest)).isEqualTo(version);
    // The same bits of another manifest are another version.
    String other = "sha256:" + "ce".repeat(32);
    store.state().contributions().list("public", other, List.of("sha256:" + "ef".repeat(32)));
    assertThat(store.store().intake().publishTrained(TOWN, trained, other).number()).isEqualTo(2);
    var withdrawn = store.state().contributions().withdraw("public", "sha256:" + "ef".repeat(32));
    PeftFiles.small(6).write(trained);
    assertThatThrownBy(() -> store.store().intake().publishTrained(TOWN, trained, manifest))
        .isInstanceOfSatisfying(
            AdapterException.class,
            refused ->
                assertThat(refused.refusal()).isEqualTo(new AdapterRefusal.Manifest(manifest, 1)));
    assertThat(Files.list(data.resolve("uploads"))).isEmpty();
  }
}
