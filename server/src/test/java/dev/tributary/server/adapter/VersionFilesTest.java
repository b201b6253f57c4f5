package dev.tributary.server.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tributary.identity.AdapterDigest;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// The store of files at every fault and every end that its steps can have.
@Timeout(120)
class VersionFilesTest {
  private static final int CHUNK = 700;

  /// What power cuts leave is partly chance.
  private static final int CHANCES = 3;

  @TempDir Path folder;

  /// An adapter's files and what they are.
  private record Sent(String digest, List<UploadFile> files, List<byte[]> bytes) {
    static Sent of(Path scratch, long seed) throws Exception {
      Path written = PeftFiles.small(seed).write(scratch.resolve("adapter-" + seed));
      Files.writeString(written.resolve("README.md"), "seed " + seed);
      List<UploadFile> files = new ArrayList<>();
      List<byte[]> bytes = new ArrayList<>();
      for (String name : List.of("adapter_config.json", "adapter_model.safetensors", "README.md")) {
        byte[] content = Files.readAllBytes(written.resolve(name));
        bytes.add(content);
        files.add(new UploadFile(name, content.length, sha256(content)));
      }
      return new Sent(AdapterDigest.of(written), files, bytes);
    }
  }

  /// The store as a server opens it.
  private record Store(Staging staging, VersionFiles files) {
    static Store open(Path data, Disk disk) throws IOException {
      Trash trash = new Trash(data.resolve("adapters/.trash"), disk);
      return new Store(
          new Staging(data.resolve("uploads"), disk, trash),
          new VersionFiles(data.resolve("adapters"), disk, trash));
    }

    void upload(String id, Sent sent) throws IOException {
      Upload upload = staging.open(id, sent.files);
      for (int file = 0; file < sent.files.size(); file++) {
        byte[] bytes = sent.bytes.get(file);
        int at = Math.toIntExact(upload.offsets()[file]);
        while (at < bytes.length) {
          int length = Math.min(CHUNK, bytes.length - at);
          upload.write(file, at, ByteBuffer.wrap(bytes, at, length));
          at += length;
        }
      }
      upload.check();
    }

    void publish(String tenant, String id, Sent sent) throws IOException {
      upload(id, sent);
      files.publish(tenant, sent.digest, staging.open(id, sent.files).folder()).close();
      staging.drop(id);
    }
  }

  private static String sha256(byte[] bytes) throws Exception {
    return "sha256:" + HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
  }

  /// A disk on which nothing goes wrong.
  private static Disk fine(Path data) {
    return new FaultyDisk(data, -1, FaultyDisk.Fault.IO_ERROR);
  }

  /// `tenant/digest` of every folder that would be served.
  private static Set<String> present(Path data) throws IOException {
    Set<String> present = new HashSet<>();
    for (Path tenant : Trash.entries(data.resolve("adapters"))) {
      if (!tenant.getFileName().toString().startsWith(".")) {
        for (Path version : Trash.entries(tenant)) {
          String digest = "sha256:" + version.getFileName();
          assertThat(AdapterDigest.of(version))
              .as("a folder that is there is whole")
              .isEqualTo(digest);
          assertThat(version.resolve("README.md")).isNotEmptyFile();
          present.add(tenant.getFileName() + "/" + digest);
        }
      }
    }
    return present;
  }

  /// Everything that is done to the store, in some order; tells what is certain after each step.
  private static void scenario(
      Store store, Sent one, Sent two, Set<String> certain, Set<String> gone) throws IOException {
    store.publish("acme", "u-1", one);
    certain.add("acme/" + one.digest);
    store.publish("bolt", "u-2", one);
    certain.add("bolt/" + one.digest);
    store.publish("acme", "u-3", one);
    store.publish("acme", "u-4", two);
    certain.add("acme/" + two.digest);
    certain.remove("acme/" + one.digest);
    assertThat(store.files.discard("acme", one.digest, (tenant, digest) -> false)).isTrue();
    certain.remove("bolt/" + one.digest);
    assertThat(store.files.quarantine("bolt", one.digest, "a test")).isTrue();
    gone.add("bolt/" + one.digest);
  }

  @Test
  void everyStep_lostPower_leavesWholeVersionsOrNone() throws Exception {
    Sent one = Sent.of(folder, 1);
    Sent two = Sent.of(folder, 2);
    boolean ended = false;
    for (int step = 0; !ended; step++) {
      for (int chance = 0; chance < CHANCES; chance++) {
        Path data = Files.createDirectory(folder.resolve("data-" + step + "-" + chance));
        FaultyDisk disk = new FaultyDisk(data, step, FaultyDisk.Fault.POWER_CUT);
        Set<String> certain = new HashSet<>();
        Set<String> gone = new HashSet<>();
        try {
          scenario(Store.open(data, disk), one, two, certain, gone);
          ended = true;
        } catch (FaultyDisk.PowerCut e) {
          assertThat(disk.steps()).isEqualTo(step + 1);
        }
        disk.loseUnsynced(new Random(31L * step + chance));

        Store store = Store.open(data, fine(data));
        assertThat(present(data)).as("step " + step).containsAll(certain);
        assertThat(present(data)).as("step " + step).noneMatch(gone::contains);
        store.staging.sweep(id -> false, Integer.MAX_VALUE);
        store.files.collect((tenant, digest) -> certain.contains(tenant + "/" + digest), 100);
        assertThat(present(data)).isEqualTo(certain);
        assertThat(Trash.entries(data.resolve("uploads"))).isEmpty();
        assertThat(Trash.entries(data.resolve("adapters/.trash"))).isEmpty();
        store.publish("acme", "u-1", one);
        assertThat(present(data)).as("it goes on").contains("acme/" + one.digest);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"IO_ERROR", "FULL"})
  void everyStep_failed_canBeTakenAgain(FaultyDisk.Fault fault) throws Exception {
    Sent one = Sent.of(folder, 1);
    Sent two = Sent.of(folder, 2);
    boolean ended = false;
    for (int step = 3; !ended; step++) {
      Path data = Files.createDirectory(folder.resolve("data-" + step));
      Store store = Store.open(data, new FaultyDisk(data, step, fault));
      Set<String> certain = new HashSet<>();
      try {
        scenario(store, one, two, certain, new HashSet<>());
        ended = true;
      } catch (IOException e) {
        assertThat(present(data)).as("step " + step).containsAll(certain);
        for (String id : List.of("u-1", "u-2", "u-3", "u-4")) {
          store.staging.drop(id);
        }
        store.files.collect((tenant, digest) -> false, 100);
        scenario(store, one, two, certain, new HashSet<>());
      }
      assertThat(present(data)).containsExactly("acme/" + two.digest);
    }
  }

  @Test
  void aBrokenUpload_goesOnWhereItWas() throws Exception {
    Sent sent = Sent.of(folder, 3);
    byte[] weights = sent.bytes.get(1);
    Path data = folder.resolve("data");
    Store store = Store.open(data, fine(data));
    for (int border = 0; border <= weights.length; border += CHUNK) {
      String id = "u-" + border;
      Upload cut = store.staging.open(id, sent.files);
      cut.write(1, 0, ByteBuffer.wrap(weights, 0, border));
      Upload again = store.staging.open(id, sent.files);
      assertThat(again.offsets()).containsExactly(0, border, 0);
      assertThatThrownBy(() -> cut.write(0, 0, ByteBuffer.wrap(sent.bytes.get(0))))
          .isInstanceOf(IOException.class);
      store.publish("acme", id, sent);
    }
    assertThat(present(folder.resolve("data"))).containsExactly("acme/" + sent.digest);
  }

  @Test
  void write_thatDoesNotFit_isRefused() throws Exception {
    Sent sent = Sent.of(folder, 4);
    Store store = Store.open(folder.resolve("data"), new LocalDisk());
    Upload upload = store.staging.open("u", sent.files);
    upload.write(2, 0, ByteBuffer.wrap(new byte[2]));

    assertField("chunk.file", () -> upload.write(3, 0, ByteBuffer.allocate(1)));
    assertField("chunk.file", () -> upload.write(-1, 0, ByteBuffer.allocate(1)));
    assertField("chunk.offset", () -> upload.write(2, 1, ByteBuffer.allocate(1)));
    assertField("chunk.offset", () -> upload.write(2, 3, ByteBuffer.allocate(1)));
    assertField("chunk.data", () -> upload.write(2, 2, ByteBuffer.allocate(5)));
    assertThat(upload.isWhole()).isFalse();
    upload.write(2, 2, ByteBuffer.allocate(4));
    upload.write(0, 0, ByteBuffer.wrap(sent.bytes.get(0)));
    upload.write(1, 0, ByteBuffer.wrap(sent.bytes.get(1)));
    assertThat(upload.isWhole()).isTrue();
    assertField("header.files[2].digest", upload::check);
  }

  private static void assertField(
      String field, org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            InvalidUploadException.class, e -> assertThat(e.field()).isEqualTo(field));
  }

  @Test
  void announcedFiles_areChecked() {
    String digest = "sha256:" + "0".repeat(64);
    UploadFile config = new UploadFile("adapter_config.json", 10, digest);
    UploadFile weights = new UploadFile("adapter_model.safetensors", 10, digest);
    for (String name :
        List.of(
            "",
            ".",
            "..",
            "a/b",
            "/a",
            "a\\b",
            ".hidden",
            "a\nb",
            "a\0",
            "a:b",
            "-rf",
            "é",
            "a".repeat(129),
            "a b")) {
      assertField(
          "files[2].name",
          () ->
              UploadFile.check(
                  List.of(config, weights, new UploadFile(name, 1, digest)), "files", 100));
    }
    assertField("files[1].size", () -> UploadFile.check(List.of(config, weights), "files", 19));
    assertField(
        "files[1].size",
        () ->
            UploadFile.check(
                List.of(config, new UploadFile("adapter_model.safetensors", -1, digest)),
                "files",
                100));
    assertField(
        "files[1].digest",
        () ->
            UploadFile.check(
                List.of(config, new UploadFile("adapter_model.safetensors", 1, "00")),
                "files",
                100));
    assertField("files", () -> UploadFile.check(List.of(config), "files", 100));
    assertField(
        "files[2].name",
        () ->
            UploadFile.check(
                List.of(config, weights, new UploadFile("Adapter_Config.json", 1, digest)),
                "files",
                100));
    List<UploadFile> many = new ArrayList<>(List.of(config, weights));
    for (int i = 0; i < 63; i++) {
      many.add(new UploadFile("f" + i, 0, digest));
    }
    assertField("files", () -> UploadFile.check(many, "files", 100));
    UploadFile.check(many.subList(0, 64), "files", 20);
  }

  @Test
  void publish_overDamage_replacesIt() throws Exception {
    Sent sent = Sent.of(folder, 5);
    Path data = folder.resolve("data");
    Store store = Store.open(data, new LocalDisk());
    store.publish("acme", "u-1", sent);
    Path weights = store.files.folder("acme", sent.digest).resolve("adapter_model.safetensors");
    byte[] damaged = Files.readAllBytes(weights);
    damaged[damaged.length - 1] ^= 1;
    Files.write(weights, damaged);

    store.publish("acme", "u-2", sent);

    assertThat(present(data)).containsExactly("acme/" + sent.digest);
    assertThat(Trash.entries(data.resolve("adapters/.quarantine"))).hasSize(2);
    assertThat(new PeftFolder(store.files.folder("acme", sent.digest)).bytes())
        .isEqualTo(sent.bytes.stream().mapToLong(bytes -> bytes.length).sum());
  }

  @Test
  void collect_takesNeitherHeldNorWanted_andOnlySoMany() throws Exception {
    Path data = folder.resolve("data");
    Store store = Store.open(data, new LocalDisk());
    List<Sent> all = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      all.add(Sent.of(folder, 10 + i));
      store.publish("acme", "u-" + i, all.get(i));
    }
    String wanted = all.get(0).digest;
    Sent held = all.get(1);
    store.upload("again", held);
    VersionFiles.Hold hold =
        store.files.publish("acme", held.digest, store.staging.open("again", held.files).folder());

    assertThat(store.files.collect((t, digest) -> digest.equals(wanted), 2)).isEqualTo(2);
    assertThat(store.files.collect((t, digest) -> digest.equals(wanted), 2)).isEqualTo(1);
    assertThat(present(data)).containsExactlyInAnyOrder("acme/" + wanted, "acme/" + held.digest);
    hold.close();
    hold.close();
    assertThat(store.files.collect((t, digest) -> digest.equals(wanted), 2)).isEqualTo(1);
    assertThat(present(data)).containsExactly("acme/" + wanted);
  }

  @Test
  void sweep_leavesWhatIsOpen() throws Exception {
    Sent sent = Sent.of(folder, 6);
    Path data = folder.resolve("data");
    Store store = Store.open(data, new LocalDisk());
    Upload open = store.staging.open("open", sent.files);
    store.staging.open("left", sent.files);
    store.staging.close("left", store.staging.open("left", sent.files));
    store.staging.fresh("import");

    assertThat(store.staging.sweep(id -> false, 10)).isEqualTo(1);

    assertThat(Trash.entries(data.resolve("uploads"))).hasSize(2);
    open.write(2, 0, ByteBuffer.wrap(sent.bytes.get(2)));
  }

  /// Publishes and discards without end; says what is certain.
  static final class Child {
    public static void main(String[] args) throws Exception {
      Path data = Path.of(args[0]);
      Store store = Store.open(data, new LocalDisk());
      Random random = new Random(Long.parseLong(args[1]));
      List<Sent> all = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        all.add(Sent.of(Path.of(args[2]), i));
      }
      for (int i = 0; i < 100_000; i++) {
        Sent sent = all.get(random.nextInt(all.size()));
        if (random.nextInt(3) > 0) {
          store.publish("acme", "u-" + i, sent);
          System.out.println("+acme/" + sent.digest);
        } else {
          System.out.println("?acme/" + sent.digest);
          store.files.discard("acme", sent.digest, (tenant, digest) -> false);
          System.out.println("-acme/" + sent.digest);
        }
        System.out.flush();
      }
    }
  }

  @Test
  void killed_anywhere_losesNothingThatWasSaid() throws Exception {
    Path data = folder.resolve("data");
    Random random = new Random(7);
    for (int round = 0; round < 3; round++) {
      Process child =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "--add-modules=jdk.incubator.vector",
                  "-cp",
                  System.getProperty("java.class.path"),
                  Child.class.getName(),
                  data.toString(),
                  String.valueOf(round),
                  folder.resolve("scratch-" + round).toString())
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      Set<String> certain = new HashSet<>();
      try (BufferedReader said = child.inputReader(StandardCharsets.UTF_8)) {
        int kill = 5 + random.nextInt(60);
        for (String line = said.readLine(); line != null; line = said.readLine()) {
          if (line.charAt(0) == '+') {
            certain.add(line.substring(1));
          } else {
            certain.remove(line.substring(1));
          }
          if (kill-- == 0) {
            child.toHandle().destroyForcibly();
          }
        }
      }
      assertThat(child.waitFor()).as("killed").isEqualTo(137);
      assertThat(present(data)).containsAll(certain);
      Store store = Store.open(data, new LocalDisk());
      store.staging.sweep(id -> false, 1_000);
      store.files.collect((tenant, digest) -> certain.contains(tenant + "/" + digest), 1_000);
      assertThat(present(data)).isEqualTo(certain);
      assertThat(Trash.entries(data.resolve("uploads"))).isEmpty();
    }
  }

  @Test
  void aKey_thatIsNone_isRefused() throws Exception {
    Store store = Store.open(folder.resolve("data"), new LocalDisk());
    String digest = "sha256:" + "0".repeat(64);
    for (String tenant : Arrays.asList("", "..", ".trash", "a/b", "a".repeat(64))) {
      assertThatThrownBy(() -> store.files.folder(tenant, digest))
          .isInstanceOf(IllegalArgumentException.class);
    }
    assertThatThrownBy(() -> store.files.folder("acme", "../" + digest))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> store.staging.fresh("../x"))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
