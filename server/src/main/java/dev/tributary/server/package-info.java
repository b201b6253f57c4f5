/// The server. See the package table in `PackageTableTest`: it is the architecture.
///
/// What falls due by the clock has one thread, [Upkeep]: it settles if it was told to, then erases
/// what is kept no longer.
@NullMarked
package dev.tributary.server;

import org.jspecify.annotations.NullMarked;
