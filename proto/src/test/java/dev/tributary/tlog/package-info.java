@NullMarked
package dev.tributary.tlog;

import org.jspecify.annotations.NullMarked;
