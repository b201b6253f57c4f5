package dev.tributary.server.state;

import static dev.tributary.server.state.Samples.refusal;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KeysTest {
  private static final KeySpec USER = new KeySpec("public", Role.USER, "", "laptop", null);

  @TempDir Path folder;
  private final FakeTime time = new FakeTime();
  private State state;
  private Keys keys;

  @BeforeEach
  void open() {
    state = State.open(folder.resolve("state.db"), time);
    keys = state.keys();
  }

  @AfterEach
  void close() {
    state.close();
  }

  private void reopen() {
    close();
    open();
  }

  private boolean opens(String secret) {
    return keys.authenticate(secret, time.instant()).isPresent();
  }

  @Test
  void authenticate_takesTheSecret_andNothingElse() {
    NewKey made = keys.create(USER);
    NewKey other = keys.create(USER);
    String secret = made.secret();
    assertThat(secret).matches("trib_" + made.key().id() + "_[A-Za-z0-9_-]{43}");
    assertThat(keys.authenticate(secret, time.instant())).contains(made.key());
    String start = secret.substring(0, 22);
    String end = secret.substring(22);
    assertThat(opens(start + other.secret().substring(22))).isFalse();
    assertThat(opens("trib_0000000000000000_" + end)).isFalse();
    assertThat(opens(secret + "A")).isFalse();
    assertThat(opens(secret.substring(0, secret.length() - 1))).isFalse();
    assertThat(opens("")).isFalse();
    assertThat(opens("trib_")).isFalse();
    reopen();
    assertThat(opens(secret)).isTrue();
  }

  @Test
  void authenticate_ofEveryFlippedCharacter_isEmpty() {
    String secret = keys.create(USER).secret();
    for (int i = 0; i < secret.length(); i++) {
      char other = secret.charAt(i) == 'b' ? 'c' : 'b';
      assertThat(opens(secret.substring(0, i) + other + secret.substring(i + 1))).isFalse();
    }
  }

  @Test
  void authenticate_endsAtTheExpiry() {
    Instant expires = time.instant().plusSeconds(60);
    NewKey made = keys.create(new KeySpec("public", Role.OWNER, "", "", expires));
    Instant stored = expires.truncatedTo(ChronoUnit.MILLIS);
    assertThat(made.key().expires()).isEqualTo(stored);
    assertThat(keys.authenticate(made.secret(), stored.minusMillis(1))).isPresent();
    assertThat(keys.authenticate(made.secret(), stored)).isEmpty();
  }

  @Test
  void revoke_closesAtOnce_andForGood() {
    NewKey old = keys.create(USER);
    NewKey fresh = keys.create(USER);
    assertThat(opens(old.secret())).isTrue();
    keys.revoke(old.key().id());
    assertThat(opens(old.secret())).isFalse();
    assertThat(opens(fresh.secret())).isTrue();
    assertThat(keys.get(old.key().id())).isEmpty();
    assertThat(refusal(() -> keys.revoke(old.key().id())))
        .isEqualTo(new StateException.NotFound("key", old.key().id()));
    reopen();
    assertThat(opens(old.secret())).isFalse();
  }

  @Test
  void secret_isInNoFile() throws Exception {
    String secret = keys.create(USER).secret();
    keys.authenticate(secret, time.instant());
    String random = secret.substring(22);
    assertThat(keys.create(USER).toString()).doesNotContain("trib_");
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        assertThat(Files.readString(file, StandardCharsets.ISO_8859_1)).doesNotContain(random);
      }
    }
  }

  @Test
  void lastUse_isStoredToTheHour() {
    NewKey made = keys.create(USER);
    assertThat(made.key().lastUse()).isNull();
    Instant hour = time.instant().truncatedTo(ChronoUnit.HOURS);
    assertThat(opens(made.secret())).isTrue();
    time.advance(Duration.ofMinutes(20));
    assertThat(opens(made.secret())).isTrue();
    assertThat(keys.list(null, "", 10)).extracting(KeyRecord::lastUse).containsExactly(hour);
    time.advance(Duration.ofHours(3));
    assertThat(opens(made.secret())).isTrue();
    reopen();
    assertThat(keys.get(made.key().id()).orElseThrow().lastUse())
        .isEqualTo(hour.plus(3, ChronoUnit.HOURS));
  }

  @Test
  void list_pagesById_ofOneTenantOrAll() {
    state.tenants().create("acme", "", Quota.NONE);
    KeyRecord contributor =
        keys.create(new KeySpec("acme", Role.CONTRIBUTOR, "alice", "hers", null)).key();
    List<KeyRecord> all =
        Stream.of(contributor, keys.create(USER).key(), keys.create(USER).key())
            .sorted((a, b) -> a.id().compareTo(b.id()))
            .toList();
    assertThat(keys.list(null, "", 10)).isEqualTo(all);
    assertThat(keys.list(null, all.get(0).id(), 1)).containsExactly(all.get(1));
    assertThat(keys.list("acme", "", 10)).containsExactly(contributor);
    assertThat(keys.list("acme", contributor.id(), 10)).isEmpty();
  }

  @Test
  void create_withBadFields_isRefused() {
    assertThat(refusal(() -> keys.create(new KeySpec("nobody", Role.USER, "", "", null))))
        .isEqualTo(new StateException.NotFound("tenant", "nobody"));
    assertThatThrownBy(() -> new KeySpec("public", Role.CONTRIBUTOR, "", "", null))
        .hasMessageContaining("CONTRIBUTOR");
    assertThatThrownBy(() -> new KeySpec("public", Role.ADMIN, "alice", "", null))
        .hasMessageContaining("alice");
  }
}
