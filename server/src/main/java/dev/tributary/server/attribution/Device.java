package dev.tributary.server.attribution;

import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;

/// The thread that owns the device and serves answers in between. The engine is it; tests run the
/// pieces where they are.
public interface Device {
  /// Runs `pieces` again and again on that thread until it returns false. Each is short.
  ///
  /// @return done when they are; fails with what a piece threw
  CompletableFuture<Void> run(BooleanSupplier pieces);
}
