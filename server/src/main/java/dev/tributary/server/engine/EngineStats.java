package dev.tributary.server.engine;

/// What the engine is doing, at about one moment; for health and metrics.
///
/// @param running sequences in work, preempted ones too
/// @param waiting jobs not started
/// @param freePages pages of the cache of keys and values that no sequence holds
/// @param cachedPages those of them that keep a prefix until they are needed
/// @param pages all pages of the cache
/// @param steps steps run since the start
/// @param promptTokens tokens of prompts computed since the start, again or for the first time
/// @param prefixTokens tokens of prompts found in the prefix cache since the start
/// @param generatedTokens tokens generated since the start
/// @param preemptions how often a sequence gave up its pages since the start
/// @param failedSteps steps that threw since the start
public record EngineStats(
    int running,
    int waiting,
    int freePages,
    int cachedPages,
    int pages,
    long steps,
    long promptTokens,
    long prefixTokens,
    long generatedTokens,
    long preemptions,
    long failedSteps) {}
