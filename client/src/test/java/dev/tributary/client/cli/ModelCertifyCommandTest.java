package dev.tributary.client.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.util.JsonFormat;
import dev.tributary.client.FakeServer;
import dev.tributary.v1.ModelCertificate;
import java.io.IOException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ModelCertifyCommandTest {
  private static final String SHOWN =
      """
      base      sha256:aa
                Q4_1: 106,168,320 weights in 210 tensors; F32: 35,136 weights in 61 tensors
      source    sha256:bb
                BF16: 134,515,008 weights in 272 tensors
      texts     sha256:cc
      measured  2027-01-15 08:00:00Z

      TEXT   TOKENS  PERPLEXITY  SOURCE'S  KL       KL P99   FLIPS
      prose  70      13.250      12.500    0.02346  0.31000  4.29%
      all    70      13.250      12.500    0.02346  0.31000  4.29%

      """;

  private FakeServer server;

  @BeforeEach
  void start() throws IOException {
    server = new FakeServer();
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private CommandRun.Result run(String... arguments) {
    return new CommandRun(server).run(arguments);
  }

  @Test
  void certify_showsWhatWasMeasuredAndShowShowsItAgain() {
    assertThat(run("model", "certify", "--show").err()).contains("the base was not measured yet");
    CommandRun.Result measured = run("model", "certify", "models/source");
    assertThat(measured.code()).isZero();
    assertThat(measured.out()).isEqualTo(SHOWN);
    assertThat(measured.err()).isEqualTo("left out: chat: the model has no chat template\n");
    assertThat(run("model", "certify", "--show").out()).isEqualTo(SHOWN);
  }

  @Test
  void certify_drawsABarWhereSomebodyLooks() {
    CommandRun.Result measured =
        new CommandRun(server).interactive(false).run("model", "certify", "models/source");
    assertThat(measured.err()).contains("100%  70 of 70 tokens");
  }

  @Test
  void certify_forMachines_isOneObject() throws IOException {
    CommandRun.Result measured = run("--json", "model", "certify", "models/source");
    assertThat(measured.code()).isZero();
    assertThat(measured.out().lines()).hasSize(1);
    ModelCertificate.Builder found = ModelCertificate.newBuilder();
    JsonFormat.parser().merge(measured.out(), found);
    assertThat(found.build()).isEqualTo(server.admin.certificates.peek());
  }

  @Test
  void certify_thatIsRefused_fails() {
    CommandRun.Result refused = run("model", "certify", "missing");
    assertThat(refused.code()).isEqualTo(1);
    assertThat(refused.err()).contains("there is no model at missing that may be imported");
  }

  @Test
  void certify_withoutSourceOrWithBoth_isWrongUsage() {
    assertThat(run("model", "certify").code()).isEqualTo(2);
    CommandRun.Result both = run("model", "certify", "models/source", "--show");
    assertThat(both.code()).isEqualTo(2);
    assertThat(both.err()).contains("either SOURCE or --show is needed");
  }

  @Test
  void model_alone_showsTheBaseAsEver() {
    assertThat(run("model").out()).contains("digest");
  }
}
