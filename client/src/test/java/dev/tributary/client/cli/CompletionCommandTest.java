package dev.tributary.client.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tributary.client.FakeServer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CompletionCommandTest {
  @TempDir private Path folder;

  private String script(String shell) throws IOException {
    try (FakeServer server = new FakeServer()) {
      CommandRun.Result result = new CommandRun(server).run("completion", shell);
      assertThat(result.code()).isZero();
      assertThat(result.err()).isEmpty();
      assertThat(server.authorizations).isEmpty();
      return result.out();
    }
  }

  private static String bash(String... arguments) throws Exception {
    List<String> command = new java.util.ArrayList<>(List.of("bash"));
    command.addAll(List.of(arguments));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as(text).isZero();
    return text;
  }

  @ParameterizedTest
  @ValueSource(strings = {"bash", "zsh"})
  void script_forBash_isValid(String shell) throws Exception {
    Path file = folder.resolve("tributary.bash");
    Files.writeString(file, script(shell));
    assertThat(bash("-n", file.toString())).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "tributary ada=adapters",
        "tributary adapters pro=promote",
        "tributary adapters promote guide 3 --can=--canary",
        "tributary adapters unl=unload",
        "tributary admin quotas set --adapter-b=--adapter-bytes",
        "tributary admin settleme=settlements",
        "tributary admin prices set EUR --contr=--contributors",
        "tributary admin tenants update acme --ret=--retention",
        "tributary admin keys create acme --role aud=auditor"
      })
  void script_forBash_completes(String line) throws Exception {
    Path file = folder.resolve("tributary.bash");
    Files.writeString(file, script("bash"));
    String typed = line.substring(0, line.indexOf('='));
    String wanted = line.substring(line.indexOf('=') + 1);
    String program =
        """
        source "$0"
        COMP_WORDS=(%s)
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        COMP_LINE="%s"
        COMP_POINT=${#COMP_LINE}
        _complete_tributary
        printf '%%s\\n' "${COMPREPLY[@]}"
        """
            .formatted(typed, typed);
    assertThat(bash("-c", program, file.toString()).lines().map(String::strip)).contains(wanted);
  }

  @Test
  void script_forFish_hasEveryCommand() throws IOException {
    List<String> lines = script("fish").lines().toList();
    assertThat(lines).allMatch(line -> line.startsWith("#") || line.startsWith("complete -c "));
    assertThat(lines)
        .allMatch(
            line -> line.replaceAll("\\\\.", "").chars().filter(c -> c == '\'').count() % 2 == 0)
        .contains("complete -c tributary -f");
    for (String command : List.of("adapters", "promote", "rotate", "quotas", "unpin", "stats")) {
      assertThat(lines).anyMatch(line -> line.contains(" -a '" + command + "' -d '"));
    }
    assertThat(lines)
        .anyMatch(
            line ->
                line.startsWith(
                    "complete -c tributary -n '__fish_seen_subcommand_from admin; and"
                        + " __fish_seen_subcommand_from keys; and __fish_seen_subcommand_from"
                        + " create' -l role -x -a 'user owner contributor auditor admin'"))
        .anyMatch(line -> line.contains(" -l tls-ca -r -F "));
  }
}
