package dev.tributary.server.web;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.netty.util.concurrent.Future;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// One connection: a request after the other, each of which has [#PHASE] to come in whole and
/// [#PHASE] for its answer to be made and read.
final class Connection extends SimpleChannelInboundHandler<HttpObject> {
  /// Also how long a connection may stay open between requests.
  static final Duration PHASE = Duration.ofSeconds(10);

  /// The event that the port closes.
  static final Object STOP = new Object();

  private static final Logger log = LoggerFactory.getLogger(Connection.class);

  private final Pages pages;
  private final HostNames hosts;

  /// Answers the request that is coming in, once it is whole; null before its head came.
  private @Nullable Reply reply;

  private @Nullable Future<?> limit;

  /// Requests that are in; the answer to the first is being made or on its way out. There is more
  /// than one only where the handler before this lets a part pass although none was asked for.
  private final Deque<Reply> waiting = new ArrayDeque<>();

  /// Whether nothing more is read, and the connection ends with the last answer.
  private boolean closing;

  /// What a request will be answered with.
  private record Reply(CompletableFuture<Page> page, boolean head, boolean keepAlive) {
    Reply(Page page, boolean head, boolean keepAlive) {
      this(CompletableFuture.completedFuture(page), head, keepAlive);
    }
  }

  Connection(Pages pages, HostNames hosts) {
    this.pages = pages;
    this.hosts = hosts;
  }

  @Override
  public void channelActive(ChannelHandlerContext context) {
    startPhase(context);
    context.fireChannelActive();
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    stopPhase();
    context.fireChannelInactive();
  }

  @Override
  protected void channelRead0(ChannelHandlerContext context, HttpObject part) {
    if (closing) {
      return;
    }
    if (part.decoderResult().isFailure()) {
      answer(context, new Reply(malformed(part.decoderResult().cause()), false, false));
      return;
    }
    if (part instanceof HttpRequest request) {
      Reply asked = reply(context, request);
      if (asked.keepAlive()) {
        reply = asked;
      } else {
        answer(context, asked); // Whatever may follow.
        return;
      }
    }
    if (part instanceof LastHttpContent && reply != null) {
      answer(context, reply);
    }
  }

  private Reply reply(ChannelHandlerContext context, HttpRequest request) {
    boolean head = request.method().equals(HttpMethod.HEAD);
    List<String> named = request.headers().getAll(HttpHeaderNames.HOST);
    if (named.size() != 1) {
      return new Reply(Page.text(400, "name one host\n"), head, false);
    }
    if (!hosts.allows(named.getFirst(), local(context))) {
      return new Reply(
          Page.text(421, "this host name is not served here; --web-host adds one\n"), head, false);
    }
    if (!head && !request.method().equals(HttpMethod.GET)) {
      return new Reply(Page.text(405, "GET or HEAD\n"), false, false);
    }
    if (HttpUtil.isTransferEncodingChunked(request)
        || HttpUtil.getContentLength(request, 0L) != 0) {
      return new Reply(Page.text(413, "requests have no body here\n"), head, false);
    }
    Request asked = asked(context, request, named.getFirst());
    String known = request.headers().get(HttpHeaderNames.IF_NONE_MATCH, "");
    CompletableFuture<Page> page =
        pages
            .at(asked)
            .thenApply(made -> made.unless(known))
            .exceptionally(
                e -> {
                  log.error("the page {} failed", asked.path(), e);
                  return Page.text(500, "internal error, in the server's log\n");
                });
    return new Reply(page, head, HttpUtil.isKeepAlive(request));
  }

  private static Request asked(ChannelHandlerContext context, HttpRequest request, String host) {
    String[] parts = request.uri().split("\\?", 2);
    boolean local =
        context.channel().localAddress() instanceof InetSocketAddress at
            && !at.isUnresolved()
            && at.getAddress().isLoopbackAddress()
            && HostNames.isLoopback(host);
    return new Request(
        parts[0],
        parts.length == 2 ? parts[1] : "",
        request.headers().getAll(HttpHeaderNames.AUTHORIZATION),
        request.headers().get("sec-fetch-site", ""),
        local);
  }

  /// Nothing more is read before the answer is: what else has come in waits in the handler before
  /// this one. A connection that is not kept is closed then.
  private void answer(ChannelHandlerContext context, Reply what) {
    reply = null;
    closing |= !what.keepAlive();
    context.channel().config().setAutoRead(false);
    waiting.add(what);
    if (waiting.size() == 1) {
      write(context, what);
    }
  }

  /// Once the page is made.
  private void write(ChannelHandlerContext context, Reply what) {
    startPhase(context);
    what.page()
        .thenAcceptAsync(
            page ->
                context
                    .writeAndFlush(Answers.of(page, what.head(), what.keepAlive()))
                    .addListener(written -> next(context)),
            context.executor());
  }

  private void next(ChannelHandlerContext context) {
    waiting.remove();
    if (!waiting.isEmpty()) {
      write(context, waiting.element());
    } else if (closing) {
      context.close();
    } else {
      startPhase(context);
      context.channel().config().setAutoRead(true);
    }
  }

  /// Ends the connection, after the answer that is being made or on its way out.
  @Override
  public void userEventTriggered(ChannelHandlerContext context, Object event) {
    if (event != STOP) {
      context.fireUserEventTriggered(event);
      return;
    }
    closing = true;
    if (waiting.isEmpty()) {
      context.close();
    }
  }

  private static Page malformed(Throwable cause) {
    return switch (cause) {
      case TooLongHttpLineException line -> Page.text(414, "the address is too long\n");
      case TooLongHttpHeaderException header -> Page.text(431, "the headers are too long\n");
      default -> Page.text(400, "this is not HTTP\n");
    };
  }

  private static String local(ChannelHandlerContext context) {
    if (context.channel().localAddress() instanceof InetSocketAddress at && !at.isUnresolved()) {
      InetAddress address = at.getAddress();
      return address instanceof Inet6Address
          ? "[" + address.getHostAddress() + "]"
          : address.getHostAddress();
    }
    return "";
  }

  private void startPhase(ChannelHandlerContext context) {
    stopPhase();
    if (context.channel().isActive()) {
      limit =
          context.executor().schedule(() -> context.close(), PHASE.toNanos(), TimeUnit.NANOSECONDS);
    }
  }

  private void stopPhase() {
    if (limit != null) {
      limit.cancel(false);
    }
  }

  /// A connection that breaks is the client's affair.
  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    log.debug("a connection broke", cause);
    context.close();
  }
}
