package dev.tributary.server;

import dev.tributary.record.Division;
import dev.tributary.record.Evidence;
import dev.tributary.server.attribution.Answer;
import dev.tributary.server.attribution.Attributor;
import dev.tributary.server.attribution.VersionIndex;
import dev.tributary.server.engine.Engine;
import dev.tributary.server.engine.LikelihoodJob;
import dev.tributary.server.model.LoraWeights;
import dev.tributary.server.rpc.Attributing;
import dev.tributary.tlog.Hash;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;

/// Has answers attributed: the base's likelihoods by the engine, the rest by the [Attributor].
final class AttributionDesk implements Attributing, AutoCloseable {
  private final Engine engine;
  private final VersionIndexes indexes;
  private final Attributor attributor;

  AttributionDesk(Engine engine, VersionIndexes indexes, Attributor attributor) {
    this.engine = engine;
    this.indexes = indexes;
    this.attributor = attributor;
  }

  @Override
  public CompletableFuture<Outcome> attribute(Answered answer) {
    if (answer.adapters().size() != 1) {
      return nothing("of several adapters");
    }
    dev.tributary.record.AdapterUse use = answer.adapters().getFirst();
    Optional<VersionIndex> index;
    try {
      index = indexes.find(use.name().substring(0, use.name().indexOf('/')), use.digest().text());
    } catch (IOException e) {
      return CompletableFuture.failedFuture(e);
    }
    if (index.isEmpty()) {
      return nothing("");
    }
    LoraWeights weights = answer.uses().getFirst().weights();
    VersionIndex of = index.get();
    return engine
        .likelihoods(
            new LikelihoodJob(
                answer.id(),
                answer.tenant(),
                answer.weight(),
                answer.prompt(),
                answer.output(),
                List.of(),
                answer.sampling(),
                OptionalLong.empty(),
                List.of()))
        .thenCompose(
            base ->
                attributor.attribute(
                    of,
                    weights,
                    new Answer(answer.prompt(), answer.output(), answer.drawn(), base)))
        .thenApply(evidence -> attributed(use.digest(), evidence));
  }

  private static CompletableFuture<Outcome> nothing(String detail) {
    return CompletableFuture.completedFuture(new Unattributed(Reason.NOT_BUILT, detail));
  }

  private static Outcome attributed(Hash adapter, Evidence evidence) {
    Division division = evidence.divide();
    return new Attributed(
        VersionIndex.METHOD,
        division.parts().stream()
            .map(part -> new Share(new Contributor(adapter, part.contributor()), part.ppm()))
            .toList(),
        division.basePpm(),
        division.unattributedPpm(),
        evidence.spans().stream()
            .filter(span -> !span.echo() && !span.sources().isEmpty())
            .map(span -> span(adapter, evidence, span))
            .toList(),
        evidence.encode());
  }

  private static Span span(Hash adapter, Evidence evidence, Evidence.Span span) {
    return new Span(
        span.start(),
        span.end(),
        span.sources().stream()
            .map(source -> evidence.sources().get(source).contributor())
            .distinct()
            .sorted()
            .map(name -> new Contributor(adapter, evidence.contributors().get(name)))
            .toList());
  }

  @Override
  public void close() {
    attributor.close();
  }
}
