/// Tokenizer and chat template.
@NullMarked
package dev.tributary.server.tokenize;

import org.jspecify.annotations.NullMarked;
