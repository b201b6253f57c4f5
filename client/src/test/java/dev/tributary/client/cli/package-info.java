@NullMarked
package dev.tributary.client.cli;

import org.jspecify.annotations.NullMarked;
