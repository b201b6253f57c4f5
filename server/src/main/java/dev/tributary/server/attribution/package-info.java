/// draft
@NullMarked
package dev.tributary.server.attribution;

import org.jspecify.annotations.NullMarked;
