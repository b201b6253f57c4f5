package dev.tributary.server.train;

import dev.tributary.server.model.LlamaConfig;
import org.jspecify.annotations.Nullable;

/// The resident base, as far as a run must know it.
///
/// @param digest base digest, `sha256:<hex>`; stated by the adapters that come out
/// @param name full name, `owner/name`, for `base_model_name_or_path`; null if it has none
/// @param numerics what decides the bits of what it computes; a run goes on only where they are the
///   same
public record TrainingBase(
    String digest, @Nullable String name, LlamaConfig config, String numerics) {}
