@NullMarked
package dev.tributary.client;

import org.jspecify.annotations.NullMarked;
