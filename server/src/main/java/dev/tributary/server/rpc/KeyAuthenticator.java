package dev.tributary.server.rpc;

import dev.tributary.server.state.KeyRecord;
import dev.tributary.server.state.Keys;
import java.time.InstantSource;
import java.util.Optional;

/// Knows callers by the API keys of the state.
final class KeyAuthenticator implements Authenticator {
  private final Keys keys;
  private final InstantSource time;

  KeyAuthenticator(Keys keys, InstantSource time) {
    this.keys = keys;
    this.time = time;
  }

  @Override
  public Optional<Caller> authenticate(String bearer) {
    return keys.authenticate(bearer, time.instant()).map(KeyAuthenticator::caller);
  }

  private static Caller caller(KeyRecord key) {
    return new Caller(key.tenant(), key.role(), key.id(), key.contributor());
  }
}
