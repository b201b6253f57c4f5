package dev.tributary.server.train;

import dev.tributary.server.state.AdapterName;

/// A version to be trained.
///
/// @param adapter that gets it
/// @param alias to be set to it; empty: none
/// @param subsets of contributors to retrain on afterwards; 0: none
/// @param seeds adapters of each subset
/// @param heldOut examples, a line each, that are evaluated and not trained on; empty: those that
///   the settings hold out
/// @param requestId of its start; empty: none
public record RunOrder(
    AdapterName adapter,
    RunSettings settings,
    String alias,
    int subsets,
    int seeds,
    byte[] heldOut,
    String requestId) {}
