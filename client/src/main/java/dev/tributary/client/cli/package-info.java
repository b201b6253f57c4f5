/// The `tributary` command line: one class per command (one method per command in the small groups
/// below `admin`), constructed by hand around [Tributary][dev.tributary.client.cli.Tributary],
/// which holds the global options and opens the client.
///
/// What was asked for goes to standard output, everything about it (summaries, prompts, errors) to
/// standard error, so that answers can be piped. With `--json` each line of standard output is one
/// object: protobuf JSON of the contract's messages. Exit codes: 0 what was asked holds, 1 it
/// failed, 2 the command line makes no sense.
@NullMarked
package dev.tributary.client.cli;

import org.jspecify.annotations.NullMarked;
