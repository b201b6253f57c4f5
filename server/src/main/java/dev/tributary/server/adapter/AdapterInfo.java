package dev.tributary.server.adapter;

import org.jspecify.annotations.Nullable;

/// What is known of an offered adapter, for listing it.
///
/// @param latest its newest version; null if its files were refused before they had a digest
/// @param refusal why it is not served; null if it is
/// @param leases answers that use the version's weights now
public record AdapterInfo(
    String tenant,
    String name,
    @Nullable AdapterVersion latest,
    @Nullable AdapterRefusal refusal,
    Tier tier,
    int leases) {}
