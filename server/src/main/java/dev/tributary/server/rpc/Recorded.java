package dev.tributary.server.rpc;

import dev.tributary.record.AttributionRecord;
import java.util.concurrent.CompletableFuture;

/// A generation whose record is durable.
///
/// @param leaf of the record
/// @param attribution once it is durable, too
record Recorded(long leaf, CompletableFuture<AttributionRecord> attribution) {}
