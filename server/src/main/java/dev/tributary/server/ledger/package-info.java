/// The log: an append-only Merkle tree of leaves on this machine's disk, and what keeps it honest.
///
/// **Segments are the truth** ([Segments]): frames of one leaf each, appended by one thread. A
/// batch is written at once and forced once; only then are its leaves acknowledged (group commit).
/// Files are filled with zeros ahead of what is written, so that forcing them moves no metadata.
///
/// **Everything else is derived** and forced only now and then: where each leaf lies ([Offsets]),
/// and the hashes of the tree's levels 0, 8, 16, ... ([Tree]), 32 bytes each, one flat file per
/// level. A tile of C2SP's `tlog-tiles` is a slice of such a file, a partial tile a shorter slice,
/// so that no tile files are written; a client's `ledger export` writes them. A [Mark] says up to
/// which leaf the derived files were forced; a start replays from there, and from the first leaf if
/// they prove wrong.
///
/// **Checkpoints** are signed at most every [LogSettings#publishEvery] when something changed,
/// forced before anyone sees them, also to the anchor if there is one, and kept by size for ever.
/// Leaves are durable before a checkpoint covers them, so that no size can get another root.
///
/// **What fails, fails for good.** After a failed write or force nobody knows what the disk holds,
/// and trying again may report success for data that is gone. So the log takes nothing more
/// ([LedgerBroken]), and the next start reads what is there. It cuts a torn tail at a frame's
/// border, and only what was never acknowledged: a frame says how far the log had been forced when
/// it was written, so that damage to acknowledged leaves is told from a torn tail, and refused
/// ([LedgerRefused]). A disk that says it forced and did not is beyond what can be done here.
///
/// **Records** ([Ledger]): a leaf only commits to what callers and contributors said. The records
/// themselves lie beside the log ([SideStore]), each encrypted under a key of its own, which the
/// appender's thread does. They are durable before their leaves are; what has no leaf is cut at the
/// start. Erasing destroys keys, and appends a leaf that says so.
///
/// **Who rolls the folder back** or replaces it is found by what lies outside: the [Anchor], and
/// [Witnesses], which cosign checkpoints and know the newest they saw. A start asks both. Rolling
/// back folder and anchor together is found by a witness only. [Fsck] computes everything anew and
/// changes nothing.
///
/// **Keys.** The folder has the list of keys that signed ([LogKeys]), and learns of the next before
/// the leaf that announces it is written: whether a rotation happened is told by the log's size.
///
/// **Threads.** One writes, one signs checkpoints, one tells those who wait; none of them ever
/// waits for a caller or for another machine. Each witness has a thread of its own. Any thread may
/// read: what is below [Log#durable] no longer changes. Every read opens its file anew, since
/// interrupting a thread closes the channel that it reads from, for all.
@NullMarked
package dev.tributary.server.ledger;

import org.jspecify.annotations.NullMarked;
