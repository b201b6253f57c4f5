package dev.tributary.server.rpc;

import java.util.Optional;

/// Tells callers by what stands after `Bearer` in their `authorization`.
interface Authenticator {
  /// Whose key or token this is; empty if it is nobody's, or not any more. May wait.
  ///
  /// @throws io.grpc.StatusRuntimeException if it can't be told now
  Optional<Caller> authenticate(String bearer);
}
