package dev.tributary.server.ledger;

import java.util.Optional;

/// How it stands with a witness.
///
/// @param name in the policy
/// @param size leaves of the newest checkpoint that it is known to have cosigned; 0 if none
/// @param problem why it did not cosign what it was last asked to, a sentence
public record WitnessState(String name, long size, Optional<String> problem) {}
