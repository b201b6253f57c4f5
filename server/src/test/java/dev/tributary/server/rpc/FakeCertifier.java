package dev.tributary.server.rpc;

import dev.tributary.server.model.Certificate;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;

/// Refuses what is called `missing`, and ends a run when the test says so.
final class FakeCertifier implements Certifier {
  final CompletableFuture<Certificate> result = new CompletableFuture<>();
  final CompletableFuture<Void> closed = new CompletableFuture<>();
  final List<Certificate> kept = new CopyOnWriteArrayList<>();

  @Override
  public Run begin(String source) {
    if (source.equals("missing")) {
      throw new SourceException(new SourceRefusal.NotThere(source));
    }
    return new Run() {
      @Override
      public int done() {
        return 7;
      }

      @Override
      public int total() {
        return 70;
      }

      @Override
      public CompletableFuture<Certificate> result() {
        return result;
      }

      @Override
      public void close() {
        closed.complete(null);
      }
    };
  }

  @Override
  public List<Certificate> kept() {
    return List.copyOf(kept);
  }

  static Certificate certificate() {
    Certificate.Slice slice = new Certificate.Slice("prose", 70, 12.5, 13, 0.02, 0.3, 4);
    return new Certificate(
        "sha256:" + "a".repeat(64),
        "sha256:" + "b".repeat(64),
        "sha256:" + "c".repeat(64),
        1_800_000_000,
        List.of(new Certificate.Format("Q4_1", 210, 106_168_320)),
        List.of(new Certificate.Format("BF16", 211, 134_515_008)),
        List.of(slice),
        new Certificate.Slice("all", 70, 12.5, 13, 0.02, 0.3, 4),
        List.of("chat: the base has no chat template"));
  }
}
