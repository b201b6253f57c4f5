/// The Java client library and the `tributary` command line.
@NullMarked
package dev.tributary.client;

import org.jspecify.annotations.NullMarked;
