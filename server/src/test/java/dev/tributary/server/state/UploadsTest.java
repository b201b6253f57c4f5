package dev.tributary.server.state;

import static dev.tributary.server.state.Samples.GUIDE;
import static dev.tributary.server.state.Samples.refusal;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UploadsTest {
  @TempDir Path folder;
  private final FakeTime time = new FakeTime();
  private State state;
  private Uploads uploads;

  @BeforeEach
  void open() {
    state = State.open(folder.resolve("state.db"), time);
    uploads = state.uploads();
  }

  @AfterEach
  void close() {
    state.close();
  }

  private static ByteBuffer header() {
    return ByteBuffer.wrap(new byte[] {0, -1, 5});
  }

  @Test
  void create_survivesARestart_forItsTenantOnly() {
    UploadRecord made = uploads.create(GUIDE, header());
    assertThat(made.id()).matches("[0-9a-f]{32}");
    close();
    open();
    UploadRecord found = uploads.get("public", made.id()).orElseThrow();
    assertThat(found).isEqualTo(made);
    found.header().get();
    assertThat(found.header()).isEqualTo(header());
    assertThat(uploads.get("acme", made.id())).isEmpty();
    assertThat(refusal(() -> uploads.delete("acme", made.id())))
        .isEqualTo(new StateException.NotFound("upload", made.id()));
    uploads.delete("public", made.id());
    assertThat(uploads.get("public", made.id())).isEmpty();
    assertThat(uploads.ids()).isEmpty();
  }

  @Test
  void publish_takesItsUploadAway_bothOrNothing() {
    String id = uploads.create(GUIDE, header()).id();
    StorageLimits small = new StorageLimits(null, 5L);
    assertThat(refusal(() -> state.adapters().publish(GUIDE, Samples.facts(1, 10), small, id)))
        .isInstanceOf(StateException.OverQuota.class);
    assertThat(uploads.ids()).containsExactly(id);
    assertThat(state.adapters().publish(GUIDE, Samples.facts(1, 5), small, id).number())
        .isEqualTo(1);
    assertThat(uploads.ids()).isEmpty();
    assertThat(refusal(() -> state.adapters().publish(GUIDE, Samples.facts(1, 0), small, id)))
        .isEqualTo(new StateException.NotFound("upload", id));
    assertThat(state.adapters().versions(GUIDE, Integer.MAX_VALUE, 10)).hasSize(1);
  }

  @Test
  void expired_afterADay() {
    UploadRecord first = uploads.create(GUIDE, header());
    time.advance(Duration.ofHours(1));
    UploadRecord second = uploads.create(GUIDE, header());
    time.advance(Uploads.KEPT.minusHours(1).minusMillis(1));
    assertThat(uploads.expired(10)).isEmpty();
    assertThat(uploads.get("public", first.id())).contains(first);
    time.advance(Duration.ofMillis(1));
    assertThat(uploads.expired(10)).containsExactly(first);
    assertThat(uploads.get("public", first.id())).isEmpty();
    assertThat(uploads.get("public", second.id())).contains(second);
    assertThat(uploads.ids()).containsExactlyInAnyOrder(first.id(), second.id());
    uploads.delete("public", first.id());
    assertThat(uploads.expired(10)).isEmpty();
  }

  @Test
  void create_isBounded() {
    for (int i = 0; i < Uploads.MAX_PER_TENANT; i++) {
      uploads.create(GUIDE, header());
    }
    assertThat(refusal(() -> uploads.create(GUIDE, header())))
        .isEqualTo(new StateException.OverQuota("uploads", 100, 100));
    state.tenants().create("acme", "", Quota.NONE);
    uploads.create(new AdapterName("acme", "x"), header());
    assertThat(refusal(() -> uploads.create(new AdapterName("no", "x"), header())))
        .isEqualTo(new StateException.NotFound("tenant", "no"));
    assertThatThrownBy(() -> uploads.create(GUIDE, ByteBuffer.allocate((1 << 20) + 1)))
        .hasMessageContaining("header bytes");
  }

  @Test
  void delete_ofTheTenant_takesItsUploadsAlong() {
    state.tenants().create("acme", "", Quota.NONE);
    uploads.create(new AdapterName("acme", "x"), header());
    state.tenants().delete("acme", null);
    assertThat(uploads.ids()).isEmpty();
  }
}
