package dev.tributary.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tributary.server.rpc.ListenAddress;
import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

class SecurityTest {
  @Test
  void byDefault_bothPortsAreOnLoopbackWithoutTls() {
    Security security = security();
    assertThat(security.listen().isLoopback()).isTrue();
    assertThat(security.admin()).isEqualTo(new ListenAddress("127.0.0.1", 50052));
    assertThat(security.tls()).isNull();
    assertThat(security.oidc()).isNull();
  }

  @Test
  void off_leavesTheAdminPortAway() {
    assertThat(security("--admin=off").admin()).isNull();
  }

  @ParameterizedTest
  @ValueSource(strings = {"--listen=0.0.0.0:50051", "--admin=[::]:50052", "--listen=192.0.2.1:1"})
  void anAddressBeyondLoopback_needsTlsOrTheFlagThatSaysNot(String flag) {
    assertThatThrownBy(() -> security(flag))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(flag.substring(0, flag.indexOf('=')))
        .hasMessageContaining("--tls-cert")
        .hasMessageContaining("--insecure-listen");
    assertThat(security(flag, "--insecure-listen").tls()).isNull();
    assertThat(security(flag, "--tls-cert=c", "--tls-key=k").tls()).isNotNull();
  }

  @ParameterizedTest
  @CsvSource({
    "--tls-cert=c,            --tls-cert and --tls-key go together",
    "--tls-key=k,             --tls-cert and --tls-key go together",
    "--tls-client-ca=c,       --tls-client-ca needs --tls-cert and --tls-key",
    "--oidc-issuer=i,         '--oidc-issuer, --oidc-audience and --oidc-jwks go together'",
    "--oidc-jwks=f,           '--oidc-issuer, --oidc-audience and --oidc-jwks go together'",
  })
  void flags_thatBelongTogetherAreAskedForTogether(String flag, String message) {
    assertThatThrownBy(() -> security(flag))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(message);
  }

  @Test
  void oidc_takesAFileOrAnHttpsUrl() {
    assertThat(oidc("keys.json").oidc())
        .isNotNull()
        .satisfies(
            settings -> {
              assertThat(settings.jwks().getScheme()).isEqualTo("file");
              assertThat(settings.tenantClaim()).isEqualTo("tenant");
            });
    assertThat(oidc("https://login.example/jwks").oidc()).isNotNull();
    assertThatThrownBy(() -> oidc("http://login.example/jwks"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("--oidc-jwks");
  }

  @Test
  void data_liesInTheUsersFolderUnlessToldOtherwise() {
    assertThat(DataFolder.byDefault(Map.of("XDG_DATA_HOME", "/var/data")))
        .isEqualTo(Path.of("/var/data/tributary"));
    Path home = Path.of(System.getProperty("user.home"), ".local", "share", "tributary");
    assertThat(DataFolder.byDefault(Map.of())).isEqualTo(home);
    assertThat(DataFolder.byDefault(Map.of("XDG_DATA_HOME", "relative"))).isEqualTo(home);
  }

  @Test
  void data_isItsOwnersAlone(@TempDir Path folder) throws IOException {
    Path made = DataFolder.open(folder.resolve("a").resolve("b"));
    assertThat(made).isDirectory();
    if (FileSystems.getDefault().supportedFileAttributeViews().contains("posix")) {
      assertThat(Files.getPosixFilePermissions(made))
          .isEqualTo(PosixFilePermissions.fromString("rwx------"));
    }
    assertThat(DataFolder.open(made)).isEqualTo(made);
  }

  private static Security oidc(String jwks) {
    return security("--oidc-issuer=i", "--oidc-audience=a", "--oidc-jwks=" + jwks);
  }

  private static Security security(String... args) {
    return Security.of(CommandLine.populateCommand(new Config(), args));
  }
}
