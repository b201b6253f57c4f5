/// The server. See the package table in `PackageTableTest`: it is the architecture.
@NullMarked
package dev.tributary.server;

import org.jspecify.annotations.NullMarked;
