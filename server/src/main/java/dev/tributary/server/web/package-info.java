/// The HTTP port: metrics, health, the ledger's log, and the page. Read-only.
///
/// **Pages.** A page is a path and a function that makes it ([Page], [Pages]); there is no routing
/// beyond a map and two prefixes, no bodies of requests, and nothing that changes anything.
///
/// **The page** is a few files ([Site]) without anything to build, and asks the API by JSON
/// ([ApiPages]). What it asks are calls of the gRPC API in its caller's name ([Api]), so who may
/// read what is decided in one place. A receipt is verified in the browser, from the bytes of its
/// file, by code that shares nothing with the server's.
///
/// **The log.** Checkpoints and tiles, at the paths that C2SP tlog-tiles gives them, are for all;
/// entries need an auditor's key ([LogPages]). They are slices of files, read on a thread of their
/// own so that the port's never waits for a disk.
///
/// **Whom it answers.** Browsers of this machine are made to ask it things by any page they show,
/// by a name that is rebound to a loopback address (DNS rebinding). So a request must name a host
/// that is known ([HostNames]); nothing may be framed or read across origins, and nothing but the
/// page's own files runs ([Answers]). Without a key only programs of this machine learn of answers.
///
/// **Bounds.** Connections, the bytes of a request's head, and the time of each of its phases, so
/// that clients which send or read a byte a minute lose their connection ([Connection]).
@NullMarked
package dev.tributary.server.web;

import org.jspecify.annotations.NullMarked;
