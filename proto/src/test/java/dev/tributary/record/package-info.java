@NullMarked
package dev.tributary.record;

import org.jspecify.annotations.NullMarked;
