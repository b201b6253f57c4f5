package dev.tributary.server.adapter;

import dev.tributary.server.state.AdapterName;
import dev.tributary.server.state.VersionRecord;
import org.jspecify.annotations.Nullable;

/// A version, for telling of it.
///
/// @param version null if the files of an offered folder were refused before they had a digest
/// @param refusal why it is not served; null if it is
/// @param leases answers that use its weights now
public record VersionInfo(
    AdapterName adapter,
    @Nullable VersionRecord version,
    @Nullable AdapterRefusal refusal,
    Tier tier,
    int leases) {}
