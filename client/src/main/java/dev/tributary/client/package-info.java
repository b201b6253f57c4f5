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
/// ([AdapterWatch][dev.tributary.client.AdapterWatch]) go on across broken connections, with a
/// bounded number of tries; [Rollout][dev.tributary.client.Rollout] changes aliases by reading,
/// changing and writing under etags, and remembers on the server what a rollback goes back to.
@NullMarked
package dev.tributary.client;

import org.jspecify.annotations.NullMarked;
