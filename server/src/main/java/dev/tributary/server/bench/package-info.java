/// Programs that measure, started by `server/tributary-server bench`; nothing imports them.
@NullMarked
package dev.tributary.server.bench;

import org.jspecify.annotations.NullMarked;
