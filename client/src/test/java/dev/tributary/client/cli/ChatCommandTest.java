package dev.tributary.client.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tributary.client.FakeServer;
import dev.tributary.v1.ChatMessage;
import dev.tributary.v1.GenerateRequest;
import io.grpc.Status;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

class ChatCommandTest {
  private FakeServer server;

  @BeforeEach
  void start() throws IOException {
    server = new FakeServer();
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  void chat_severalTurns_sendsTheHistory() {
    CommandRun.Result result =
        new CommandRun(server).reading("One\nTwo\n").run("chat", "--system", "Be brief.");
    assertThat(result.out()).isEqualTo("base says: One\nbase says: Two\n");
    assertThat(result.code()).isZero();
    assertThat(contents(1)).containsExactly("Be brief.", "One", "base says: One", "Two");
    assertThat(request(1).getChat().getMessagesList())
        .extracting(ChatMessage::getRole)
        .containsExactly("system", "user", "assistant", "user");
  }

  @Test
  void chat_adapterSwitched_answersWithItInTheSameConversation() {
    CommandRun.Result result =
        new CommandRun(server)
            .reading(
                "One\n/adapter pirate*0.5 haiku\nTwo\n/adapter\n/adapter none\nThree\n/quit\nFour\n")
            .run("chat");
    assertThat(result.out()).isEqualTo("base says: One\npirate says: Two\nbase says: Three\n");
    assertThat(result.err()).contains("pirate*0.5 + haiku answers\n").contains("base answers\n");
    assertThat(request(1).getAdaptersCount()).isEqualTo(2);
    assertThat(request(1).getAdapters(0).getScale()).isEqualTo(0.5f);
    assertThat(request(2).getAdaptersCount()).isZero();
    assertThat(contents(2))
        .containsExactly("One", "base says: One", "Two", "pirate says: Two", "Three");
    assertThat(server.generated).hasSize(3);
    assertThat(result.code()).isZero();
  }

  @Test
  void chat_unknownAdapter_keepsTheOldOne() {
    CommandRun.Result result =
        new CommandRun(server)
            .reading("/adapter nobody\n/adapter *2\nOne\n")
            .run("chat", "-a", "pirate");
    assertThat(result.err())
        .contains("tributary: no adapter \"nobody\". `tributary adapters list`")
        .contains("'*2' is not NAME[@VERSION][*SCALE]");
    assertThat(result.out()).isEqualTo("pirate says: One\n");
    assertThat(result.code()).isEqualTo(1);
  }

  @Test
  void chat_resetAndSystem_changeWhatIsSent() {
    new CommandRun(server)
        .reading("One\n/reset\n/system You are a poet.\n\nTwo\n/system\nThree\n/help\n")
        .run("chat");
    assertThat(contents(1)).containsExactly("You are a poet.", "Two");
    assertThat(contents(2)).containsExactly("Two", "base says: Two", "Three");
  }

  @Test
  void chat_unknownCommand_isNotSentToTheModel() {
    CommandRun.Result result = new CommandRun(server).reading("/frobnicate\n").run("chat");
    assertThat(result.err()).contains("/frobnicate is not known");
    assertThat(server.generated).isEmpty();
    assertThat(result.code()).isEqualTo(1);
  }

  @Test
  void chat_onAScreen_promptsWithWhoAnswers() {
    CommandRun.Result result =
        new CommandRun(server).interactive(true).reading("/adapter pirate\n").run("chat");
    assertThat(result.err())
        .startsWith("\u001b[2mTiny-Llama at 127.0.0.1:50051. /help helps.\u001b[0m\n")
        .contains("\u001b[1mbase> \u001b[0m")
        .contains("\u001b[1mpirate> \u001b[0m");
    assertThat(result.out()).isEmpty();
    assertThat(result.code()).isZero();
  }

  @Test
  void chat_serverFails_endsBeforeTheFirstTurn() {
    server.failure = FakeServer.status(Status.Code.UNAVAILABLE, "warming");
    CommandRun.Result result = new CommandRun(server).reading("One\n").run("chat");
    assertThat(result.err()).isEqualTo("tributary: warming\n");
    assertThat(result.code()).isEqualTo(1);
  }

  @Test
  void chat_answerStopped_goesOnFromWhatWasSaid() throws Exception {
    CountDownLatch said = new CountDownLatch(1);
    ByteArrayOutputStream out =
        new ByteArrayOutputStream() {
          @Override
          public synchronized void write(byte[] bytes, int offset, int length) {
            super.write(bytes, offset, length);
            if (toString(StandardCharsets.UTF_8).contains("so far")) {
              said.countDown();
            }
          }
        };
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    CommandRun run = new CommandRun(server).reading(FakeServer.HANG + "\nTwo\n");
    ChatCommand chat = new ChatCommand(run.tributary(out, err));
    assertThat(chat.stopAnswer()).isFalse();
    CompletableFuture<Integer> code =
        CompletableFuture.supplyAsync(() -> new CommandLine(chat).execute());
    assertThat(said.await(30, TimeUnit.SECONDS)).isTrue();
    assertThat(chat.stopAnswer()).isTrue();
    assertThat(code.get(30, TimeUnit.SECONDS)).isZero();
    assertThat(server.cancelled.await(30, TimeUnit.SECONDS)).isTrue();
    assertThat(out.toString(StandardCharsets.UTF_8)).isEqualTo("so far\nbase says: Two\n");
    assertThat(err.toString(StandardCharsets.UTF_8)).contains("stopped\n");
    assertThat(contents(1)).containsExactly(FakeServer.HANG, "so far", "Two");
  }

  private GenerateRequest request(int index) {
    return List.copyOf(server.generated).get(index);
  }

  private List<String> contents(int index) {
    return request(index).getChat().getMessagesList().stream()
        .map(ChatMessage::getContent)
        .toList();
  }
}
