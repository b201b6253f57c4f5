package dev.tributary.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tributary.v1.ChatMessage;
import dev.tributary.v1.RegisterContributionsRequest.Contribution;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ContributionFileTest {
  @TempDir private Path folder;

  private List<Contribution> read(String text, String contributor)
      throws IOException, InterruptedException {
    Path file = folder.resolve("x.jsonl");
    Files.writeString(file, text);
    List<Contribution> all = new ArrayList<>();
    assertThat(new ContributionFile(file, contributor).read(all::add)).isEqualTo(all.size());
    return all;
  }

  private static Contribution contribution(String contributor, String... rolesAndContents) {
    Contribution.Builder contribution = Contribution.newBuilder().setContributor(contributor);
    for (int i = 0; i < rolesAndContents.length; i += 2) {
      contribution.addMessages(
          ChatMessage.newBuilder()
              .setRole(rolesAndContents[i])
              .setContent(rolesAndContents[i + 1]));
    }
    return contribution.build();
  }

  @Test
  void read_bothForms_areMessages() throws IOException, InterruptedException {
    String text =
        """
        {"contributor": "ann", "prompt": "When?", "completion": "At nine."}

        {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "\u00e9"}]}
        """;
    assertThat(read(text, "bob"))
        .containsExactly(
            contribution("ann", "user", "When?", "assistant", "At nine."),
            contribution("bob", "system", "Be brief.", "user", "\u00e9"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "nonsense",
        "[]",
        "{}",
        "{\"contributor\": \"ann\"}",
        "{\"contributor\": \"ann\", \"prompt\": \"a\"}",
        "{\"contributor\": \"ann\", \"prompt\": \"a\", \"completion\": 7}",
        "{\"contributor\": \"ann\", \"prompt\": \"a\", \"completion\": \"b\", \"weight\": 2}",
        "{\"contributor\": \"ann\", \"messages\": []}",
        "{\"contributor\": \"ann\", \"messages\": [\"a\"]}",
        "{\"contributor\": \"ann\", \"messages\": [{\"role\": \"user\"}]}",
        "{\"contributor\": \"ann\", \"messages\": [{\"role\": \"user\", \"content\": null}]}",
        "{\"contributor\": \"ann\", \"messages\":"
            + " [{\"role\": \"user\", \"content\": \"x\", \"name\": \"y\"}]}",
        "{\"prompt\": \"a\", \"completion\": \"b\"}",
        "{\"contributor\": \"\", \"prompt\": \"a\", \"completion\": \"b\"}",
      })
  void read_anythingElse_isRefusedWithItsLine(String line) {
    String sound = "{\"contributor\": \"ann\", \"prompt\": \"a\", \"completion\": \"b\"}\n";
    assertThatThrownBy(() -> read(sound + "\n" + line + "\n", ""))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("line 3 of ");
  }

  @Test
  void read_lineThatIsTooLong_isRefusedAndTheNextIsRead() throws IOException, InterruptedException {
    Path file = folder.resolve("long.jsonl");
    Files.writeString(
        file,
        "{\"contributor\": \""
            + "a".repeat(3 << 20)
            + "\"}\n"
            + "{\"contributor\": \"ann\", \"prompt\": \"a\", \"completion\": \"b\"}");
    List<String> told = new ArrayList<>();
    new ContributionFile(file, "")
        .read(
            new ContributionFile.LineReader() {
              @Override
              public void contribution(int line, Contribution contribution) {
                told.add(line + " " + contribution.getContributor());
              }

              @Override
              public void refused(int line, String why) {
                told.add(line + " " + why);
              }
            });
    assertThat(told).containsExactly("1 has more than 2097152 bytes", "2 ann");
  }
}
