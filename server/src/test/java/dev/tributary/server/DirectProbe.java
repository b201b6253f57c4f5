package dev.tributary.server;

import dev.tributary.identity.ComputePath;
import dev.tributary.server.adapter.Probe;
import dev.tributary.server.adapter.ProbeExample;
import dev.tributary.server.model.AdapterUse;
import dev.tributary.server.model.Llama;
import dev.tributary.server.model.Span;
import dev.tributary.server.tensor.Matrix;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/// Runs prompts on the loader's thread, in tests where nothing else uses the model meanwhile.
record DirectProbe(Llama llama) implements Probe {
  @Override
  public CompletableFuture<List<float[]>> logits(List<List<AdapterUse>> uses) {
    llama.claimThread();
    List<Span> spans = new ArrayList<>();
    for (int i = 0; i < uses.size(); i++) {
      spans.add(
          new Span(new int[] {1, 2, 3}, 0, new int[] {i}, uses.get(i), ComputePath.NARROW, 2));
    }
    Matrix matrix = llama.run(spans);
    List<float[]> logits = new ArrayList<>();
    for (int i = 0; i < uses.size(); i++) {
      float[] row = new float[matrix.cols()];
      matrix.row(i, row);
      logits.add(row);
    }
    return CompletableFuture.completedFuture(logits);
  }

  @Override
  public CompletableFuture<Double> logProb(ProbeExample example, List<AdapterUse> adapters) {
    throw new AssertionError("no adapter here has probe.jsonl");
  }

  @Override
  public boolean isBusy() {
    return false;
  }
}
