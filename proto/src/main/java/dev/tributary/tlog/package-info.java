/// Transparency logs as public formats have them, for those who write one and those who check one.
///
/// The tree is RFC 6962's ([Merkle]). Files follow C2SP: `signed-note`, `tlog-checkpoint`,
/// `tlog-cosignature`, `tlog-tiles`, `tlog-proof` and `tlog-policy`. Nothing here knows what the
/// entries say; that is `dev.tributary.record`'s. Only the JDK is needed, and no network.
///
/// Every parser is strict: what it takes, written again, gives the same bytes. Else two texts could
/// say the same, and one of them would pass a check that was made for the other. Only a [Policy]
/// may have comments and spaces, since people write it and nothing hashes or signs it.
@NullMarked
package dev.tributary.tlog;

import org.jspecify.annotations.NullMarked;
