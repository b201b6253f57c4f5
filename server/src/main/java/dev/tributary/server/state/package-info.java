/// The authoritative state of the server, in one SQLite file, `state.db`: tenants, keys and quotas,
/// adapters with their versions and aliases, uploads, contributions, request ids, the audit log.
/// What a call acknowledged is on disk, and after a crash nothing is there by halves.
///
/// **One file, one process, one writer.** A lock file keeps a second process off ([Occupancy]). All
/// changes go through one connection behind a lock, each as one transaction with `synchronous=FULL`
/// in WAL mode, so a commit costs one sync of the disk; reads go through connections of their own
/// and wait for none of that ([Database]).
///
/// **What every call reads** (its key, its tenant, an alias, a version) is remembered until the
/// next change of its kind, since a read costs some 15 to 30 us ([Recent]); all else is read from
/// the file, so opening it and memory do not grow with the number of adapters. A lookup is faster
/// when it was made lately: who must not learn that a thing exists must be turned away before it.
///
/// **Tables.** Keys are the names that callers use, so every row says whose it is. References are
/// foreign keys: a version can't go while an alias leads to it, a tenant not while it has adapters
/// or keys. Changes of the tables are numbered migrations ([Schema]).
///
/// **Etags** are random and new with every change.
///
/// **Failures** are a [StateException] with a sealed reason, and leave nothing changed. Arguments
/// out of their bounds are the caller's bug: requests are validated before they get here.
@NullMarked
package dev.tributary.server.state;

import org.jspecify.annotations.NullMarked;
