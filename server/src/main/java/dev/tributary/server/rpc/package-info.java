/// The gRPC services of tributary.v1: what comes in is checked, what goes out is paced, and every
/// way to fail has one status.
///
/// **The way of a call.** Interceptors refuse calls while the server warms or drains ([Admission]),
/// set the tenant ([Tenant]), and refuse bytes that are no message ([ParsedRequests]) or hold
/// fields that this server does not know ([KnownFields]). A handler then runs on a virtual thread
/// of its own ([Call]) from top to bottom: read every field, turn the input into tokens, pin and
/// lease the adapters, hand the job to the engine, pass its events on. It blocks where it must
/// wait, so the code reads in the order in which things happen.
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
/// **Not here yet.** Tenants other than `public`, the ledger, and a memory of request ids that
/// survives a restart.
@NullMarked
package dev.tributary.server.rpc;

import org.jspecify.annotations.NullMarked;
