/// The Java client library of Tributary.
///
/// [TributaryClient][dev.tributary.client.TributaryClient] speaks the contract of the `proto`
/// module over one channel; [Answer][dev.tributary.client.Answer] is one streamed generation, which
/// is cancelled when it is closed; every failure is a
/// [TributaryException][dev.tributary.client.TributaryException] that carries the status and what
/// its details say. Requests and responses are the generated messages themselves: they are the
/// contract, and a second set of types beside them would only lag behind it.
@NullMarked
package dev.tributary.client;

import org.jspecify.annotations.NullMarked;
