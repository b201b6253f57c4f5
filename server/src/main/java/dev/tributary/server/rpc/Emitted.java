package dev.tributary.server.rpc;

import dev.tributary.server.engine.Observer;
import dev.tributary.server.engine.TokenLogprob;
import dev.tributary.tlog.Hash;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What an answer brought forth: its generated tokens, the bits of their log-probabilities, and its
/// text.
final class Emitted {
  private final int echoed;
  private final int echoedChars;
  private final StringBuilder text = new StringBuilder();
  private final List<Integer> tokens = new ArrayList<>();
  private final ByteArrayOutputStream bits = new ByteArrayOutputStream();
  private int passed;

  /// @param echoed tokens of the prompt that come before the first generated one
  /// @param echoedChars of the text of these
  Emitted(int echoed, int echoedChars) {
    this.echoed = echoed;
    this.echoedChars = echoedChars;
  }

  void add(Observer.Delta delta) {
    text.append(delta.text());
    for (int i = 0; i < delta.tokenIds().size(); i++) {
      if (passed++ >= echoed) {
        tokens.add(delta.tokenIds().get(i));
        if (!delta.logprobs().isEmpty()) {
          add(delta.logprobs().get(i));
        }
      }
    }
  }

  /// The generated tokens.
  List<Integer> tokens() {
    return tokens;
  }

  /// What was generated, without what was echoed before.
  String text() {
    return text.substring(Math.min(echoedChars, text.length()));
  }

  /// SHA-256 over each token's log-probability and then its alternatives, each a token id and a
  /// log-probability, four bytes each, most significant first; null if none were asked for.
  @Nullable Hash logprobs() {
    return bits.size() == 0 ? null : Hash.sha256(bits.toByteArray());
  }

  private void add(TokenLogprob one) {
    DataOutputStream out = new DataOutputStream(bits);
    try {
      out.writeFloat(one.logprob());
      for (TokenLogprob.Alternative other : one.top()) {
        out.writeInt(other.id());
        out.writeFloat(other.logprob());
      }
    } catch (IOException e) {
      throw new AssertionError("memory does not fail", e);
    }
  }
}
