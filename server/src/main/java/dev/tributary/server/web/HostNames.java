package dev.tributary.server.web;

import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// The hosts that a request may name: the loopback's names, those that were configured, and the
/// address at which the connection arrived, which no foreign name can stand for. Ports don't
/// matter. Thread safe.
final class HostNames {
  private static final List<String> LOOPBACK = List.of("localhost", "127.0.0.1", "[::1]");

  private volatile Set<String> allowed = Set.of();

  /// @param names without ports
  HostNames(Collection<String> names) {
    set(names);
  }

  /// From now on these, and the loopback's.
  void set(Collection<String> names) {
    Set<String> all = new HashSet<>(LOOPBACK);
    names.forEach(name -> all.add(name.toLowerCase(Locale.ROOT)));
    allowed = Set.copyOf(all);
  }

  /// Whether a request whose Host header is `header` is answered.
  ///
  /// @param local the address at which it arrived, an IPv6 one in brackets
  boolean allows(String header, String local) {
    String host = host(header);
    return host != null && (allowed.contains(host) || host.equals(local.toLowerCase(Locale.ROOT)));
  }

  /// Whether a Host header names the machine itself.
  static boolean isLoopback(String header) {
    String host = host(header);
    return host != null && LOOPBACK.contains(host);
  }

  /// The header without its port, in lower case; null for what is no host and port.
  private static @Nullable String host(String header) {
    int end = header.startsWith("[") ? header.indexOf(']') + 1 : header.indexOf(':');
    if (header.startsWith("[") && end == 0) {
      return null;
    }
    String host = end < 0 ? header : header.substring(0, end);
    String port = header.substring(host.length());
    return host.isEmpty() || !port.matches("(:[0-9]{1,5})?") ? null : host.toLowerCase(Locale.ROOT);
  }
}
