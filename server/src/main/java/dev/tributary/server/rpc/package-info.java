/// The gRPC services of tributary.v1: what comes in is checked, what goes out is paced, and every
/// way to fail has one status.
///
/// **The way of a call.** Interceptors tell whose call it is and whether it may ([Callers]), refuse
/// calls while the server warms or drains ([Admission]), and refuse bytes that are no message
/// ([ParsedRequests]) or hold fields that this server does not know ([KnownFields]). A handler then
/// runs on a virtual thread of its own ([Call]) from top to bottom: read every field, turn the
/// input into tokens, pin and lease the adapters, hand the job to the engine, pass its events on.
/// It blocks where it must wait, so the code reads in the order in which things happen.
///
/// **Pace.** A row never waits for its reader. The engine's thread puts events into [JobEvents],
/// which max_tokens bounds; the call's own thread, the only writer of the call, sends them as the
/// transport takes them ([PacedStream]). A reader who stops for the idle time loses the call.
///
/// **End.** The gRPC context tells of cancellation and deadline: it cancels what the call waits
/// for, be it a lease, the transport or the row. Leases end when the row has ended.
///
/// **Status.** [Statuses] is the only place that makes one.
///
/// **Figures.** [Observed], the outermost interceptor, opens a record for each call and closes it
/// with its status; what happens between is told to it where it happens ([Call#record]).
/// [LoadReports] tells load balancers how full the server is.
///
/// **Callers.** A key of the state or a token of an identity provider makes a [Caller]: tenant and
/// role. [MethodRoles] says for every method of every service which roles may call it; what is not
/// in it, nobody may. Who has no good key learns nothing, not even which part of it was wrong. Only
/// on loopback, and only until the first key or tenant is made, calls need none ([Access]).
///
/// **Quotas.** [Quotas] holds tenants to theirs before a request costs anything: a place among the
/// tenant's concurrent requests, then the prompt's tokens, then adapters and the engine. What all
/// share, open calls and the engine's queue, no tenant can take alone.
///
/// **TLS** follows its files ([ReloadingTls]).
///
/// **Admin.** A port of its own ([AdminServer]), whose calls need the key in the folder of data
/// ([AdminKey]) or one of role ADMIN; what changes something is in the state's audit log.
///
/// What the base lost to four bits is measured by a [Certifier], which the wiring is
/// ([Certifying]).
///
/// **The ledger.** [ProvenanceService] shows it: receipts, with as much in them as their reader may
/// see ([Receipts]), the log as everybody sees it ([LogAnswers]), and contributions, whose leaves
/// are there before anybody can name them ([Contributing]).
///
/// **JSON.** What the web port's page asks goes through the same interceptors and handlers, over an
/// in-process transport ([JsonCalls]).
///
/// **Attribution.** Whose data an answer is, [Attributing] says, beside the call and after it; this
/// package asks, and records what it said ([Attributions]). Only a GenerateOnce whose caller asked
/// for shares waits for that. What a version's answers are looked up in is built when its weights
/// are first read; [IndexCall] has that done now, and tells how far [Indexing] says it is.
///
/// **Training.** [TrainingService] refuses what cannot be trained before anything is registered,
/// then registers it as [Contributing] does for all, and queues the run; runs themselves are
/// [dev.tributary.server.train.TrainingRuns]' affair.
@NullMarked
package dev.tributary.server.rpc;

import org.jspecify.annotations.NullMarked;
