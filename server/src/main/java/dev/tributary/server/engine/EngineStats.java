package dev.tributary.server.engine;

/// What the engine is doing, at about one moment; for health and metrics.
///
/// @param running sequences in work
/// @param waiting jobs not started
/// @param freePages pages of the cache of keys and values that no sequence owns
/// @param steps steps run since the start
/// @param promptTokens tokens of prompts computed since the start
/// @param generatedTokens tokens generated since the start
/// @param failedSteps steps that threw since the start
public record EngineStats(
    int running,
    int waiting,
    int freePages,
    long steps,
    long promptTokens,
    long generatedTokens,
    long failedSteps) {}
