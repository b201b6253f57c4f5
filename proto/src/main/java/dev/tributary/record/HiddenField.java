package dev.tributary.record;

import dev.tributary.tlog.Hash;

/// A salted field that is not opened.
public record HiddenField(String tag, Hash commitment) implements Field {}
