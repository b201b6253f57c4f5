package dev.tributary.server.web;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.flow.FlowControlHandler;
import io.netty.util.ReferenceCountUtil;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Clients that take their time, against a clock that stands.
class ConnectionTest {
  private static final String REQUEST = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
  private static final long PHASE = Connection.PHASE.toMillis();

  private final EmbeddedChannel channel = new EmbeddedChannel();

  @BeforeEach
  void open() {
    channel.freezeTime();
    Pages pages = new Pages("Tributary", () -> "", "text/plain", () -> "serving");
    channel
        .pipeline()
        .addLast(
            new HttpServerCodec(4_096, 8_192, 8_192),
            new FlowControlHandler(),
            new Connection(pages, new HostNames(List.of())));
    channel.pipeline().fireChannelActive();
  }

  private void send(String bytes) {
    channel.writeInbound(Unpooled.copiedBuffer(bytes, StandardCharsets.US_ASCII));
  }

  private void passMillis(long millis) {
    channel.advanceTimeBy(millis, TimeUnit.MILLISECONDS);
    channel.runScheduledPendingTasks();
  }

  private String sent() {
    StringBuilder all = new StringBuilder();
    for (ByteBuf part = channel.readOutbound(); part != null; part = channel.readOutbound()) {
      all.append(part.toString(StandardCharsets.UTF_8));
      part.release();
    }
    return all.toString();
  }

  @Test
  void silence_isCutOff() {
    passMillis(PHASE - 1);
    assertThat(channel.isOpen()).isTrue();
    passMillis(1);
    assertThat(channel.isOpen()).isFalse();
  }

  /// Slowloris: each byte comes in time, the request never.
  @Test
  void aByteNowAndThen_isCutOff() {
    for (int i = 0; i < 9; i++) {
      send(REQUEST.substring(i, i + 1));
      passMillis(PHASE / 10);
      assertThat(channel.isOpen()).isTrue();
    }
    passMillis(PHASE / 10);
    assertThat(channel.isOpen()).isFalse();
    assertThat(sent()).isEmpty();
  }

  @Test
  void aConnectionInUse_staysOpen() {
    for (int i = 0; i < 5; i++) {
      passMillis(PHASE - 1);
      send(REQUEST);
      assertThat(sent()).startsWith("HTTP/1.1 200 ");
    }
    passMillis(PHASE);
    assertThat(channel.isOpen()).as("idle").isFalse();
  }

  @Test
  void anAnswerThatIsNotRead_isCutOffAndNoneIsMadeBehindIt() {
    List<ChannelPromise> stuck = stick();
    send(REQUEST.repeat(100));
    assertThat(stuck).as("one answer, not a hundred").hasSizeLessThanOrEqualTo(2);
    passMillis(PHASE);
    assertThat(channel.isOpen()).isFalse();
  }

  @Test
  void stop_letsTheAnswerUnderWayOut() {
    List<ChannelPromise> stuck = stick();
    send(REQUEST);
    channel.pipeline().fireUserEventTriggered(Connection.STOP);
    assertThat(channel.isOpen()).as("an answer is on its way").isTrue();
    stuck.forEach(ChannelPromise::setSuccess);
    channel.runPendingTasks();
    assertThat(channel.isOpen()).isFalse();
  }

  @Test
  void stop_endsAnIdleConnection() {
    channel.pipeline().fireUserEventTriggered(Connection.STOP);
    assertThat(channel.isOpen()).isFalse();
  }

  /// From now on the client reads nothing. Returns what waits for it.
  private List<ChannelPromise> stick() {
    List<ChannelPromise> stuck = new ArrayList<>();
    channel
        .pipeline()
        .addFirst(
            new ChannelOutboundHandlerAdapter() {
              @Override
              public void write(ChannelHandlerContext context, Object part, ChannelPromise done) {
                ReferenceCountUtil.release(part);
                stuck.add(done);
              }
            });
    return stuck;
  }
}
