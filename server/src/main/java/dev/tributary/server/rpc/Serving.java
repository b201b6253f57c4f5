package dev.tributary.server.rpc;

import dev.tributary.server.adapter.AdapterStore;
import dev.tributary.server.engine.Engine;
import dev.tributary.server.metrics.Metrics;
import dev.tributary.server.tokenize.Tokenizer;
import dev.tributary.server.train.TrainingRuns;
import java.time.InstantSource;
import java.util.function.LongSupplier;

/// What the services stand on.
///
/// @param attributing says whose data answers come from
/// @param indexing of what that is told by
/// @param metrics told of every call
/// @param clock the engine's: nanoseconds, as [System#nanoTime]
/// @param time of day, for ids and receipts
public record Serving(
    Engine engine,
    Tokenizer tokenizer,
    AdapterStore adapters,
    Attributing attributing,
    Indexing indexing,
    TrainingRuns training,
    ServedModel model,
    GenerationDefaults defaults,
    RequestLimits limits,
    Metrics metrics,
    LongSupplier clock,
    InstantSource time) {}
