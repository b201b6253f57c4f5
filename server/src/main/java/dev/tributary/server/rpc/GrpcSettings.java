package dev.tributary.server.rpc;

import java.time.Duration;

/// Bounds of the transport.
///
/// @param streamIdle a stream whose reader takes nothing for so long ends
/// @param maxMessageBytes of one request
/// @param maxMetadataBytes of a request's headers
/// @param maxCalls open at once, over all connections; each may hold a message
/// @param maxCallsPerConnection open at once
/// @param keepAlive after so long without a sign from a client it is asked for one, and has
///   `keepAliveTimeout` to give it
/// @param permitKeepAlive clients may ask as often as this, also without a call
/// @param maxConnectionAge then a client is told to connect anew, with `maxConnectionAgeGrace` for
///   what is under way
public record GrpcSettings(
    Duration streamIdle,
    int maxMessageBytes,
    int maxMetadataBytes,
    int maxCalls,
    int maxCallsPerConnection,
    Duration keepAlive,
    Duration keepAliveTimeout,
    Duration permitKeepAlive,
    Duration maxConnectionAge,
    Duration maxConnectionAgeGrace) {
  public GrpcSettings {
    if (maxMessageBytes < 1 || maxMetadataBytes < 1 || maxCalls < 1 || maxCallsPerConnection < 1) {
      throw new IllegalArgumentException(
          "messages of %d, metadata of %d bytes, %d calls, %d a connection"
              .formatted(maxMessageBytes, maxMetadataBytes, maxCalls, maxCallsPerConnection));
    }
    if (!streamIdle.isPositive()
        || !keepAlive.isPositive()
        || !keepAliveTimeout.isPositive()
        || !permitKeepAlive.isPositive()
        || !maxConnectionAge.isPositive()
        || !maxConnectionAgeGrace.isPositive()) {
      throw new IllegalArgumentException("durations must be positive");
    }
  }

  /// 4 MiB messages, 16 KiB metadata, 1,280 calls (what the engine queues and runs, and some),
  /// 1,024 of them a connection; keepalive each 60 s; connections live 2 h and 10 min more.
  public static GrpcSettings of(Duration streamIdle) {
    return new GrpcSettings(
        streamIdle,
        4 << 20,
        16 << 10,
        1_280,
        1_024,
        Duration.ofSeconds(60),
        Duration.ofSeconds(20),
        Duration.ofSeconds(10),
        Duration.ofHours(2),
        Duration.ofMinutes(10));
  }
}
