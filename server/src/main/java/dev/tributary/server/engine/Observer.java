package dev.tributary.server.engine;

import dev.tributary.server.schedule.PathRun;
import java.util.List;

/// Follows one generation. Called on the engine's thread, so no method may block or take long: a
/// row never waits for its reader.
///
/// The calls are `onStarted`, any number of `onDelta`, then `onFinished`; or `onFailed` at any
/// place instead of the rest. An observer that throws ends its generation, and is not called again.
public interface Observer {
  /// The job left the queue.
  void onStarted(Started started);

  void onDelta(Delta delta);

  void onFinished(Finished finished);

  /// @param paths as in [Finished#paths], as far as it came
  /// @param drawn as in [Finished#drawn], of the tokens that were told
  void onFailed(Failure failure, List<PathRun> paths, float[] drawn);

  /// @param maxTokens most tokens that will be generated: what was asked, clipped to the context
  /// @param cachedTokens tokens of the prompt that need not be computed
  record Started(long queueNanos, int promptTokens, int cachedTokens, int maxTokens) {}

  /// What one step added.
  ///
  /// @param text may be empty: split characters and possible prefixes of a stop string wait
  /// @param tokenIds every token generated, the one that stopped the answer too, in order; empty
  ///   where held text is released at the end
  /// @param logprobs of `tokenIds`, where asked for
  /// @param last whether `onFinished` is all that follows
  record Delta(String text, List<Integer> tokenIds, List<TokenLogprob> logprobs, boolean last) {
    public Delta {
      tokenIds = List.copyOf(tokenIds);
      logprobs = List.copyOf(logprobs);
    }
  }

  /// @param paths that every computed token took, run-length and in order: of the prompt and all
  ///   generated tokens but the last, which nothing follows
  /// @param drawn with what probability each generated token was drawn, after penalties,
  ///   temperature and truncation but without bias; NaN where bias may have changed the choice
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Finished(
      Reason reason, Usage usage, Timings timings, List<PathRun> paths, float[] drawn) {}

  /// Why an answer ended.
  enum Reason {
    /// A token of the stop set.
    STOP,
    /// The most tokens asked for, or the end of the context.
    LENGTH,
    /// A stop string; it is not in the text.
    STOP_SEQUENCE,
    /// The request's own time limit.
    TIME_LIMIT
  }

  /// @param completionTokens every generated token, the one that stopped the answer too
  record Usage(int promptTokens, int cachedTokens, int completionTokens) {}

  /// In nanoseconds.
  ///
  /// @param queue from submission to the first step
  /// @param prefill from there to the first token
  /// @param decode from there to the end
  /// @param firstToken from submission to the first token; 0 where there is none
  record Timings(long queue, long prefill, long decode, long firstToken) {}
}
