package dev.tributary.server.rpc;

import java.net.InetSocketAddress;

/// Where a server listens: `HOST:PORT`, an IPv6 address in brackets. Port 0 is any free one.
public record ListenAddress(String host, int port) {
  private static final int MAX_PORT = 65_535;

  public ListenAddress {
    if (host.isEmpty() || port < 0 || port > MAX_PORT) {
      throw new IllegalArgumentException("\"" + host + "\", port " + port);
    }
  }

  /// Throws IllegalArgumentException, with a text for the user, for what is no address.
  public static ListenAddress parse(String text) {
    int colon = text.lastIndexOf(':');
    if (colon < 1) {
      throw new IllegalArgumentException("\"" + text + "\" is not HOST:PORT");
    }
    String host = text.substring(0, colon);
    boolean bracketed = host.startsWith("[") && host.endsWith("]");
    if (bracketed) {
      host = host.substring(1, host.length() - 1);
    }
    if (host.isEmpty() || (host.indexOf(':') >= 0) != bracketed) {
      throw new IllegalArgumentException(
          "\"" + text + "\" is not HOST:PORT; an IPv6 address stands in brackets: [::1]:50051");
    }
    String digits = text.substring(colon + 1);
    if (!digits.matches("[0-9]{1,5}") || Integer.parseInt(digits) > MAX_PORT) {
      throw new IllegalArgumentException("\"" + text + "\" has no port between 0 and " + MAX_PORT);
    }
    return new ListenAddress(host, Integer.parseInt(digits));
  }

  /// Whether only this machine can reach it.
  public boolean isLoopback() {
    return resolve().getAddress() != null && resolve().getAddress().isLoopbackAddress();
  }

  InetSocketAddress resolve() {
    return new InetSocketAddress(host, port);
  }

  @Override
  public String toString() {
    return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
  }
}
