package dev.tributary.server.state;

import static dev.tributary.server.state.Samples.GUIDE;
import static dev.tributary.server.state.Samples.facts;
import static dev.tributary.server.state.Samples.refusal;
import static dev.tributary.server.state.Samples.target;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StateTest {
  private static final int PAGE = 4_096;

  @TempDir Path folder;
  private Path file;

  @BeforeEach
  void name() {
    file = folder.resolve("state.db");
  }

  private State open() {
    return State.open(file, new FakeTime());
  }

  @Test
  void open_withoutAFolder_isRefused() {
    assertThat(refusal(() -> State.open(folder.resolve("no/state.db"), new FakeTime())))
        .isInstanceOf(StateException.Unavailable.class);
  }

  @Test
  void files_areTheirOwnersOnly() throws IOException {
    assumeThat(Files.getFileStore(folder).supportsFileAttributeView("posix")).isTrue();
    try (State state = open()) {
      state.tenants().create("acme", "", Quota.NONE);
      state.backup(folder.resolve("copy.db"));
      for (String name : List.of("state.db", "state.db-wal", "copy.db")) {
        assertThat(Files.getPosixFilePermissions(folder.resolve(name))).hasSize(2);
      }
    }
  }

  @Test
  void close_endsEveryUse() {
    State state = open();
    state.close();
    state.close();
    assertThatThrownBy(() -> state.tenants().list("", 1)).hasMessageContaining("closed");
    assertThatThrownBy(() -> state.tenants().create("a", "", Quota.NONE))
        .hasMessageContaining("closed");
    assertThatThrownBy(() -> state.backup(folder.resolve("x"))).hasMessageContaining("closed");
    open().close();
  }

  @Test
  void secondOpener_isRefused_inThisProcessAndInAnother() throws Exception {
    try (State state = open()) {
      assertThat(refusal(this::open).message()).contains("in use by this process");
      // The refusal must not have dropped the lock.
      try (Child child = new Child(SecondOpener.class, file.toString())) {
        assertThat(child.read(1).getFirst())
            .contains("in use by process " + ProcessHandle.current().pid() + " since ");
      }
      assertThat(state.tenants().get("public")).isPresent();
    }
    try (Child child = new Child(SecondOpener.class, file.toString())) {
      assertThat(child.read(1)).containsExactly("open 1");
      assertThat(refusal(this::open).message()).contains("in use by process");
      child.kill();
      open().close();
    }
  }

  @Test
  void damagedHeader_isRefused_sayingWhatToDo() throws IOException {
    fill();
    flip(0, 1);
    assertDamaged();
  }

  @Test
  void damagedPages_areRefused() throws IOException {
    fill();
    byte[] whole = Files.readAllBytes(file);
    int pages = whole.length / PAGE;
    assertThat(pages).isGreaterThan(20);
    for (int page = 1; page < pages; page++) {
      Files.write(file, whole);
      // The page's type, free blocks and number of cells.
      flip((long) page * PAGE, 8);
      assertDamaged();
    }
    Files.write(file, whole);
    open().close();
  }

  @Test
  void cutFile_isRefused() throws IOException {
    fill();
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.truncate(channel.size() / PAGE / 2 * PAGE);
    }
    assertDamaged();
  }

  private void fill() {
    try (State state = open()) {
      for (int i = 0; i < 60; i++) {
        state
            .adapters()
            .publish(new AdapterName("public", "a" + i), facts(i, 1), StorageLimits.NONE);
        state.audit().append(new FakeTime().instant(), "k", "t", "a", "s", "OK", "x".repeat(500));
      }
    }
  }

  private void flip(long at, int bytes) throws IOException {
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      ByteBuffer old = ByteBuffer.allocate(bytes);
      channel.read(old, at);
      for (int i = 0; i < bytes; i++) {
        old.put(i, (byte) ~old.get(i));
      }
      channel.write(old.rewind(), at);
    }
  }

  private void assertDamaged() {
    StateException.Reason refusal = refusal(this::open);
    assertThat(refusal).isInstanceOf(StateException.Corrupt.class);
    assertThat(refusal.message()).contains("state.db is damaged").contains("backup");
  }

  @Test
  void backup_whileWriting_isOneMoment() throws Exception {
    AtomicBoolean done = new AtomicBoolean();
    try (State state = open();
        ExecutorService writers = Executors.newVirtualThreadPerTaskExecutor()) {
      state.adapters().publish(GUIDE, facts(1, 1), StorageLimits.NONE);
      Future<?> writer = writers.submit(() -> write(state, done));
      try {
        for (int i = 0; i < 5; i++) {
          int last = state.adapters().get(GUIDE).orElseThrow().latestVersion();
          Path copy = folder.resolve("copy" + i + ".db");
          state.backup(copy);
          assertConsistent(copy, last);
        }
      } finally {
        done.set(true);
      }
      writer.get();
    }
    try (Stream<Path> left = Files.list(folder)) {
      assertThat(left.filter(path -> path.toString().contains("partial"))).isEmpty();
    }
  }

  /// A transaction adds a version, a second moves `prod` to it, a third takes the one before away.
  private static void write(State state, AtomicBoolean done) {
    Adapters adapters = state.adapters();
    for (int i = 2; !done.get(); i++) {
      adapters.publish(GUIDE, facts(i, 1), StorageLimits.NONE);
      adapters.setAlias(GUIDE, "prod", List.of(target(i, 1)), null, null);
      adapters.deleteVersion(GUIDE, i - 1);
    }
  }

  private static void assertConsistent(Path copy, int atLeast) {
    try (State state = State.open(copy, new FakeTime())) {
      AdapterRecord adapter = state.adapters().get(GUIDE).orElseThrow();
      List<VersionRecord> versions = state.adapters().versions(GUIDE, Integer.MAX_VALUE, 10);
      int prod = state.adapters().alias(GUIDE, "prod").orElseThrow().targets().getFirst().number();
      assertThat(adapter.latestVersion()).isGreaterThanOrEqualTo(atLeast);
      assertThat(versions).hasSize(adapter.versionCount()).hasSizeBetween(1, 2);
      assertThat(versions.getFirst().number()).isEqualTo(adapter.latestVersion());
      assertThat(prod).isBetween(adapter.latestVersion() - 1, adapter.latestVersion());
    }
  }

  @Test
  void backup_byAnotherProcess_hasWhatIsInTheLog() throws Exception {
    Path copy = folder.resolve("copy.db");
    try (State state = open()) {
      state.tenants().create("acme", "", Quota.NONE);
      try (Child child = new Child(SecondOpener.class, file.toString(), copy.toString())) {
        assertThat(child.read(1)).containsExactly("copied");
      }
      state.tenants().create("later", "", Quota.NONE);
    }
    try (State state = State.open(copy, new FakeTime())) {
      assertThat(state.tenants().list("", 10))
          .extracting(TenantRecord::name)
          .containsExactly("acme", "public");
    }
  }

  @Test
  void backup_ofWhatIsNoState_isRefused() throws IOException {
    Path copy = folder.resolve("copy.db");
    assertThat(refusal(() -> State.backup(file, copy)).message()).contains("there is no state");
    Files.createFile(file);
    assertThat(refusal(() -> State.backup(file, copy)).message()).contains("another program");
    Files.writeString(file, "no database at all, but text".repeat(100));
    assertThat(refusal(() -> State.backup(file, copy))).isInstanceOf(StateException.Corrupt.class);
    assertThat(copy).doesNotExist();
  }

  @Test
  void backup_overAFile_isRefused() throws IOException {
    Path there = Files.writeString(folder.resolve("there"), "mine");
    try (State state = open()) {
      assertThat(refusal(() -> state.backup(there)))
          .isEqualTo(new StateException.AlreadyExists("file", there.toString()));
      assertThat(Files.readString(there)).isEqualTo("mine");
      assertThat(refusal(() -> state.backup(folder.resolve("no/copy"))))
          .isInstanceOf(StateException.Unavailable.class);
      assertThat(refusal(() -> state.backup(file)))
          .isInstanceOf(StateException.AlreadyExists.class);
    }
  }

  @Test
  void readersAndWriters_atOnce_seeWholeChanges() throws Exception {
    try (State state = open()) {
      Adapters adapters = state.adapters();
      adapters.publish(GUIDE, facts(1, 1), StorageLimits.NONE);
      adapters.publish(GUIDE, facts(2, 1), StorageLimits.NONE);
      adapters.setAlias(GUIDE, "prod", pair(1), null, null);
      AtomicBoolean done = new AtomicBoolean();
      try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
        List<Future<Integer>> readers =
            Stream.generate(() -> threads.submit(() -> readPairs(adapters, done)))
                .limit(8)
                .toList();
        for (int weight = 2; weight <= 100; weight++) {
          adapters.setAlias(GUIDE, "prod", pair(weight), null, null);
          // What was acknowledged is what the next read finds.
          assertThat(adapters.alias(GUIDE, "prod").orElseThrow().targets()).isEqualTo(pair(weight));
        }
        done.set(true);
        for (Future<Integer> reader : readers) {
          assertThat(reader.get()).isEqualTo(100);
        }
      }
    }
  }

  private static List<AliasRecord.Target> pair(int weight) {
    return List.of(target(1, weight), target(2, weight));
  }

  /// Weights are equal, and never go back.
  private static int readPairs(Adapters adapters, AtomicBoolean done) {
    int last = 0;
    boolean ending;
    do {
      ending = done.get();
      List<AliasRecord.Target> targets = adapters.aliases(GUIDE).getFirst().targets();
      assertThat(targets).isEqualTo(pair(targets.getFirst().weight()));
      assertThat(targets.getFirst().weight()).isGreaterThanOrEqualTo(last);
      last = targets.getFirst().weight();
    } while (!ending);
    return adapters.alias(GUIDE, "prod").orElseThrow().targets().getFirst().weight();
  }
}
