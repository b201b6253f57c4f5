/// The `tributary` command line: one class per command (one method per command in the small groups
/// below `admin`, and for the short ones of `ledger` and `contributions`), constructed by hand
/// around [Tributary][dev.tributary.client.cli.Tributary], which holds the global options and opens
/// the client.
///
/// What was asked for goes to standard output, everything about it (summaries, prompts, errors) to
/// standard error, so that answers can be piped. With `--json` each line of standard output is one
/// object: protobuf JSON of the contract's messages. Exit codes: 0 what was asked holds, 1 it
/// failed, 2 the command line makes no sense.
///
/// Commands that check something take their trust from
/// [TrustOptions][dev.tributary.client.cli.TrustOptions]: a policy, a key, or the key that was
/// pinned at first contact with the log (`pinned-logs` in the user's configuration folder).
@NullMarked
package dev.tributary.client.cli;

import org.jspecify.annotations.NullMarked;
