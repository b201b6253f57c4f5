package dev.tributary.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.protobuf.ByteString;
import dev.tributary.v1.AdapterVersion;
import dev.tributary.v1.UploadVersionRequest.Header;
import dev.tributary.v1.UploadVersionResponse;
import io.grpc.InsecureServerCredentials;
import io.grpc.Server;
import io.grpc.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UploadTest {
  /// Three chunks of weights.
  private static final int NUMBERS = 600_000;

  @TempDir private Path temporary;
  private FakeServer server;
  private TributaryClient client;
  private Path path;
  private AdapterFolder folder;

  @BeforeEach
  void start() throws IOException {
    server = new FakeServer();
    client = server.client(ClientOptions.defaults());
    path = PeftFolders.make(temporary.resolve("peft"), NUMBERS, 7);
    folder = AdapterFolder.read(path);
  }

  @AfterEach
  void stop() {
    client.close();
    server.close();
  }

  /// Writes down what it hears.
  private static final class Heard implements UploadListener {
    private final List<String> ids = new ArrayList<>();
    private final List<Long> starts = new ArrayList<>();
    private final List<Long> sent = new ArrayList<>();
    private int interruptions;

    @Override
    public void accepted(UploadVersionResponse.Accepted accepted, long bytes) {
      ids.add(accepted.getUploadId());
      starts.add(bytes);
    }

    @Override
    public void sent(long bytes) {
      sent.add(bytes);
    }

    @Override
    public void interrupted(TributaryException failure, Duration delay) {
      interruptions++;
    }
  }

  private AdapterVersion upload(UploadListener listener) throws Exception {
    return client.upload(folder.header("town").build(), path, listener);
  }

  @Test
  void upload_wholeFolder_arrivesToTheByte() throws Exception {
    Heard heard = new Heard();
    AdapterVersion version = upload(heard);
    assertThat(version.getAdapter()).isEqualTo("public/town");
    assertThat(version.getDigest()).isEqualTo(folder.digest());
    assertArrived();
    assertThat(heard.starts).containsExactly(0L);
    assertThat(heard.sent).isSorted().endsWith(folder.bytes()).hasSize(5);
  }

  @Test
  void upload_cutAtRandomPoints_goesOnAndArrivesToTheByte() throws Exception {
    Random random = new Random(42);
    for (int round = 0; round < 20; round++) {
      server.adapters.uploads.headers.clear();
      int cuts = 1 + random.nextInt(6);
      for (int i = 0; i < cuts; i++) {
        server.adapters.uploads.cuts.add(random.nextLong(folder.bytes() / 4));
      }
      Heard heard = new Heard();
      AdapterVersion version = upload(heard);
      assertThat(version.getNumber()).isEqualTo(round + 1);
      assertThat(heard.interruptions).isEqualTo(cuts);
      assertThat(heard.starts).isSorted().hasSize(cuts + 1);
      assertThat(heard.ids.stream().distinct()).hasSize(1);
      assertThat(server.adapters.uploads.headers)
          .extracting(Header::getUploadId)
          .startsWith("")
          .endsWith(heard.ids.getFirst());
      assertArrived();
    }
  }

  @Test
  void upload_toAServerThatIsSlow_waitsWithFewChunksUnderWay() throws Exception {
    PeftFolders.make(path, 5_000_000, 9);
    folder = AdapterFolder.read(path);
    Thread uploading = Thread.currentThread();
    AtomicLong sent = new AtomicLong();
    AtomicLong sentAtRest = new AtomicLong(-1);
    server.adapters.uploads.beforeChunk =
        () -> {
          if (sentAtRest.get() < 0) {
            while (uploading.getState() != Thread.State.WAITING) {
              Thread.onSpinWait();
            }
            sentAtRest.set(sent.get());
          }
        };
    upload(
        new UploadListener() {
          @Override
          public void sent(long bytes) {
            sent.set(bytes);
          }
        });
    assertThat(folder.bytes()).isGreaterThan(20_000_000);
    assertThat(sentAtRest.get()).isBetween(0L, 3L << 20);
    assertArrived();
  }

  /// Over a real connection, with the waiting that real clients do.
  @Test
  void upload_whileTheServerIsRestarted_goesOn() throws Exception {
    PeftFolders.make(path, 5_000_000, 9);
    folder = AdapterFolder.read(path);
    Server[] running = {server.listen(0, InsecureServerCredentials.create())};
    int port = running[0].getPort();
    AtomicInteger interruptions = new AtomicInteger();
    try (TributaryClient remote =
        TributaryClient.connect("127.0.0.1:" + port, ClientOptions.defaults())) {
      remote.upload(
          folder.header("town").build(),
          path,
          new UploadListener() {
            @Override
            public void sent(long bytes) {
              if (bytes >= 8_000_000 && interruptions.get() == 0) {
                running[0].shutdownNow();
              }
            }

            @Override
            public void interrupted(TributaryException failure, Duration delay) {
              if (interruptions.getAndIncrement() == 0) {
                restart(running, port);
              }
            }
          });
    } finally {
      running[0].shutdownNow();
    }
    assertThat(interruptions.get()).isPositive();
    assertArrived();
  }

  private void restart(Server[] running, int port) {
    try {
      running[0].awaitTermination();
      running[0] = server.listen(port, InsecureServerCredentials.create());
    } catch (IOException | InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void upload_cutWithoutProgressAgainAndAgain_givesUp() {
    for (int i = 0; i < 100; i++) {
      server.adapters.uploads.cuts.add(0L);
    }
    Heard heard = new Heard();
    TributaryException failure =
        catchThrowableOfType(TributaryException.class, () -> upload(heard));
    assertThat(failure.isTransient()).isTrue();
    assertThat(server.adapters.uploads.headers).hasSize(Backoff.MAX_TRIES);
    assertThat(server.adapters.versions("town")).isEmpty();
  }

  @Test
  void upload_withTheIdOfAKilledClient_goesOn() throws Exception {
    server.adapters.uploads.cuts.add(1_500_000L);
    for (int i = 0; i < Backoff.MAX_TRIES; i++) {
      server.adapters.uploads.cuts.add(0L);
    }
    Heard killed = new Heard();
    assertThatThrownBy(() -> upload(killed)).isInstanceOf(TributaryException.class);
    server.adapters.uploads.cuts.clear();
    Heard heard = new Heard();
    try (TributaryClient another = server.client(ClientOptions.defaults())) {
      another.upload(folder.header("town").setUploadId(killed.ids.getFirst()).build(), path, heard);
    }
    assertThat(heard.starts).containsExactly(1_500_000L);
    assertArrived();
  }

  @Test
  void upload_brokenAfterTheVersionWasMade_findsIt() throws Exception {
    server.adapters.uploads.cutAtTheEnd = true;
    Heard heard = new Heard();
    AdapterVersion version = upload(heard);
    assertThat(version.getNumber()).isEqualTo(1);
    assertThat(server.adapters.versions("town")).hasSize(1);
    assertThat(heard.interruptions).isEqualTo(1);
  }

  @Test
  void upload_unknownId_failsAtOnce() {
    TributaryException failure =
        catchThrowableOfType(
            TributaryException.class,
            () ->
                client.upload(
                    folder.header("town").setUploadId("u-77").build(), path, UploadListener.NONE));
    assertThat(failure.code()).isEqualTo(Status.Code.NOT_FOUND);
    assertThat(server.adapters.uploads.headers).hasSize(1);
  }

  @Test
  void upload_ofAFileThatShrinks_fails() throws IOException {
    Files.write(path.resolve(folder.files().getLast().getName()), new byte[10]);
    assertThatThrownBy(() -> upload(UploadListener.NONE))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("became shorter");
    assertThat(server.adapters.versions("town")).isEmpty();
  }

  @Test
  void upload_ofAFileThatChanges_isRefused() throws IOException {
    PeftFolders.make(path, NUMBERS, 8);
    TributaryException failure =
        catchThrowableOfType(TributaryException.class, () -> upload(UploadListener.NONE));
    assertThat(failure.code()).isEqualTo(Status.Code.INVALID_ARGUMENT);
    assertThat(server.adapters.uploads.headers).hasSize(1);
  }

  @Test
  void folder_withMoreThanFiles_leavesItOut() throws IOException {
    Files.createDirectories(path.resolve("checkpoint-10"));
    Files.writeString(path.resolve(".hidden"), "x");
    AdapterFolder read = AdapterFolder.read(path);
    assertThat(read.files())
        .extracting(file -> file.getName())
        .containsExactly("README.md", "adapter_config.json", "adapter_model.safetensors");
    assertThat(read.leftOut()).containsExactly(".hidden", "checkpoint-10");
    assertThat(read.digest()).startsWith("sha256:").isEqualTo(folder.digest());
    assertThat(read.bytes()).isEqualTo(folder.bytes()).isGreaterThan(4L * NUMBERS);
  }

  @Test
  void folder_thatIsNone_isRefused() throws IOException {
    assertThatThrownBy(() -> AdapterFolder.read(path.resolve("README.md")))
        .isInstanceOf(NotDirectoryException.class);
    Files.delete(path.resolve("adapter_model.safetensors"));
    assertThatThrownBy(() -> AdapterFolder.read(path)).isInstanceOf(NoSuchFileException.class);
    for (int i = 0; i < 64; i++) {
      Files.writeString(path.resolve("f" + i), "x");
    }
    assertThatThrownBy(() -> AdapterFolder.read(path)).hasMessageContaining("more than 64 files");
  }

  private void assertArrived() throws IOException {
    Map<String, ByteString> files = server.adapters.files(folder.digest());
    assertThat(files).hasSize(3);
    for (var file : files.entrySet()) {
      assertThat(file.getValue().toByteArray())
          .isEqualTo(Files.readAllBytes(path.resolve(file.getKey())));
    }
  }
}
