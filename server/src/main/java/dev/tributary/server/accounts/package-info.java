/// What the log adds up to: generations and how they ended, who has a share in them, what they
/// cost, and what contributors are credited.
///
/// **A view.** Everything in `accounts.db` follows from the log and the records beside it, leaf by
/// leaf in their order ([Posting]), so it may be deleted at any time and is made again. Rows hold
/// only what the same leaves would give again: when a record is erased, what it said leaves the
/// view too. What is said of a generation after it was erased is remembered until it is erased as
/// well. A transaction posts some hundred leaves and moves the cursor, so nothing is ever there
/// twice or by halves; the view lags the log by milliseconds, and [Accounts#awaitUpTo] waits for a
/// leaf.
///
/// **Which attribution counts.** The first one of a generation; then corrections, each of which
/// names the one it replaces, until the generation is settled. Shares that do not sum to a whole
/// count as unattributed. Replays and audits are no generations, so they neither cost nor earn.
///
/// **Money** is integers ([Credit]). A generation's fee follows from its tokens and the price rule
/// that was in the log before it and in effect in its hour: the tenant's own before that of all,
/// the later one before the earlier. The rule says which part of the fee is the contributors'. Of
/// that part each share pays its contributor, if the version's build is no mere claim and fixed the
/// method of attribution. The rest of the part (the base's share, the unattributed one, shares that
/// pay nobody) is held or refunded, never the operator's, so that no attribution pays the operator.
/// Sums are exact and rounded once, when a settlement closes the period: by largest remainder, so
/// that fees, credits and the rest add up to the millionth.
///
/// **A settlement** says up to which leaf it looked. It takes all generations up to that leaf, of
/// hours before its period's end, that no earlier one took; an attribution or correction behind
/// that leaf comes too late. So anyone with the records can compute it again. Contributors are
/// known by names that each tenant gives: a line is a contributor's of the tenant that has the
/// version, also where two tenants have versions of the same bytes.
///
/// **Databases.** SQLite by default, PostgreSQL where one machine is outgrown; what they say
/// differently is in [Dialect]. One thread writes.
@NullMarked
package dev.tributary.server.accounts;

import org.jspecify.annotations.NullMarked;
