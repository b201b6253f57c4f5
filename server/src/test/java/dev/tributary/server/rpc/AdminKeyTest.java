package dev.tributary.server.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AdminKeyTest {
  @TempDir private Path data;

  @Test
  void open_makesAKeyThatOnlyItsOwnerReadsAndKeepsIt() throws IOException {
    AdminKey first = AdminKey.open(data);
    String secret = Files.readString(data.resolve("admin.key")).strip();

    assertThat(secret).matches("trib_admin_[A-Za-z0-9_-]{43}");
    assertThat(first.matches(secret)).isTrue();
    assertThat(AdminKey.open(data).matches(secret)).isTrue();
    assertThat(first.matches(secret + "a")).isFalse();
    assertThat(first.matches("")).isFalse();
    if (posix()) {
      assertThat(Files.getPosixFilePermissions(data.resolve("admin.key")))
          .isEqualTo(PosixFilePermissions.fromString("rw-------"));
    }
    try (var files = Files.list(data)) {
      assertThat(files).as("no draft is left").hasSize(1);
    }
  }

  @Test
  void open_makesAnotherKeyInAnotherFolder(@TempDir Path other) throws IOException {
    AdminKey key = AdminKey.open(data);
    var unused = AdminKey.open(other);
    assertThat(key.matches(Files.readString(other.resolve("admin.key")).strip())).isFalse();
  }

  @Test
  void open_refusesAKeyThatOthersCanRead() throws IOException {
    assumeTrue(posix(), "this file system has no such permissions");
    var unused = AdminKey.open(data);
    Files.setPosixFilePermissions(
        data.resolve("admin.key"), PosixFilePermissions.fromString("rw-r-----"));
    assertThatThrownBy(() -> AdminKey.open(data))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("others can read the admin key")
        .hasMessageContaining("chmod 600");
  }

  @Test
  void open_refusesWhatIsNoKey() throws IOException {
    var unused = AdminKey.open(data);
    for (String text : new String[] {"", "password", "x".repeat(2_000)}) {
      Files.writeString(data.resolve("admin.key"), text);
      assertThatThrownBy(() -> AdminKey.open(data))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("holds no admin key");
    }
  }

  private static boolean posix() {
    return FileSystems.getDefault().supportedFileAttributeViews().contains("posix");
  }
}
