package dev.tributary.client.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The launcher script beside the sources, in a folder that is made to look built.
class LauncherTest {
  @TempDir private Path folder;
  private Path script;

  @BeforeEach
  void copy() throws IOException {
    script = folder.resolve("tributary");
    Files.copy(Path.of("tributary"), script);
  }

  @Test
  void launch_notBuilt_saysHowToBuild() throws Exception {
    Outcome outcome = launch(Map.of("TRIBUTARY_JAVA", jdk(25).resolve("bin/java").toString()));
    assertThat(outcome.text()).contains("mvn -q package -DskipTests");
    assertThat(outcome.code()).isEqualTo(1);
  }

  @Test
  void launch_built_runsJavaWithTheArguments() throws Exception {
    build();
    Outcome outcome =
        launch(
            Map.of("TRIBUTARY_JAVA", jdk(25).resolve("bin/java").toString()),
            "generate",
            "a  b",
            "*");
    assertThat(outcome.text())
        .contains("dev.tributary.client.cli.Main\ngenerate\na  b\n*\n")
        .contains("tributary-client-1.jar:");
    assertThat(outcome.code()).isZero();
  }

  @Test
  void launch_throughALink_findsItsOwnFolder() throws Exception {
    build();
    Path link = Files.createSymbolicLink(folder.resolve("link"), Path.of("tributary"));
    Outcome outcome =
        launch(link, Map.of("TRIBUTARY_JAVA", jdk(25).resolve("bin/java").toString()), "model");
    assertThat(outcome.text()).contains("Main\nmodel\n");
  }

  @Test
  void launch_javaHomeTooOld_isPassedOver() throws Exception {
    build();
    Path old = jdk(17);
    Path young = jdk(26);
    Outcome outcome =
        launch(
            Map.of(
                "JAVA_HOME",
                old.toString(),
                "PATH",
                young.resolve("bin") + ":" + System.getenv("PATH")),
            "model");
    assertThat(outcome.text()).startsWith("java 26\n");
  }

  private record Outcome(int code, String text) {}

  /// A JDK whose java program says its version and its arguments, one a line.
  private Path jdk(int version) throws IOException {
    Path home = Files.createDirectories(folder.resolve("jdk" + version));
    Files.writeString(home.resolve("release"), "JAVA_VERSION=\"" + version + ".0.1\"\n");
    Path java = Files.createDirectories(home.resolve("bin")).resolve("java");
    Files.writeString(java, "#!/bin/sh\necho java " + version + "\nprintf '%s\\n' \"$@\"\n");
    assertThat(java.toFile().setExecutable(true)).isTrue();
    return home;
  }

  private void build() throws IOException {
    Files.createDirectories(folder.resolve("target/lib"));
    Files.createFile(folder.resolve("target/tributary-client-1.jar"));
  }

  private Outcome launch(Map<String, String> environment, String... arguments) throws Exception {
    return launch(script, environment, arguments);
  }

  private static Outcome launch(Path script, Map<String, String> environment, String... arguments)
      throws Exception {
    List<String> command = new ArrayList<>(List.of("sh", script.toString()));
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().remove("JAVA_HOME");
    builder.environment().putAll(environment);
    Process process = builder.start();
    String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    return new Outcome(process.exitValue(), text);
  }
}
