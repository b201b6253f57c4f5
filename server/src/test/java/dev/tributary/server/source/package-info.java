@NullMarked
package dev.tributary.server.source;

import org.jspecify.annotations.NullMarked;
