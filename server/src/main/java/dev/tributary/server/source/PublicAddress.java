package dev.tributary.server.source;

import java.net.Inet4Address;
import java.net.InetAddress;

/// Tells addresses of the public internet from all others, by the registries of special addresses
/// (RFC 6890 and its updates).
final class PublicAddress {
  private PublicAddress() {}

  static boolean isPublic(InetAddress address) {
    byte[] bytes = address.getAddress();
    return !address.isMulticastAddress()
        && (address instanceof Inet4Address ? isPublicV4(bytes) : isPublicV6(bytes));
  }

  private static boolean isPublicV4(byte[] bytes) {
    int a = bytes[0] & 0xff;
    int b = bytes[1] & 0xff;
    int c = bytes[2] & 0xff;
    boolean special =
        a == 0 // this network
            || a == 10
            || a == 127
            || (a == 100 && b >= 64 && b < 128) // shared by carriers
            || (a == 169 && b == 254) // link, and the clouds' metadata
            || (a == 172 && b >= 16 && b < 32)
            || (a == 192 && b == 168)
            || (a == 192 && b == 0 && (c == 0 || c == 2)) // protocols, documentation
            || (a == 192 && b == 88 && c == 99) // relays to IPv6
            || (a == 198 && (b == 18 || b == 19)) // benchmarks
            || (a == 198 && b == 51 && c == 100)
            || (a == 203 && b == 0 && c == 113)
            || a >= 224; // groups, reserved, broadcast
    return !special;
  }

  /// Only global unicast, 2000::/3, without the ranges in it that lead to IPv4 or nowhere.
  private static boolean isPublicV6(byte[] bytes) {
    int first = (bytes[0] & 0xff) << 8 | bytes[1] & 0xff;
    int second = (bytes[2] & 0xff) << 8 | bytes[3] & 0xff;
    boolean special =
        (first == 0x2001 && second < 0x200) // protocols, Teredo
            || (first == 0x2001 && second == 0xdb8) // documentation
            || first == 0x2002 // 6to4 holds an IPv4 address
            || (first == 0x3fff && second < 0x1000); // documentation
    return (first & 0xe000) == 0x2000 && !special;
  }
}
