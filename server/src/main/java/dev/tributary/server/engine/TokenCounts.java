package dev.tributary.server.engine;

import dev.tributary.server.tensor.Matrix;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/// Which tokens a sequence has, for penalties: each distinct one, and how often the output has it.
final class TokenCounts {
  private final Map<Integer, Integer> index = new HashMap<>();
  private int[] ids = new int[64];
  private int[] inOutput = new int[64];

  TokenCounts(int[] prompt) {
    for (int id : prompt) {
      indexOf(id);
    }
  }

  void add(int id) {
    int at = indexOf(id); // first: it may replace the array
    inOutput[at]++;
  }

  /// Changes the logits of the tokens seen: repetition, then frequency, then presence.
  ///
  /// @param row float32 `[1, vocabulary]`
  void penalise(Matrix row, Sampling sampling) {
    for (int i = 0; i < index.size(); i++) {
      float logit = row.get(0, ids[i]);
      logit =
          logit > 0 ? logit / sampling.repetitionPenalty() : logit * sampling.repetitionPenalty();
      if (inOutput[i] > 0) {
        logit -= inOutput[i] * sampling.frequencyPenalty();
        logit -= sampling.presencePenalty();
      }
      row.set(0, ids[i], logit);
    }
  }

  private int indexOf(int id) {
    Integer known = index.get(id);
    if (known != null) {
      return known;
    }
    int next = index.size();
    if (next == ids.length) {
      ids = Arrays.copyOf(ids, 2 * next);
      inOutput = Arrays.copyOf(inOutput, 2 * next);
    }
    ids[next] = id;
    index.put(id, next);
    return next;
  }
}
