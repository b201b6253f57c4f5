package dev.tributary.server.rpc;

import com.google.protobuf.ByteString;
import dev.tributary.record.AttributionRecord;
import dev.tributary.server.engine.Observer;
import dev.tributary.server.engine.Sampling;
import dev.tributary.server.tokenize.Tokenizer;
import dev.tributary.v1.Delta;
import dev.tributary.v1.FinishReason;
import dev.tributary.v1.Finished;
import dev.tributary.v1.GenerateEvent;
import dev.tributary.v1.Receipt;
import dev.tributary.v1.Started;
import dev.tributary.v1.Timings;
import dev.tributary.v1.TokenLogprob;
import dev.tributary.v1.Usage;
import java.util.Optional;

/// Writes one generation's events as the contract has them.
///
/// @param beforeNanos from arrival to submission, the wait for weights included
/// @param loadNanos the wait for weights
/// @param shares whether the caller wants to hear of shares
record EventWriter(
    Serving serving,
    String generationId,
    String requestId,
    Leases leases,
    Sampling sampling,
    long beforeNanos,
    long loadNanos,
    boolean shares) {

  GenerateEvent started(Observer.Started started) {
    return GenerateEvent.newBuilder()
        .setStarted(
            Started.newBuilder()
                .setGenerationId(generationId)
                .setRequestId(requestId)
                .setBaseDigest(serving.model().baseDigest())
                .addAllAdapters(leases.told())
                .setPromptTokens(started.promptTokens())
                .setCachedTokens(started.cachedTokens())
                .setQueueTime(Times.duration(beforeNanos + started.queueNanos()))
                .setSampling(SamplingReader.applied(sampling, started.maxTokens())))
        .build();
  }

  GenerateEvent delta(Observer.Delta delta) {
    Delta.Builder told = Delta.newBuilder().setText(delta.text()).addAllTokenIds(delta.tokenIds());
    delta.logprobs().forEach(one -> told.addLogprobs(logprob(one, serving.tokenizer())));
    return GenerateEvent.newBuilder().setDelta(told).build();
  }

  /// @param recorded empty without a ledger
  /// @param attribution empty where it is not waited for
  GenerateEvent finished(
      Observer.Finished finished,
      Optional<Recorded> recorded,
      Optional<AttributionRecord> attribution) {
    Observer.Usage usage = finished.usage();
    Observer.Timings timings = finished.timings();
    long queue = beforeNanos - loadNanos + timings.queue();
    Timings.Builder told =
        Timings.newBuilder()
            .setQueue(Times.duration(queue))
            .setLoad(Times.duration(loadNanos))
            .setPrefill(Times.duration(timings.prefill()))
            .setDecode(Times.duration(timings.decode()));
    if (usage.completionTokens() > 0) {
      told.setFirstToken(Times.duration(beforeNanos + timings.firstToken()));
    }
    return GenerateEvent.newBuilder()
        .setFinished(
            Finished.newBuilder()
                .setReason(reason(finished.reason()))
                .setUsage(
                    Usage.newBuilder()
                        .setPromptTokens(usage.promptTokens())
                        .setCachedTokens(usage.cachedTokens())
                        .setCompletionTokens(usage.completionTokens()))
                .setTimings(told)
                .setReceipt(receipt(recorded, attribution)))
        .build();
  }

  private Receipt.Builder receipt(
      Optional<Recorded> recorded, Optional<AttributionRecord> attribution) {
    Receipt.Builder receipt =
        Receipt.newBuilder()
            .setGenerationId(generationId)
            .addAllAdapterDigests(leases.digests())
            .setEndTime(Times.timestamp(serving.time().instant()));
    recorded.ifPresent(answer -> receipt.setLeafIndex(answer.leaf()));
    if (recorded.isPresent() && shares) {
      boolean named = Receipts.owns(Caller.current().tenant(), leases.recorded());
      attribution.ifPresentOrElse(
          record -> receipt.setAttribution(Receipts.attribution(record, named)),
          () -> receipt.setPending(Receipt.Pending.getDefaultInstance()));
    }
    return receipt;
  }

  static TokenLogprob logprob(dev.tributary.server.engine.TokenLogprob one, Tokenizer tokenizer) {
    TokenLogprob.Builder told =
        TokenLogprob.newBuilder()
            .setTokenId(one.id())
            .setToken(ByteString.copyFrom(tokenizer.bytes(one.id())));
    if (!Float.isNaN(one.logprob())) {
      told.setLogprob(one.logprob());
    }
    one.top()
        .forEach(
            other ->
                told.addTop(
                    TokenLogprob.Candidate.newBuilder()
                        .setTokenId(other.id())
                        .setToken(ByteString.copyFrom(tokenizer.bytes(other.id())))
                        .setLogprob(other.logprob())));
    return told.build();
  }

  private static FinishReason reason(Observer.Reason reason) {
    return switch (reason) {
      case STOP -> FinishReason.FINISH_REASON_STOP;
      case LENGTH -> FinishReason.FINISH_REASON_LENGTH;
      case STOP_SEQUENCE -> FinishReason.FINISH_REASON_STOP_SEQUENCE;
      case TIME_LIMIT -> FinishReason.FINISH_REASON_TIME_LIMIT;
    };
  }
}
