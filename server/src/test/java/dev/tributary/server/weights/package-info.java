@NullMarked
package dev.tributary.server.weights;

import org.jspecify.annotations.NullMarked;
