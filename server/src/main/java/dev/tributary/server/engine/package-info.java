/// The one loop that owns the device: schedule, run, sample, publish.
@NullMarked
package dev.tributary.server.engine;

import org.jspecify.annotations.NullMarked;
