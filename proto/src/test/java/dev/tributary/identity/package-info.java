@NullMarked
package dev.tributary.identity;

import org.jspecify.annotations.NullMarked;
