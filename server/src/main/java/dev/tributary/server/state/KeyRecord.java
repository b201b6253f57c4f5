package dev.tributary.server.state;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/// An API key, without its secret. Times are to the millisecond.
///
/// @param id 16 hexadecimal digits
/// @param contributor empty unless the role is CONTRIBUTOR
/// @param expires null: never
/// @param lastUse to the hour; null: never used
public record KeyRecord(
    String id,
    String tenant,
    Role role,
    String contributor,
    String displayName,
    Instant created,
    @Nullable Instant expires,
    @Nullable Instant lastUse) {}
