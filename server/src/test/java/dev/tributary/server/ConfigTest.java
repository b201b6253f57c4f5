package dev.tributary.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

class ConfigTest {
  /// A setting: what it is by default, and another value it can have.
  private record Property(String key, String byDefault, String other) {
    String variable() {
      return "TRIBUTARY_" + key.toUpperCase(Locale.ROOT).replace('-', '_');
    }
  }

  private static final List<Property> PROPERTIES =
      List.of(
          new Property("model", "", "hf:owner/repo"),
          new Property("adapters", "", "some/folder"),
          new Property("listen", "127.0.0.1:50051", "[::1]:1"),
          new Property("web", "127.0.0.1:50053", "off"),
          new Property("web-host", "", "a.example,b.example"),
          new Property("device", "auto", "cpu"),
          new Property("threads", "0", "3"),
          new Property("libtorch", "", "some/torch"),
          new Property("kv-memory", "0", "512"),
          new Property("adapter-memory", "1024", "64"),
          new Property("numerics", "replayable", "repeatable"),
          new Property("resident-bf16", "false", "true"),
          new Property("base-name", "", "one,two"),
          new Property("stream-idle", "60", "5"),
          new Property("grace", "10", "0"),
          new Property("drain-delay", "0", "7"),
          new Property("log-format", "text", "json"),
          new Property("log-level", "info", "debug,io.grpc=warn"),
          new Property("otlp-endpoint", "", "http://localhost:4318"),
          new Property("otlp-headers", "", "x-key=secret"),
          new Property("trace-share", "1.0", "0.25"),
          new Property("admin", "127.0.0.1:50052", "off"),
          new Property("data", "", "/srv/tributary"),
          new Property("import-root", "", "/srv/adapters"),
          new Property("ledger", "on", "off"),
          new Property("ledger-key", "", "/etc/ledger.key"),
          new Property("origin", "", "logs.example.com/ours"),
          new Property("anchor", "", "/mnt/anchor"),
          new Property("witness-policy", "", "/etc/policy"),
          new Property("accounts", "", "jdbc:postgresql://db/accounts"),
          new Property("settle-every", "0", "24"),
          new Property("tls-cert", "", "/etc/cert.pem"),
          new Property("tls-key", "", "/etc/key.pem"),
          new Property("tls-client-ca", "", "/etc/roots.pem"),
          new Property("insecure-listen", "false", "true"),
          new Property("oidc-issuer", "", "https://id.example"),
          new Property("oidc-audience", "", "tributary"),
          new Property("oidc-jwks", "", "https://id.example/keys"),
          new Property("oidc-tenant-claim", "tenant", "org"),
          new Property("oidc-role-claim", "role", "grants"),
          new Property("oidc-contributor-claim", "contributor", "who"));

  @TempDir private Path folder;

  static Stream<Property> properties() {
    return PROPERTIES.stream();
  }

  private static Settings.Setting setting(Main main, String key) {
    return main.settings().all().stream()
        .filter(one -> one.key().equals(key))
        .findFirst()
        .orElseThrow();
  }

  private static Main parse(Map<String, String> environment, String... args) {
    return Main.parse(args, environment);
  }

  private Path file(String... lines) throws IOException {
    return Files.write(folder.resolve("server.conf"), List.of(lines));
  }

  private static String shown(Property property) {
    return Set.of("otlp-headers", "accounts").contains(property.key())
        ? "(redacted)"
        : property.other();
  }

  @Test
  void everySetting_isTestedHere() {
    assertThat(parse(Map.of()).settings().all())
        .extracting(Settings.Setting::key)
        .filteredOn(key -> !key.equals("config"))
        .containsExactlyInAnyOrderElementsOf(PROPERTIES.stream().map(Property::key).toList());
  }

  @ParameterizedTest
  @MethodSource("properties")
  void aProperty_hasItsDefault(Property property) {
    assertThat(setting(parse(Map.of()), property.key()))
        .isEqualTo(new Settings.Setting(property.key(), property.byDefault(), "default"));
  }

  @ParameterizedTest
  @MethodSource("properties")
  void aProperty_isFlagVariableAndKey(Property property) throws IOException {
    Path file = file("# a comment", "", property.key() + " = " + property.other() + "  # so");
    Map<String, String> variable = Map.of(property.variable(), property.other());
    String flag = "--" + property.key() + "=" + property.other();

    assertThat(setting(parse(Map.of(), "--config=" + file), property.key()))
        .isEqualTo(new Settings.Setting(property.key(), shown(property), file + ":3"));
    assertThat(setting(parse(variable, "--config", file.toString()), property.key()))
        .as("the environment wins over the file")
        .isEqualTo(
            new Settings.Setting(
                property.key(), shown(property), "environment " + property.variable()));
    assertThat(setting(parse(variable, flag), property.key()))
        .as("a flag wins over the environment")
        .isEqualTo(new Settings.Setting(property.key(), shown(property), "flag"));
  }

  @Test
  void theFile_canBeNamedByTheEnvironment() throws IOException {
    Path file = file("threads=2");
    assertThat(parse(Map.of("TRIBUTARY_CONFIG", file.toString())).config().threads).isEqualTo(2);
  }

  @Test
  void openTelemetrysVariables_areHeard() {
    Map<String, String> standard =
        Map.of(
            "OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318",
            "OTEL_EXPORTER_OTLP_HEADERS", "a=b,c=d=e");
    Config config = parse(standard).config();
    assertThat(config.otlpEndpoint).hasToString("http://collector:4318");
    assertThat(config.otlpHeaders).isEqualTo(Map.of("a", "b", "c", "d=e"));
    assertThat(setting(parse(standard), "otlp-endpoint").origin())
        .isEqualTo("environment OTEL_EXPORTER_OTLP_ENDPOINT");
  }

  @Test
  void aKeyWithSeveralValues_mayStandOnSeveralLines() throws IOException {
    Path file = file("web-host = a.example", "threads = 1", "web-host = b.example");
    assertThat(parse(Map.of(), "--config=" + file).config().webHosts)
        .containsExactly("a.example", "b.example");
    assertThat(parse(Map.of(), "--web-host", "c", "--web-host", "d").config().webHosts)
        .containsExactly("c", "d");
  }

  @Test
  void errorsInAFile_nameFileLineAndKey() throws IOException {
    assertWrong(":2: there is no setting \"thread\"; did you mean \"threads\"?", "", "thread = 1");
    assertWrong(":1: there is no setting \"Listen\"; did you mean \"listen\"?", "Listen = 1");
    assertWrong(":1: there is no setting \"nothing-like-it\"; --help", "nothing-like-it = 1");
    assertWrong(":1: there is no setting \"config\"", "config = other.conf");
    assertWrong(":1: there is no setting \"print-config\"", "print-config = true");
    assertWrong(":1: \"threads\" is not key = value", "threads");
    assertWrong(":1: \"= 3\" is not key = value", " = 3");
    assertWrong(":3: grace stands on line 1 already", "grace=1", "", "grace=2");
    assertWrong(":1: threads: ", "threads = many");
    assertWrong(":2: threads: -1 is not between 0 and 4096", "#", "threads = -1");
    assertWrong(":1: listen: \"here\" is not HOST:PORT", "listen = here");
    assertWrong(":1: web: \"there\" is not HOST:PORT", "web = there");
    assertWrong(":1: log-format: \"xml\": use text or json", "log-format = xml");
    assertWrong(":1: log-level: \"loud\": use error, warn", "log-level = loud");
    assertWrong(":1: device: \"tpu\": use one of auto, cpu, cuda", "device = tpu");
    assertWrong(":1: trace-share: 2 is not between 0 and 1", "trace-share = 2");
    assertWrong(":1: trace-share: NaN is not between", "trace-share = NaN");
    assertWrong(":1: otlp-endpoint: \"ftp://x\" is no http or https URL", "otlp-endpoint=ftp://x");
    assertWrong(":1: numerics: \"exact\": use replayable or repeatable", "numerics = exact");
  }

  private void assertWrong(String message, String... lines) throws IOException {
    Path file = file(lines);
    assertThatThrownBy(() -> parse(Map.of(), "--config=" + file))
        .isInstanceOf(ConfigException.class)
        .hasMessageStartingWith(file + message);
  }

  @Test
  void errorsElsewhere_nameVariableOrFlag() {
    assertThatThrownBy(() -> parse(Map.of("TRIBUTARY_THREADS", "x")))
        .isInstanceOf(ConfigException.class)
        .hasMessageStartingWith("environment TRIBUTARY_THREADS: threads: ");
    assertThatThrownBy(() -> parse(Map.of("TRIBUTARY_GRACE", "-1")))
        .isInstanceOf(ConfigException.class)
        .hasMessage("environment TRIBUTARY_GRACE: grace: -1 is not between 0 and 86400");
    assertThatThrownBy(() -> parse(Map.of(), "--grace=-1"))
        .isInstanceOf(ConfigException.class)
        .hasMessageStartingWith("flag: grace: -1");
    assertThatThrownBy(() -> parse(Map.of(), "--threads=x"))
        .isInstanceOf(CommandLine.ParameterException.class)
        .hasMessageContaining("--threads");
  }

  @Test
  void aFileThatCannotBeRead_isAnError() throws IOException {
    Path missing = folder.resolve("missing");
    assertThatThrownBy(() -> parse(Map.of(), "--config=" + missing))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining(missing.toString());
    Path large = folder.resolve("large");
    Files.writeString(large, "#".repeat(70_000));
    assertThatThrownBy(() -> parse(Map.of(), "--config=" + large))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("65536 bytes");
    Path binary = Files.write(folder.resolve("binary"), new byte[] {(byte) 0xC3, 'x'});
    assertThatThrownBy(() -> parse(Map.of(), "--config=" + binary))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("UTF-8");
  }

  /// What is printed can be read again, and nothing secret is in it.
  @Test
  void printed_isAFileOfTheSameSettings() throws IOException {
    Main main = parse(Map.of("TRIBUTARY_THREADS", "3"), "--grace=1", "--otlp-headers=k=hush");
    String printed = main.settings().toString();
    assertThat(printed)
        .containsPattern("threads +=\\s+3 +# environment TRIBUTARY_THREADS\n")
        .containsPattern("grace +=\\s+1 +# flag\n")
        .containsPattern("stream-idle +=\\s+60 +# default\n")
        .containsPattern("# model +# default\n")
        .containsPattern("otlp-headers +=\\s+\\(redacted\\) +# flag\n")
        .doesNotContain("hush");
    Path file = file(printed.lines().filter(l -> !l.contains("redacted")).toArray(String[]::new));
    Settings again = parse(Map.of(), "--config=" + file).settings();
    assertThat(again.changedSince(main.settings()))
        .containsExactlyInAnyOrder("config", "otlp-headers");
  }

  @ParameterizedTest
  @ValueSource(strings = {"--print-config", "--help", "--version"})
  void whatOnlyPrints_endsWell(String flag) {
    assertThat(Main.run(new String[] {flag}, Map.of())).isZero();
  }

  @Test
  void wrongSettings_endWithStatusTwo() throws IOException {
    assertThat(Main.run(new String[] {"--thread=1"}, Map.of())).isEqualTo(2);
    assertThat(Main.run(new String[] {"--grace=-1"}, Map.of())).isEqualTo(2);
    assertThat(Main.run(new String[] {"--config=" + file("x = 1")}, Map.of())).isEqualTo(2);
  }

  /// Whatever a file says, it is settings or a [ConfigException] that names the file.
  @Test
  void anyFile_isSettingsOrAnErrorThatNamesIt() throws IOException {
    Random random = new Random(3);
    String[] parts = {
      "threads", "grace", "web-host", "=", " = ", "#", "\n", "1", "x", "-", " ", ","
    };
    int right = 0;
    for (int i = 0; i < 500; i++) {
      StringBuilder text = new StringBuilder(random.nextBoolean() ? "threads = 1" : "");
      for (int j = random.nextInt(8); j > 0; j--) {
        text.append(parts[random.nextInt(parts.length)]);
      }
      Path file = file(text.toString());
      try {
        parse(Map.of(), "--config=" + file);
        right++;
      } catch (ConfigException e) {
        assertThat(e).hasMessageStartingWith(file.toString());
      }
    }
    assertThat(right).as("some are right, some are not").isBetween(20, 480);
  }

  @Test
  void numerics_areReplayableUnlessAskedToBeRepeatable() {
    assertThat(parse(Map.of()).config().repeatable()).isFalse();
    assertThat(parse(Map.of(), "--numerics=replayable").config().repeatable()).isFalse();
    assertThat(parse(Map.of(), "--numerics=repeatable").config().repeatable()).isTrue();
  }
}
