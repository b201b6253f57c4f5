/// The Java client library of Tributary.
///
/// [TributaryClient][dev.tributary.client.TributaryClient] speaks the contract of the `proto`
/// module over one channel, [AdminClient][dev.tributary.client.AdminClient] that of the admin port;
/// [Answer][dev.tributary.client.Answer] is one streamed generation, which is cancelled when it is
/// closed; every failed call is a [TributaryException][dev.tributary.client.TributaryException]
/// that carries the status and what its details say. Requests and responses are the generated
/// messages themselves: they are the contract, and a second set of types beside them would only lag
/// behind it.
///
/// Three things are more than a call: an upload and a watch
/// ([AdapterWatch][dev.tributary.client.AdapterWatch],
/// [CheckpointWatch][dev.tributary.client.CheckpointWatch]) go on across broken connections, with a
/// bounded number of tries; [Rollout][dev.tributary.client.Rollout] changes aliases by reading,
/// changing and writing under etags, and remembers on the server what a rollback goes back to.
///
/// Of the ledger nothing is believed because the server says it. What comes is a
/// [Head][dev.tributary.client.Head] until a policy believes it, and what is read under a believed
/// one is hashed here: [Ledger][dev.tributary.client.Ledger] checks growth and proofs,
/// [LedgerAudit][dev.tributary.client.LedgerAudit] every entry,
/// [LedgerFolder][dev.tributary.client.LedgerFolder] and
/// [LedgerFsck][dev.tributary.client.LedgerFsck] the static files,
/// [ContributionReceipts][dev.tributary.client.ContributionReceipts] and
/// [StatementCheck][dev.tributary.client.StatementCheck] what contributors are told. Whom to
/// believe is the caller's: a policy, a key, or what [Pins][dev.tributary.client.Pins] has from the
/// first contact with a log. What does not hold is an
/// [UnmetException][dev.tributary.client.UnmetException], and no call that failed.
@NullMarked
package dev.tributary.client;

import org.jspecify.annotations.NullMarked;
