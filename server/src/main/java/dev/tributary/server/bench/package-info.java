/// Programs that measure, started by `server/tributary-server bench`; nothing imports them.
///
/// **What is timed.** `decode` and `prefill` time the graph alone, `train-step` a step of training,
/// `step` the engine around it, `load` a server's streams as a caller sees them, `swap` what
/// changing adapters costs, `peer` the graph beside llama.cpp, `ledger` the log, `train` the
/// training of adapters. Every figure of a kernel's speed stands beside what this machine can do at
/// most, measured in the same run ([Machine]).
///
/// **Load.** The server is a process of its own, so that its memory can be told from that of the
/// callers. Arrivals and adapters are drawn from a seed. A latency counts from the moment at which
/// the call was due, not from when the generator got round to sending it.
///
/// **Output.** A table for people, and with `--json` the same figures for programs: one [Report].
@NullMarked
package dev.tributary.server.bench;

import org.jspecify.annotations.NullMarked;
