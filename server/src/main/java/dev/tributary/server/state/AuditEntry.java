package dev.tributary.server.state;

import java.time.Instant;

/// One line of the audit log.
///
/// @param number from 1, in the order of the log
/// @param time to the millisecond
/// @param actor key id, or who else acted
/// @param tenant that was acted on; empty for the server itself
/// @param action what was asked for: `CreateKey`
/// @param subject what it was done to
/// @param outcome how it ended: `OK`, or a status code
/// @param detail more of it; empty where there is nothing to say
public record AuditEntry(
    long number,
    Instant time,
    String actor,
    String tenant,
    String action,
    String subject,
    String outcome,
    String detail) {}
