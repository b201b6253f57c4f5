package dev.tributary.tlog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CheckpointTest {
  private static final String ROOT = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
  private static final String EMPTY = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

  /// The example of C2SP tlog-checkpoint.
  @Test
  void parse_published() {
    String text = "example.com/behind-the-sofa\n20852163\n" + ROOT + "\n";
    Checkpoint checkpoint = Checkpoint.parse(text);
    assertThat(checkpoint.origin()).isEqualTo("example.com/behind-the-sofa");
    assertThat(checkpoint.size()).isEqualTo(20852163);
    assertThat(checkpoint.root()).isEqualTo(Hash.ofBase64(ROOT));
    assertThat(checkpoint.text()).isEqualTo(text);
  }

  @Test
  void parse_whatFormatGives() {
    Random random = new Random(1);
    for (int round = 0; round < 500; round++) {
      byte[] root = new byte[Hash.BYTES];
      random.nextBytes(root);
      long size = 1 + (random.nextLong() >>> (1 + random.nextInt(62)));
      Checkpoint checkpoint =
          new Checkpoint("o" + Texts.random(random, 20, "a \u00e9+"), size, Hash.of(root));
      assertThat(Checkpoint.parse(checkpoint.text())).isEqualTo(checkpoint);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "\n\n\n",
        "o\n1\n" + ROOT,
        "o\n1\n" + ROOT + "\nextension\n",
        "o\n1\n" + ROOT + "\n\n",
        "\n1\n" + ROOT + "\n",
        "o\n01\n" + ROOT + "\n",
        "o\n+1\n" + ROOT + "\n",
        "o\n-1\n" + ROOT + "\n",
        "o\n1 \n" + ROOT + "\n",
        "o\n\u0661\n" + ROOT + "\n",
        "o\n\n" + ROOT + "\n",
        "o\n9223372036854775808\n" + ROOT + "\n",
        "o\n0\n" + ROOT + "\n",
        "o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n",
        "o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I\n",
        "o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxqw==\n",
        "o\t\n1\n" + ROOT + "\n"
      })
  void parse_notACheckpoint_isRefused(String text) {
    assertThatExceptionOfType(TlogException.class).isThrownBy(() -> Checkpoint.parse(text));
  }

  @Test
  void parse_atTheBounds() {
    assertThat(Checkpoint.parse("o\n9223372036854775807\n" + ROOT + "\n").size())
        .isEqualTo(Long.MAX_VALUE);
    assertThat(Checkpoint.parse("o\n0\n" + EMPTY + "\n").root()).isEqualTo(Merkle.EMPTY);
    assertThatExceptionOfType(TlogException.class)
        .isThrownBy(() -> new Checkpoint("o\nx", 1, Merkle.EMPTY));
    assertThatExceptionOfType(TlogException.class)
        .isThrownBy(() -> new Checkpoint("o", -1, Merkle.EMPTY));
  }
}
