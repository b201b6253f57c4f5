/// The Llama-family graph in plain Java over [dev.tributary.server.tensor.Ops].
@NullMarked
package dev.tributary.server.model;

import org.jspecify.annotations.NullMarked;
