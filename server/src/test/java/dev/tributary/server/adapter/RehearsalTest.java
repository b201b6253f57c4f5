package dev.tributary.server.adapter;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RehearsalTest {
  @TempDir Path data;

  @Test
  void run_readsAndLeavesNothing() throws IOException {
    FakeProbe probe = new FakeProbe();
    assertThat(rehearsal(probe).run()).isEqualTo(60);
    assertThat(data.resolve("rehearsal")).doesNotExist();
    assertThat(Trash.entries(data.resolve("trash"))).isEmpty();
    assertThat(probe.calls.get()).as("steps that it takes").isZero();
  }

  @Test
  void run_diskRefuses_endsWithoutAnException() throws IOException {
    Rehearsal rehearsal = rehearsal(new FakeProbe());
    Files.createFile(data.resolve("rehearsal"));
    assertThat(rehearsal.run()).isZero();
  }

  @Test
  void close_underWay_leavesNothing() throws IOException {
    FakeProbe probe = new FakeProbe();
    probe.busy = true; // So it is slow.
    Rehearsal rehearsal = rehearsal(probe);
    rehearsal.start();
    rehearsal.close();
    assertThat(data.resolve("rehearsal")).doesNotExist();
    assertThat(Trash.entries(data.resolve("trash"))).isEmpty();
  }

  private Rehearsal rehearsal(FakeProbe probe) throws IOException {
    AdapterReader reader =
        new AdapterReader(
            new TinyBase(TinyBase.CONFIG), TinyBase.IDENTITY, new EffectProof(probe), 1 << 20);
    return new Rehearsal(
        reader,
        TinyBase.CONFIG,
        TinyBase.IDENTITY,
        data.resolve("rehearsal"),
        new Trash(data.resolve("trash"), new LocalDisk()));
  }
}
