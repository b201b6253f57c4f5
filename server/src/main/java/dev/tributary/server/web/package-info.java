/// The HTTP port: metrics, health, and the ledger's log; the page later. Read-only.
///
/// **Pages.** A page is a path and a function that makes it ([Page], [Pages]); there is no routing
/// beyond a map and one prefix, no parameters, no bodies of requests, and nothing that changes
/// anything.
///
/// **The log.** Checkpoints and tiles, at the paths that C2SP tlog-tiles gives them, are for all;
/// entries need an auditor's key ([LogPages]). They are slices of files, read on a thread of their
/// own so that the port's never waits for a disk.
///
/// **Whom it answers.** Browsers of this machine are made to ask it things by any page they show,
/// by a name that is rebound to a loopback address (DNS rebinding). So a request must name a host
/// that is known ([HostNames]); no page may be framed, run scripts or be read across origins
/// ([Answers]).
///
/// **Bounds.** Connections, the bytes of a request's head, and the time of each of its phases, so
/// that clients which send or read a byte a minute lose their connection ([Connection]).
@NullMarked
package dev.tributary.server.web;

import org.jspecify.annotations.NullMarked;
