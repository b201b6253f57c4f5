package dev.tributary.server.web;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.flow.FlowControlHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.Collection;
import java.util.concurrent.TimeUnit;

/// The HTTP port.
public final class Web implements AutoCloseable {
  /// Connections open at once; more are closed as they come.
  static final int MAX_CONNECTIONS = 64;

  private static final int MAX_LINE_BYTES = 4_096;
  private static final int MAX_HEADER_BYTES = 8_192;
  private static final int BACKLOG = 128;

  /// How long answers under way have when the port closes.
  private static final long STOP_MILLIS = 2_000;

  private final EventLoopGroup threads =
      new MultiThreadIoEventLoopGroup(
          1, new DefaultThreadFactory("web", true), NioIoHandler.newFactory());
  private final ChannelGroup open = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE);
  private final Pages pages;
  private final HostNames hosts;
  private final Channel port;

  private Web(InetSocketAddress address, Collection<String> hosts, Pages pages) throws IOException {
    this.pages = pages;
    this.hosts = new HostNames(hosts);
    ChannelFuture bound =
        new ServerBootstrap()
            .group(threads)
            .channel(NioServerSocketChannel.class)
            .option(ChannelOption.SO_BACKLOG, BACKLOG)
            .childHandler(new Opened())
            .bind(address)
            .awaitUninterruptibly();
    if (!bound.isSuccess()) {
      threads.shutdownGracefully(0, 0, TimeUnit.MILLISECONDS);
      throw new IOException(
          "cannot listen on " + address + ": " + bound.cause().getMessage(), bound.cause());
    }
    port = bound.channel();
  }

  /// Listens at `address`, without encryption.
  ///
  /// @param hosts names, without ports, that requests may call the server by, besides loopback's
  public static Web start(InetSocketAddress address, Collection<String> hosts, Pages pages)
      throws IOException {
    return new Web(address, hosts, pages);
  }

  /// The port that it listens at.
  public int boundPort() {
    return ((InetSocketAddress) port.localAddress()).getPort();
  }

  /// From now on requests may call the server by these names.
  public void allow(Collection<String> names) {
    hosts.set(names);
  }

  /// Takes no more connections, lets answers under way out for a short time, and closes.
  @Override
  public void close() {
    port.close().awaitUninterruptibly(STOP_MILLIS);
    open.forEach(channel -> channel.pipeline().fireUserEventTriggered(Connection.STOP));
    open.newCloseFuture().awaitUninterruptibly(STOP_MILLIS);
    open.close().awaitUninterruptibly(STOP_MILLIS);
    threads.shutdownGracefully(0, STOP_MILLIS, TimeUnit.MILLISECONDS).awaitUninterruptibly();
  }

  private final class Opened extends ChannelInitializer<Channel> {
    @Override
    protected void initChannel(Channel channel) {
      if (open.size() >= MAX_CONNECTIONS) {
        channel.close();
        return;
      }
      open.add(channel);
      channel
          .pipeline()
          .addLast(
              new HttpServerCodec(MAX_LINE_BYTES, MAX_HEADER_BYTES, MAX_HEADER_BYTES),
              new FlowControlHandler(),
              new Connection(pages, hosts));
    }
  }
}
