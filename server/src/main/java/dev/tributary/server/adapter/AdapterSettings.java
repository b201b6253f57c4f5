package dev.tributary.server.adapter;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// Where adapters are, and how much of them.
///
/// @param data folder of `adapters` and `uploads`, this server's own
/// @param folder of PEFT folders that are offered in tenant `public`; null: none
/// @param importRoot below which administrators may import from; null: from nowhere
/// @param hostBytes memory for weights that no answer uses now, and most for a single adapter
public record AdapterSettings(
    Path data, @Nullable Path folder, @Nullable Path importRoot, long hostBytes) {}
