/// Which rows run in the next step. Pure: no tensors, no clock of its own, no threads.
@NullMarked
package dev.tributary.server.schedule;

import org.jspecify.annotations.NullMarked;
