package dev.tributary.server.train;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.function.BooleanSupplier;

/// Work in pieces, one after the other.
final class Sequence implements BooleanSupplier {
  private final Deque<BooleanSupplier> left;

  Sequence(List<BooleanSupplier> parts) {
    left = new ArrayDeque<>(parts);
  }

  @Override
  public boolean getAsBoolean() {
    BooleanSupplier part = left.peek();
    if (part != null && !part.getAsBoolean()) {
      left.remove();
    }
    return !left.isEmpty();
  }
}
