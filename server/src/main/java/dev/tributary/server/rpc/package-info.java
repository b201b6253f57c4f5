/// The gRPC services: validation, status mapping, flow control.
@NullMarked
package dev.tributary.server.rpc;

import org.jspecify.annotations.NullMarked;
